"""``binderlens gallery fetch``."""

from __future__ import annotations

import asyncio
import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from app.cli.commands.gallery_import import import_manifest
from app.cli.wiring import error_console, load_settings, progress_bar
from app.domain.errors import Unavailable

if TYPE_CHECKING:
    from app.services.gallery_fetch.folder import FetchFolder
    from app.services.gallery_fetch.run import FetchReport


class Source(enum.StrEnum):
    """Where cards can be fetched from."""

    TCGDEX = "tcgdex"


def fetch(
    source: Annotated[Source, typer.Argument(help="tcgdex: Pokémon cards, from the open TCGdex database.")],
    set_ids: Annotated[
        list[str] | None, typer.Option("--set", help="Set to fetch, repeatable; none means all of them.")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of the cards, as the source codes it.")] = "en",
    into: Annotated[Path | None, typer.Option(help="Folder; else DATA_DIR/sources/SOURCE.")] = None,
    and_import: Annotated[bool, typer.Option("--import", help="Import everything in the folder.")] = False,
    base_url: Annotated[
        str | None, typer.Option(envvar="TCGDEX_URL", help="Another address of the source's API.")
    ] = None,
) -> None:
    """Download cards with their pictures and a manifest; can be interrupted and run again."""
    from app.services.gallery_fetch.folder import FetchFolder

    folder = FetchFolder(into or load_settings().data_dir / "sources" / source.value)
    report = asyncio.run(_fetch(folder, set_ids or [], language, base_url))
    console = Console(highlight=False)
    console.print(
        f"{report.fetched} cards fetched, {report.there_before} were there, "
        f"{report.without_picture} have no picture; all in {folder.manifest}",
        soft_wrap=True,
    )
    for set_id, missing in report.missing_of_set.items():
        console.print(
            f"{set_id}: {missing} of {report.cards_of_set[set_id]} cards are missing",
            soft_wrap=True,
            markup=False,
        )
    for card_id, why in report.failed:
        error_console().print(f"{card_id}: {why}", markup=False)
    if and_import:
        import_manifest(folder.manifest, folder.root)
    else:
        command = f"binderlens gallery import {folder.manifest} --images {folder.root}"
        console.print(f"import them with: {command}", soft_wrap=True, markup=False)
    if report.failed:
        raise Unavailable(f"{len(report.failed)} cards could not be fetched; see above, and run it again")


async def _fetch(folder: FetchFolder, set_ids: list[str], language: str, base_url: str | None) -> FetchReport:
    from app.services.gallery_fetch.polite_client import PoliteClient, Politeness
    from app.services.gallery_fetch.tcgdex import BASE_URL, PICTURES_URL, TcgdexFetcher

    api_url = base_url or BASE_URL
    async with PoliteClient.open(Politeness(), [api_url, PICTURES_URL]) as client:
        fetcher = TcgdexFetcher(client, folder, language, api_url)
        with progress_bar(error_console()) as progress:
            task = progress.add_task("cards", total=None)
            return await fetcher.run(
                set_ids, lambda done, total: progress.update(task, completed=done, total=total)
            )
