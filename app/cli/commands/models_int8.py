"""The part of ``binderlens models`` that quantises encoders to int8, and proves it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from app.cli.wiring import error_console, load_settings, progress_bar, task_of
from app.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from app.domain.card_sample import CardSample
    from app.domain.types import StoredImage
    from app.inference.int8_proof import Int8Proof
    from app.settings import Settings


def export_int8(name: str, checkpoint: Path | None, gallery: str) -> None:
    """Quantises an encoder, exporting its weights first where that has not been done.

    Raises:
        ConfigurationError: the extra ``quantise`` is not installed, or ``gallery`` names nothing.
        EncoderError: the encoder is not there, or int8 loses too much.
    """
    from app.inference.int8_export import export_int8 as quantise
    from app.inference.manifest import MANIFEST_NAME
    from app.inference.models_admin import export_encoder, resolve_encoder
    from app.inference.quantise import import_nncf

    settings = load_settings()
    import_nncf()  # says what is missing before anything that takes long
    folder = resolve_encoder(settings.models_dir, name)
    if checkpoint is not None or not (folder / MANIFEST_NAME).is_file():
        export_encoder(settings.models_dir, name, checkpoint=checkpoint)
    sample = gather_sample(settings, gallery)
    with progress_bar(error_console()) as progress:
        manifest = quantise(folder, sample, task_of(progress, "cards compared"))
    if manifest.int8 is not None:
        print_proof(name, manifest.int8.proof)


def repeat_int8_proof(folder: Path, name: str, gallery: str) -> None:
    """Measures an encoder's int8 graph again, where it has one.

    Raises:
        ConfigurationError: ``gallery`` names nothing.
        EncoderError: the graph is not what was proved, or loses too much.
    """
    from app.inference.int8_export import repeat_proof
    from app.inference.manifest import read_manifest

    if read_manifest(folder).int8 is None:
        return
    sample = gather_sample(load_settings(), gallery)
    with progress_bar(error_console()) as progress:
        proof = repeat_proof(folder, sample, task_of(progress, "cards compared"))
    print_proof(name, proof)


def print_proof(name: str, proof: Int8Proof) -> None:
    """The figures, two lines."""
    found = proof.figures
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{name} (int8) agrees with fp32: cosine {found.least_cosine:.4f} at least, "
        f"{found.mean_cosine:.4f} on average; of {found.queries} photos {found.top1_agreement:.2%} "
        "get the same first card"
    )
    console.print(
        f"recall@1 / @50 on {proof.pictures} pictures: fp32 {found.fp32.at_1:.2%} / {found.fp32.at_50:.2%}, "
        f"int8 {found.int8.at_1:.2%} / {found.int8.at_50:.2%}, "
        f"int8 in the gallery of fp32 {found.int8_in_fp32.at_1:.2%} / {found.int8_in_fp32.at_50:.2%}"
    )


def gather_sample(settings: Settings, gallery: str) -> CardSample:
    """The pictures that ``--gallery`` means; invented cards make up the number.

    Raises:
        ConfigurationError: it names neither a database, nor ``invented``, nor something that is there.
        DatabaseUnavailable: the database cannot be reached.
    """
    from app.services.card_samples import sample_of_files, sample_of_gallery, sample_of_invented_cards

    if gallery == "auto":
        gallery = "database" if _has_database(settings) else "invented"
    if gallery == "invented":
        return sample_of_invented_cards()
    if gallery == "database":
        return sample_of_gallery(asyncio.run(_stored_pictures(settings)), settings)
    if not Path(gallery).exists():
        raise ConfigurationError(f"--gallery {gallery}: no such folder or manifest")
    return sample_of_files(Path(gallery), settings)


def _has_database(settings: Settings) -> bool:
    """Whether there is one already: quantising is no reason to make an empty one."""
    from app.db.embedded import has_cluster

    return settings.database_url is not None or has_cluster(settings.data_dir)


async def _stored_pictures(settings: Settings) -> list[tuple[str, StoredImage]]:
    from app.db.connect import open_database
    from app.db.references import PostgresReferences
    from app.services.card_samples import PICTURES_TO_READ

    async with open_database(settings) as database:
        return await PostgresReferences(database).sample(PICTURES_TO_READ)
