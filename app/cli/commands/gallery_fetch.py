"""``binderlens gallery fetch``."""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from app.cli.commands.gallery_import import import_manifest
from app.cli.wiring import error_console, load_settings, progress_bar
from app.domain.errors import ManifestError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.services.gallery_fetch.checks import Checks
    from app.services.gallery_fetch.folder import FetchFolder
    from app.services.gallery_fetch.run import FetchReport

    Fetch = Callable[[list[str], Callable[[int, int], None]], Awaitable[FetchReport]]


class Source(enum.StrEnum):
    """Where cards can be fetched from."""

    TCGDEX = "tcgdex"
    POKEMONTCG = "pokemontcg"


@dataclass(frozen=True, slots=True)
class _Ask:
    """What to fetch, as the command line has it."""

    source: Source
    set_ids: list[str]
    language: str
    base_url: str | None
    data: Path | None
    images: Path | None
    images_url: str | None


_SourceArgument = Annotated[
    Source,
    typer.Argument(
        help="tcgdex: Pokémon cards, from the open TCGdex database. "
        "pokemontcg: Pokémon cards, by your copy of the PokemonTCG data project (--data)."
    ),
]
_Sets = Annotated[
    list[str] | None, typer.Option("--set", help="Set to fetch, repeatable; none means all of them.")
]
_ApiUrl = Annotated[str | None, typer.Option(envvar="TCGDEX_URL", help="tcgdex: another address of its API.")]
_Data = Annotated[
    Path | None, typer.Option(help="pokemontcg: folder with sets/en.json and cards/en/SET.json.")
]
_Images = Annotated[
    Path | None,
    typer.Option(
        help="pokemontcg: take pictures from this folder, SET/NUMBER_hires.png or SET/NUMBER.png, also .jpg "
        "and .webp; without it they are downloaded."
    ),
]
_ImagesUrl = Annotated[
    str | None,
    typer.Option(envvar="POKEMONTCG_IMAGES_URL", help="pokemontcg: another address of its pictures."),
]
_CheckPictures = Annotated[
    bool,
    typer.Option(
        "--check-pictures",
        help="Ask for every picture that is there whether it was replaced, if need be by fetching it again; "
        "run again the same, it goes on where it was interrupted. Without this, each is asked about once "
        "in 30 days, and only where an unchanged one is not sent.",
    ),
]


def fetch(
    source: _SourceArgument,
    set_ids: _Sets = None,
    language: Annotated[str, typer.Option(help="Language of the cards, as the source codes it.")] = "en",
    into: Annotated[Path | None, typer.Option(help="Folder; else DATA_DIR/sources/SOURCE.")] = None,
    and_import: Annotated[bool, typer.Option("--import", help="Import everything in the folder.")] = False,
    check_pictures: _CheckPictures = False,
    base_url: _ApiUrl = None,
    data: _Data = None,
    images: _Images = None,
    images_url: _ImagesUrl = None,
) -> None:
    """Download cards with their pictures and a manifest; can be interrupted and run again.

    A later run fetches what is missing, damaged or at another address, and pictures that were replaced.

    Data and pictures are their owners', and you fetch them for yourself: their terms hold for you.
    """
    from app.services.gallery_fetch.checks import Checks
    from app.services.gallery_fetch.folder import FetchFolder

    ask = _Ask(source, set_ids or [], language, base_url, data, images, images_url)
    _check_options(ask, check_pictures)
    folder = FetchFolder(into or load_settings().data_dir / "sources" / source.value)
    scope = (source.value, language, *sorted(set(ask.set_ids)))
    checks = Checks(folder, everything=check_pictures, scope=scope)
    fetch_cards = _fetch_tcgdex if source is Source.TCGDEX else _fetch_data
    report = asyncio.run(fetch_cards(ask, folder, checks))
    _print(report, folder)
    if and_import:
        import_manifest(folder.manifest, folder.root)
    else:
        command = f"binderlens gallery import {folder.manifest} --images {folder.root}"
        Console(highlight=False).print(f"import them with: {command}", soft_wrap=True, markup=False)
    _raise_where_incomplete(report)


