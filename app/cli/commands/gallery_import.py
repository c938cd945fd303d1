"""``binderlens gallery import`` and ``binderlens gallery re-embed``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from app.cli.wiring import error_console, load_settings, progress_bar, run_with_runtime, task_of
from app.domain.errors import BrokenImage, ManifestError

if TYPE_CHECKING:
    from app.services.gallery_import import ImportReport
    from app.services.gallery_reembed import ReembedReport
    from app.services.runtime import Runtime


def import_manifest(
    manifest: Annotated[Path, typer.Argument(help="CSV with a header, or JSON Lines (.jsonl).")],
    images: Annotated[Path, typer.Option(help="Folder that the manifest's image paths start from.")],
) -> None:
    """Add or update cards and their templates; can be interrupted and run again."""
    from app.services.gallery_import import GalleryImporter
    from app.services.manifest import read_manifest

    settings = load_settings()
    content = read_manifest(manifest, images)
    errors = error_console()

    async def work(runtime: Runtime) -> ImportReport:
        importer = GalleryImporter(settings, runtime.encoder, runtime.gallery, runtime.references)
        with progress_bar(errors) as progress:
            task = progress.add_task("cards", total=len(content.cards))
            return await importer.run(
                content, lambda done: progress.advance(task, done), task_of(progress, "pairs of pictures")
            )

    report = run_with_runtime(work, settings)
    Console(highlight=False).print(
        f"{report.cards} cards: {report.added_or_changed} added or changed, {report.unchanged} as before; "
        f"{report.images} images gave {report.templates} templates; {report.artwork_groups} artwork groups",
        soft_wrap=True,
    )
    if report.refitted:
        Console(highlight=False).print("the gallery's space was fitted anew", soft_wrap=True)
    for bad in sorted(report.bad_rows, key=lambda row: row.line):
        errors.print(f"{manifest}, line {bad.line}: {bad.why}", markup=False)
    if report.bad_rows:
        raise ManifestError(f"{len(report.bad_rows)} rows of {manifest} could not be used; see above")


def re_embed(
    encoder: Annotated[
        str | None, typer.Option(help="Whose templates to build, where it is not ENCODER.")
    ] = None,
) -> None:
    """Build an encoder's templates from the stored reference images, beside those of other encoders.

    Can be interrupted and run again: what has its templates already is passed over.
    """
    from app.services.gallery_reembed import GalleryReembedder

    settings = load_settings() if encoder is None else load_settings(encoder=encoder)

    async def work(runtime: Runtime) -> tuple[ReembedReport, str]:
        reembedder = GalleryReembedder(settings, runtime.encoder, runtime.gallery, runtime.references)
        with progress_bar(error_console()) as progress:
            task = progress.add_task("reference images", total=None)
            report = await reembedder.run(
                lambda done, total: progress.update(task, completed=done, total=total),
                task_of(progress, "pairs of pictures"),
            )
        return report, runtime.encoder.info.fingerprint

    report, fingerprint = run_with_runtime(work, settings)
    Console(highlight=False).print(
        f"{report.images} reference images gave {report.templates} templates of {settings.encoder} "
        f"({fingerprint}); {report.complete_before} had theirs already",
        soft_wrap=True,
    )
    for card_id, why in report.broken:
        error_console().print(f"{card_id}: {why}", markup=False)
    if report.broken:
        raise BrokenImage(f"{len(report.broken)} stored reference images cannot be decoded; see above")
