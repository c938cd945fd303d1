"""``binderlens gallery ...``: cards and their templates."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.cli.commands import gallery_backup, gallery_drop, gallery_fetch, gallery_import
from app.cli.wiring import run_with_runtime
from app.domain.errors import NotFound
from app.domain.gallery_types import GalleryStatus
from app.services.runtime import Runtime


def build() -> typer.Typer:
    """The commands below ``gallery``."""
    commands = typer.Typer(help="Cards and their templates.", no_args_is_help=True)
    commands.command("import")(gallery_import.import_manifest)
    commands.command("fetch")(gallery_fetch.fetch)
    commands.command("remove")(remove)
    commands.command("status")(status)
    commands.command("re-embed")(gallery_import.re_embed)
    commands.command("drop")(gallery_drop.drop)
    commands.command("backup")(gallery_backup.backup)
    commands.command("restore")(gallery_backup.restore)
    return commands


def remove(
    card_ids: Annotated[list[str], typer.Argument(help="Ids of the cards to remove.")],
) -> None:
    """Remove cards with their templates."""
    wanted = list(dict.fromkeys(card_ids))

    async def work(runtime: Runtime) -> tuple[int, list[str]]:
        missing = [card_id for card_id in wanted if await runtime.gallery.get_card(card_id) is None]
        return await runtime.gallery.remove_cards(wanted), missing

    removed, missing = run_with_runtime(work)
    Console().print(f"removed {removed} cards")
    if missing:
        raise NotFound(f"no card has the id {', '.join(missing)}")


def status() -> None:
    """Cards, templates, sets, encoder fingerprint, index state, coverage by set."""
    report = run_with_runtime(lambda runtime: runtime.gallery.status())
    _print_status(report)


def _print_status(status_now: GalleryStatus) -> None:
    console = Console(highlight=False)
    sources = ", ".join(f"{count} {source}" for source, count in status_now.templates_by_source.items())
    console.print(f"cards             {status_now.cards}, {status_now.cards_with_templates} with templates")
    console.print(f"artwork groups    {status_now.artwork_groups}")
    console.print(f"reference images  {status_now.reference_images}")
    console.print(f"templates         {status_now.templates} ({sources or 'none'})")
    console.print(f"encoder           {status_now.encoder_fingerprint}")
    cards = status_now.space_cards
    space = "no space" if cards is None else f"space fitted on {cards} cards"
    console.print(f"gallery           {status_now.fingerprint} ({space})")
    console.print(f"index             {status_now.index_state}")
    for other in status_now.other_galleries:
        console.print(
            f"other gallery     {other.encoder_name} ({other.fingerprint}): {other.templates} templates"
        )
    table = Table(title="coverage by set", title_justify="left")
    for column in ("game", "set", "cards", "with templates"):
        table.add_column(column)
    for coverage in status_now.sets:
        table.add_row(
            escape(coverage.game or "-"),
            escape(coverage.set_id or "-"),
            str(coverage.cards),
            f"{coverage.cards_with_templates} ({coverage.cards_with_templates / max(1, coverage.cards):.0%})",
        )
    console.print(table)