def _check_options(ask: _Ask, check_pictures: bool) -> None:
    if ask.source is Source.POKEMONTCG and ask.data is None:
        raise typer.BadParameter("pokemontcg needs --data, your copy of the PokemonTCG data project")
    if ask.source is not Source.POKEMONTCG and (ask.data is not None or ask.images is not None):
        raise typer.BadParameter(f"--data and --images are not for {ask.source.value}")
    if check_pictures and ask.images is not None:
        raise typer.BadParameter("--check-pictures asks a server, and files of --images are read each time")


def _print(report: FetchReport, folder: FetchFolder) -> None:
    console, errors = Console(highlight=False), error_console()
    console.print(
        f"{report.fetched} cards fetched, {report.there_before} were there, "
        f"{report.without_picture} have no picture; all in {folder.manifest}",
        soft_wrap=True,
    )
    if report.asked_about:
        console.print(
            f"asked about {report.asked_about} pictures that were there: {report.replaced} had been replaced",
            soft_wrap=True,
        )
    for set_id, missing in report.missing_of_set.items():
        line = f"{set_id}: {missing} of {report.cards_of_set[set_id]} cards are missing"
        console.print(line, soft_wrap=True, markup=False)
    for what, why in [*report.unusable, *report.not_renewed, *report.failed]:
        errors.print(f"{what}: {why}", markup=False)


def _raise_where_incomplete(report: FetchReport) -> None:
    if report.failed:
        raise Unavailable(f"{len(report.failed)} cards could not be fetched; see above, and run it again")
    if report.not_renewed:
        raise Unavailable(
            f"{len(report.not_renewed)} pictures could not be asked about and stay as they are; see above, "
            "and run it again"
        )
    if report.unusable:
        raise ManifestError(f"{len(report.unusable)} entries of the data could not be used; see above")


async def _fetch_tcgdex(ask: _Ask, folder: FetchFolder, checks: Checks) -> FetchReport:
    from app.services.gallery_fetch.polite_client import PoliteClient, Politeness
    from app.services.gallery_fetch.tcgdex import BASE_URL, PICTURES_URL, TcgdexFetcher

    api_url = ask.base_url or BASE_URL
    async with PoliteClient.open(Politeness(), [api_url, PICTURES_URL]) as client:
        fetcher = TcgdexFetcher(client, folder, ask.language, api_url, checks)
        return await _with_progress(fetcher.run, ask)


async def _fetch_data(ask: _Ask, folder: FetchFolder, checks: Checks) -> FetchReport:
    from app.services.gallery_fetch.pictures import PICTURES_URL, DownloadedPictures, LocalPictures
    from app.services.gallery_fetch.pokemontcg import PokemonTcgFetcher
    from app.services.gallery_fetch.pokemontcg_data import DataFolder
    from app.services.gallery_fetch.polite_client import PoliteClient, Politeness

    assert ask.data is not None
    data = DataFolder(ask.data, ask.language)
    if ask.images is not None:
        return await _with_progress(PokemonTcgFetcher(data, LocalPictures(ask.images), folder).run, ask)
    async with PoliteClient.open(Politeness(), [ask.images_url or PICTURES_URL]) as client:
        pictures = DownloadedPictures(client, ask.images_url)
        return await _with_progress(PokemonTcgFetcher(data, pictures, folder, checks).run, ask)


async def _with_progress(fetch_sets: Fetch, ask: _Ask) -> FetchReport:
    with progress_bar(error_console()) as progress:
        task = progress.add_task("cards", total=None)
        return await fetch_sets(
            ask.set_ids, lambda done, total: progress.update(task, completed=done, total=total)
        )
