"""What tests of the whole service share: settings, a client without a socket, photos of invented cards."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from fastapi import FastAPI
from pydantic import SecretStr

from app.api.application import build_application
from app.services.gallery_import import GalleryImporter, ImportReport
from app.services.manifest import read_manifest
from app.services.runtime import Runtime
from app.settings import Settings
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard
from app.synthesis.scenes import Level, Scene, SceneCard, SceneKind, photograph_scene
from app.vision.decode import encode_jpeg

CARD_HEIGHT_PX = 400

Upload = dict[str, tuple[str, bytes, str]]


@dataclass(frozen=True)
class FilledGallery:
    """A database with a gallery, to be cloned, and the cards in it."""

    database: str
    folder: Path
    manifest: Path
    cards: tuple[InventedCard, ...]


def offline_settings(dsn: str, data_dir: Path, **changes: object) -> Settings:
    """Defaults, an external database, one encoder thread; nothing from ``.env``."""
    values = {
        "database_url": SecretStr(dsn),
        "data_dir": data_dir,
        "encoder_threads": 1,
        "verification_budget_ms": 60_000,  # a busy machine must not change what is found
        **changes,
    }
    return Settings(_env_file=None, **values)


async def import_manifest(runtime: Runtime, manifest: Path, images: Path) -> ImportReport:
    """Imports without a progress bar."""
    importer = GalleryImporter(runtime.settings, runtime.encoder, runtime.gallery, runtime.references)
    return await importer.run(read_manifest(manifest, images))


def client_of(runtime: Runtime) -> httpx.AsyncClient:
    """A client that speaks to the real application without a socket."""

    @asynccontextmanager
    async def nothing(_: FastAPI):
        yield

    app = build_application(runtime.settings, nothing)
    app.state.runtime = runtime
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


def photograph(
    cards: Sequence[InventedCard],
    kind: SceneKind,
    seed: int = 5,
    level: Level = Level.EASY,
    megapixels: float = 1.6,
) -> Scene:
    """A labelled photo of invented cards."""
    scene_cards = [
        SceneCard(draw_card(card, CARD_HEIGHT_PX), card.card.card_id, card.card.name) for card in cards
    ]
    return photograph_scene(kind, level, scene_cards, np.random.default_rng(seed), megapixels=megapixels)


def as_upload(image: np.ndarray) -> Upload:
    """A picture as the form that ``POST /identify`` takes."""
    return {"image": ("page.jpg", encode_jpeg(image, 90), "image/jpeg")}
