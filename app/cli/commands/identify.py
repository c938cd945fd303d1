"""``binderlens identify`` and ``binderlens explain``."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app.api.schemas.ops import MemoryModel
from app.api.schemas.scans import ScanModel
from app.cli.overlay import overlay_paths, write_explanations, write_overlay
from app.cli.wiring import error_console, load_settings, read_file, run_with_runtime, table_console
from app.domain.errors import ConfigurationError, InvalidInput
from app.domain.evidence import EVIDENCE, difference_lines, evidence_cells, matched_line
from app.domain.types import Identification, ScanResult
from app.services.identify import IdentifyOptions
from app.services.runtime import Runtime
from app.services.scan_csv import CSV_COLUMNS, csv_rows
from app.settings import Settings

#: From this width of the terminal on a table shows set and number as well.
_WIDE_COLUMNS = 100
#: To so many letters a narrow terminal shortens the names of the evidence.
_SHORT = 6

Images = Annotated[list[Path], typer.Argument(help="Pictures to identify.")]


def identify(
    images: Images,
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON object a picture.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line a card.")] = False,
    draw: Annotated[Path | None, typer.Option(help="Folder for pictures of what was found.")] = None,
    candidates: Annotated[int, typer.Option(min=1, max=25, help="How many to list a card.")] = 5,
) -> None:
    """Name every card in some pictures: a table for people, JSON lines or CSV for programs."""
    if json_lines and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    settings = load_settings()
    options = IdentifyOptions(candidates=candidates)

    async def work(runtime: Runtime) -> int:
        writer = csv.writer(sys.stdout) if as_csv else None
        if writer is not None:
            writer.writerow(("image", *CSV_COLUMNS))
        failed = 0
        overlays = overlay_paths(draw, images) if draw is not None else {}
        async for path, data, result in _each(runtime, images, options):
            if result is None:
                failed += 1
                continue
            if draw is not None:
                write_overlay(overlays[path], data, result, settings)
            if json_lines:
                _print_json(path, result, runtime)
            elif writer is not None:
                writer.writerows([str(path), *row] for row in csv_rows(result))
            else:
                _print_table(path, result)
        return failed

    _finish(run_with_runtime(work, settings), len(images))


def explain(
    image: Annotated[Path, typer.Argument(help="Picture to explain.")],
    draw: Annotated[
        Path | None,
        typer.Option(help="Folder for a picture a card: what matches, and where printings differ."),
    ] = None,
    candidates: Annotated[int, typer.Option(min=1, max=25, help="How many to list a card.")] = 5,
) -> None:
    """Say why each card was named so: its candidates, the evidence behind them, and where to see it."""
    settings: Settings = load_settings()
    options = IdentifyOptions(candidates=candidates, explain=True)

    async def work(runtime: Runtime) -> int:
        failed = 0
        async for path, _, result in _each(runtime, [image], options):
            if result is None:
                failed += 1
            else:
                _print_table(path, result)
                for position, card in enumerate(result.cards, start=1):
                    _print_evidence(position, card)
                if draw is not None:
                    await write_explanations(draw, path, result, runtime)
        return failed

    _finish(run_with_runtime(work, settings), 1)


async def _each(
    runtime: Runtime, images: Sequence[Path], options: IdentifyOptions
) -> AsyncIterator[tuple[Path, bytes, ScanResult | None]]:
    """Identifies one picture after the other; a picture that fails gives one line and None."""
    for path in images:
        try:
            data = read_file(path)
            async with runtime.identify.admission():
                result, _ = await runtime.identify.identify(data, options)
        except (InvalidInput, ConfigurationError) as error:
            where = "" if isinstance(error, ConfigurationError) else f"{path}: "
            error_console().print(f"binderlens: {where}{error}", markup=False)
            yield path, b"", None
            continue
        yield path, data, result


def _finish(failed: int, total: int) -> None:
    if failed and total > 1:
        error_console().print(f"binderlens: {failed} of {total} pictures could not be identified")
    if failed:
        raise typer.Exit(1)


def _print_json(path: Path, result: ScanResult, runtime: Runtime) -> None:
    reply = ScanModel.of(result, explain=False).model_dump(mode="json", exclude_unset=True)
    memory = MemoryModel.of(runtime.guard.snapshot()).model_dump()
    print(json.dumps({"file": str(path), **reply, "memory": memory}, ensure_ascii=False))


def _print_table(path: Path, result: ScanResult) -> None:
    console = table_console()
    table = Table(title=f"{path}: {len(result.cards)} cards", title_justify="left")
    wide = console.width >= _WIDE_COLUMNS
    table.add_column("place", no_wrap=True)
    table.add_column("card", no_wrap=True, overflow="fold")
    for column in ("name", "set", "number") if wide else ("name",):
        table.add_column(column, overflow="fold")
    for column in ("status", "picture", "printing"):
        table.add_column(column, no_wrap=True)
    remarks = []
    for position, card in enumerate(result.cards, start=1):
        place = f"{card.grid.row + 1}.{card.grid.column + 1}" if card.grid else str(position)
        named = card.card
        printing = (named.set_name or named.set_id or "-", named.number or "-") if named else ("-", "-")
        table.add_row(
            place,
            named.card_id if named else "-",
            named.name if named else "-",
            *(printing if wide else ()),
            card.status.value,
            f"{card.confidence.card:.1%}",
            f"{card.confidence.printing:.1%}",
        )
        remarks += [f"{place}: {note}" for note in _notes(card)]
    console.print(table)
    for remark in remarks:
        console.print(remark, markup=False, highlight=False, soft_wrap=True)


def _notes(card: Identification) -> list[str]:
    notes = [f"looks the same as {', '.join(card.ambiguous_with)}"] if card.ambiguous_with else []
    notes.extend(note.value for note in card.degraded)
    return [*notes, *card.quality.advice]


def _print_evidence(position: int, card: Identification) -> None:
    quality = card.quality
    table = Table(
        title=f"card {position}: turned {card.rotation} degrees, {quality.height_px} px high, "
        f"sharpness {quality.sharpness:.2f}, glare {quality.glare:.2f}",
        title_justify="left",
    )
    console = table_console()
    wide = console.width >= _WIDE_COLUMNS
    for column in ("candidate", "name") if wide else ("candidate",):
        table.add_column(column, overflow="fold")
    for column in EVIDENCE if wide else map(_shortened, EVIDENCE):
        table.add_column(column, no_wrap=True, justify="right")
    for column in ("template", "picture group") if wide else ():
        table.add_column(column, no_wrap=True)
    for candidate in card.candidates:
        card_id, name = candidate.card.card_id, candidate.card.name
        names = (card_id, name) if wide else (f"{card_id}\n{name}",)
        origin = (candidate.template_source.value, str(candidate.artwork_group_id)) if wide else ()
        table.add_row(*names, *evidence_cells(candidate), *origin)
    console.print(table)
    for line in _seen(card):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _shortened(column: str) -> str:
    return column[:_SHORT] + "." if len(column) > _SHORT + 1 else column


def _seen(card: Identification) -> list[str]:
    """What was compared with the first candidate's picture, and with the next likely printings of it."""
    if card.explanation is None:
        return ["no reference picture was compared"] if card.candidates else []
    return [matched_line(card.explanation), *difference_lines(card.explanation)]
