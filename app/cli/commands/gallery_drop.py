"""``binderlens gallery drop``: the gallery of an encoder that is no longer used."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from app.cli.wiring import load_settings
from app.domain.errors import ConfigurationError, GalleryEmpty, NotFound
from app.domain.fitted import fitted_files
from app.domain.gallery_types import EncoderGallery
from app.domain.types import EncoderInfo
from app.settings import Settings


def drop(
    encoder: Annotated[
        str, typer.Option(help="Whose gallery: a fingerprint as `gallery status` shows it, or a name.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove another encoder's gallery; never that of ENCODER.

    Cards, pictures, scans and corrections stay, so `gallery re-embed` can build it again.

    Confidences that were fitted for it stay, too: they took labels that are not kept here.
    """
    from app.inference.catalogue import resolve_encoder
    from app.inference.loading import expect_encoder
    from app.main import prepare_process

    settings = load_settings()
    live = expect_encoder(
        resolve_encoder(settings.models_dir, settings.encoder),
        precision=settings.encoder_precision,
        runtime=settings.encoder_runtime,
    )
    prepare_process(settings, quiet=True)
    chosen = choose_gallery(asyncio.run(_galleries(settings)), encoder, live)
    console = Console(highlight=False, soft_wrap=True)
    console.print(_described(chosen), markup=False)
    console.print(f"cards, pictures, scans, corrections and the gallery of {live.name} stay", markup=False)
    if not (yes or _is_meant()):
        raise ConfigurationError("nothing was removed")
    asyncio.run(_drop(settings, chosen.fingerprint))
    console.print(f"removed {chosen.templates} templates of {_named(chosen)}", markup=False)
    for path in fitted_files(settings.data_dir, chosen.fingerprint):
        console.print(
            f"what was fitted for it stays in {path}; "
            f"to delete that: ENCODER={path.stem} binderlens evaluate --forget-fit",
            markup=False,
        )


def choose_gallery(galleries: Sequence[EncoderGallery], wanted: str, live: EncoderInfo) -> EncoderGallery:
    """The one gallery that a fingerprint or a name means.

    Raises:
        NotFound: none is meant.
        ConfigurationError: the live one is meant or may be, or several are.
        GalleryEmpty: the live encoder has no templates, so that nothing would be left to search.
    """
    meant = [one for one in galleries if wanted in (one.fingerprint, one.encoder_name)]
    others = [one for one in meant if one.fingerprint != live.fingerprint]
    if wanted in (live.fingerprint, live.name):
        hint = f"; by their fingerprints there are {_listed(others)}" if others else ""
        raise ConfigurationError(f"{wanted} is ENCODER, whose gallery is searched{hint}")
    if not meant:
        there = [one for one in galleries if one.fingerprint != live.fingerprint]
        raise NotFound(f"no gallery of an encoder {wanted!r}; there are, beside ENCODER's: {_listed(there)}")
    if len(meant) > 1:
        raise ConfigurationError(
            f"{wanted} means several galleries; name one by its fingerprint: {_listed(meant)}"
        )
    if not any(one.fingerprint == live.fingerprint and one.templates for one in galleries):
        raise GalleryEmpty(
            f"ENCODER is {live.name}, which has no templates yet; run first: binderlens gallery re-embed"
        )
    return meant[0]


def _named(gallery: EncoderGallery) -> str:
    return f"{gallery.encoder_name} ({gallery.fingerprint})"


def _listed(galleries: Sequence[EncoderGallery]) -> str:
    return ", ".join(map(_named, galleries)) or "none"


def _described(gallery: EncoderGallery) -> str:
    last = gallery.last_scan_at
    scanned = (
        "no scan that is kept was answered by it"
        if last is None
        else f"its last scan {last:%Y-%m-%d %H:%M %Z}"
    )
    return (
        f"{_named(gallery)}: {gallery.templates} templates, {gallery.learnt} of them learnt from "
        f"corrections; made {gallery.created_at:%Y-%m-%d}; {scanned}"
    )


def _is_meant() -> bool:
    try:
        return typer.confirm("Remove these templates?", err=True)
    except typer.Abort as error:
        raise ConfigurationError("nothing was removed; say --yes where nobody can be asked") from error


async def _galleries(settings: Settings) -> list[EncoderGallery]:
    from app.db.connect import open_database
    from app.db.galleries import list_galleries

    async with open_database(settings) as database:
        return await list_galleries(database)


async def _drop(settings: Settings, fingerprint: str) -> None:
    from app.db.connect import open_database
    from app.db.galleries import drop_gallery

    async with open_database(settings) as database:
        await drop_gallery(database, fingerprint)
