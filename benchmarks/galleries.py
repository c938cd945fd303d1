"""Galleries to measure on, each in a database of its own that is thrown away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from app.main import open_runtime
from app.services.gallery_import import GalleryImporter, ImportReport
from app.services.manifest import read_manifest
from app.services.runtime import Runtime
from app.settings import Settings
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.folder import write_gallery

#: Catalogues for measuring; training, validation and calibration use others (models/training/config.toml).
BENCHMARK_CATALOGUE_SEED = 90210


def benchmark_settings(work_dir: Path, **changes: object) -> Settings:
    """Defaults with an embedded database in ``work_dir``; nothing from the environment's ``.env``."""
    values: dict[str, object] = {"data_dir": work_dir / "data", "database_url": None, "api_keys": ""}
    return Settings(_env_file=None, **{**values, **changes})  # type: ignore[arg-type]


def invented_cards(artworks: int, seed: int = BENCHMARK_CATALOGUE_SEED) -> list[InventedCard]:
    """Cards for measuring, the same each time."""
    return invent_catalogue(seed, artworks)


@asynccontextmanager
async def open_gallery(
    settings: Settings, cards: Sequence[InventedCard], folder: Path
) -> AsyncIterator[Runtime]:
    """A wired service over a gallery of invented cards."""
    manifest = write_gallery(cards, folder)
    async with open_runtime(settings) as runtime:
        await import_manifest(runtime, manifest, folder)
        yield runtime


async def import_manifest(
    runtime: Runtime, manifest: Path, images: Path, without: Container[str] = ()
) -> ImportReport:
    """Imports a manifest without a progress bar; cards whose ids are in ``without`` are left out."""
    importer = GalleryImporter(runtime.settings, runtime.encoder, runtime.gallery, runtime.references)
    listed = read_manifest(manifest, images)
    kept = tuple(entry for entry in listed.cards if entry.card.card_id not in without)
    return await importer.run(replace(listed, cards=kept))
