"""``binderlens identify`` and ``binderlens explain``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from app.cli.batch import Looked, find_pictures, identify_each
from app.cli.overlay import write_explanations
from app.cli.reports import WIDE_COLUMNS, Drawing, Gathered, Report, Stream, Tables, print_table
from app.cli.result_file import ResultFile
from app.cli.result_lines import CsvLines, JsonLines
from app.cli.wiring import (
    error_console,
    load_settings,
    progress_bar,
    read_file,
    run_with_runtime,
    table_console,
)
from app.domain.errors import InvalidInput
from app.domain.evidence import EVIDENCE, difference_lines, evidence_cells, matched_line
from app.domain.types import Identification
from app.services.identify import IdentifyOptions
from app.services.runtime import Runtime
from app.settings import Settings

#: To so many letters a narrow terminal shortens the names of the evidence.
_SHORT = 6

Pictures = Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.")]


def identify(
    images: Pictures,
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON object a picture.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line a card.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            help="File for --csv or --json. What it has already is not done again, so a run that broke off "
            "goes on; a picture that has changed since is."
        ),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin --output anew.")] = False,
    draw: Annotated[
        Path | None,
        typer.Option(help="Folder for pictures of what was found, also in what --output has already."),
    ] = None,
    candidates: Annotated[int, typer.Option(min=1, max=25, help="How many to list a card.")] = 5,
) -> None:
    """Name every card in some pictures: a table for people, JSON lines or CSV for programs.

    Folders are read with the folders in them, page 2 before page 10; up to MAX_CONCURRENT_SCANS pictures are
    worked on at once.
    """
    if json_lines and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    if output is not None and not (json_lines or as_csv):
        raise typer.BadParameter("--output takes --csv or --json")
    if restart and output is None:
        raise typer.BadParameter("--restart takes --output")
    settings, options = load_settings(), IdentifyOptions(candidates=candidates)
    lines = JsonLines() if json_lines else CsvLines() if as_csv else None
    paths = find_pictures(images)
    drawing = Drawing(draw, paths, settings)
    with ExitStack() as stack:
        report: Report
        if lines is None:
            report = Tables(drawing)
        elif output is None:
            report = Stream(drawing, lines)
        else:
            paths = list(dict.fromkeys(paths))
            report = Gathered(drawing, lines, stack.enter_context(ResultFile(output, lines, restart=restart)))
        _run(report, paths, options, settings)


def _run(report: Report, paths: Sequence[Path], options: IdentifyOptions, settings: Settings) -> None:
    """Identifies pictures and ends the command."""
    console = error_console()

    async def work(runtime: Runtime) -> bool:
        report.begin()
        with progress_bar(console, enabled=len(paths) > 1 and report.leaves_the_terminal_alone) as progress:
            task = progress.add_task("pictures", total=len(paths))

            def take(looked: Looked) -> None:
                if looked.trouble is not None:
                    console.print(f"binderlens: {looked.trouble}", markup=False)
                report.take(looked, runtime)
                progress.advance(task)

            return await identify_each(runtime, paths, options, take, is_done=report.is_done)

    is_complete = run_with_runtime(work, settings)
    for line in report.last_lines(len(paths), is_complete=is_complete):
        console.print(f"binderlens: {line}", markup=False)
    if report.failed or not is_complete:
        raise typer.Exit(1)


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

    async def work(runtime: Runtime) -> None:
        data = read_file(image)
        try:
            async with runtime.identify.admission():
                result, _ = await runtime.identify.identify(data, options)
        except InvalidInput as error:
            raise InvalidInput(f"{image}: {error}") from error
        print_table(image, result)
        for position, card in enumerate(result.cards, start=1):
            _print_evidence(position, card)
        if draw is not None:
            await write_explanations(draw, image, result, runtime)

    run_with_runtime(work, settings)


def _print_evidence(position: int, card: Identification) -> None:
    quality = card.quality
    table = Table(
        title=f"card {position}: turned {card.rotation} degrees, {quality.height_px} px high, "
        f"sharpness {quality.sharpness:.2f}, glare {quality.glare:.2f}",
        title_justify="left",
    )
    console = table_console()
    wide = console.width >= WIDE_COLUMNS
    for column in ("candidate", "name") if wide else ("candidate",):
        table.add_column(column, overflow="fold")
    for column in EVIDENCE if wide else map(_shortened, EVIDENCE):
        table.add_column(column, no_wrap=True, justify="right")
    for column in ("template", "picture group") if wide else ():
        table.add_column(column, no_wrap=True)
    for candidate in card.candidates:
        card_id, name = escape(candidate.card.card_id), escape(candidate.card.name)
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
