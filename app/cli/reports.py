"""Where answers of ``identify`` go: tables for people, lines for programs, a file that gathers them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.markup import escape
from rich.table import Table

from app.cli.batch import Looked
from app.cli.overlay import overlay_paths, write_overlay
from app.cli.result_file import ResultFile
from app.cli.result_lines import Lines
from app.cli.wiring import table_console
from app.domain.types import Identification, ScanResult
from app.services.runtime import Runtime
from app.settings import Settings

#: From this width of the terminal on a table shows set and number as well.
WIDE_COLUMNS: Final = 100


class Drawing:
    """Writes pictures of what was found, where somebody asked for them.

    Args:
        folder: Where to; None for nowhere.
        images: Every picture of the run, so that no two get one name.
        settings: Limits of pictures.
    """

    def __init__(self, folder: Path | None, images: Sequence[Path], settings: Settings) -> None:
        self._paths = {} if folder is None else overlay_paths(folder, images)
        self._settings = settings

    def lacks(self, path: Path) -> bool:
        """Whether a picture is still to be drawn."""
        return path in self._paths and not self._paths[path].exists()

    def draw(self, looked: Looked) -> None:
        """Draws one answer.

        Raises:
            ConfigurationError: it cannot be written.
        """
        if looked.result is not None and looked.path in self._paths:
            write_overlay(self._paths[looked.path], looked.data, looked.result, self._settings)


class Report:
    """Takes what became of each picture, and counts."""

    #: Whether a progress bar on standard error would stand alone on the terminal.
    leaves_the_terminal_alone: bool

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self.done = 0
        self.before = 0
        self.failed = 0

    def take(self, looked: Looked, runtime: Runtime) -> None:
        """One picture, in its turn."""
        if looked.result is not None:
            self.done += 1
            self._drawing.draw(looked)
            self._show(looked.path, looked.result, runtime)
        elif looked.was_done:
            self.before += 1
        else:
            self.failed += 1

    def begin(self) -> None:
        """Comes before the first picture, once the service is there."""

    def is_done(self, _path: Path, _sha256: str) -> bool:
        """Whether a picture with these bytes was answered by an earlier run."""
        return False

    def last_lines(self, total: int, *, is_complete: bool) -> list[str]:
        """What is left to say at the end."""
        lines = []
        if self.failed and total > 1:
            lines.append(f"{self.failed} of {total} pictures could not be identified")
        if not is_complete:
            lines.append(f"stopped after {self.done + self.before + self.failed} of {total} pictures")
        return lines

    def _show(self, path: Path, result: ScanResult, runtime: Runtime) -> None:
        raise NotImplementedError


class Tables(Report):
    """A table a picture on standard output."""

    leaves_the_terminal_alone = False

    def _show(self, path: Path, result: ScanResult, _runtime: Runtime) -> None:
        print_table(path, result)


class Stream(Report):
    """Lines on standard output, each picture's as soon as it is known."""

    def __init__(self, drawing: Drawing, lines: Lines) -> None:
        super().__init__(drawing)
        self._lines = lines
        self.leaves_the_terminal_alone = not sys.stdout.isatty()

    def begin(self) -> None:
        """The line that names the columns."""
        sys.stdout.write(self._lines.header)

    def _show(self, path: Path, result: ScanResult, runtime: Runtime) -> None:
        sys.stdout.write(self._lines.of(path, result, runtime.guard.snapshot()))
        sys.stdout.flush()


class Gathered(Report):
    """Lines in a file that knows what it has."""

    leaves_the_terminal_alone = True

    def __init__(self, drawing: Drawing, lines: Lines, file: ResultFile) -> None:
        super().__init__(drawing)
        self._lines = lines
        self._file = file
        self._drawn_again = 0

    def is_done(self, path: Path, sha256: str) -> bool:
        """Whether the file has the answer, and nobody waits for a picture of it."""
        return self._file.has(path, sha256) and not self._drawing.lacks(path)

    def last_lines(self, total: int, *, is_complete: bool) -> list[str]:
        """Also what the file has now, and how to go on."""
        new = self.done - self._drawn_again
        lines = super().last_lines(total, is_complete=is_complete)
        if self._drawn_again:
            lines.append(
                f"{self._drawn_again} of the pictures had an answer and were looked at again to be drawn"
            )
        lines.append(
            f"{self._file.path} has {self.done + self.before} of {total} pictures, {new} of them new"
        )
        if not is_complete:
            lines.append("what is done is kept: run the same command again to go on")
        return lines

    def _show(self, path: Path, result: ScanResult, runtime: Runtime) -> None:
        if self._file.has(path, result.sha256):
            self._drawn_again += 1  # its lines stay as they are: somebody may have worked on them
        else:
            self._file.add(path, result.sha256, self._lines.of(path, result, runtime.guard.snapshot()))


def print_table(path: Path, result: ScanResult) -> None:
    """One picture for people: its cards, and below them what is to be said about some."""
    console = table_console()
    table = Table(title=escape(f"{path}: {len(result.cards)} cards"), title_justify="left")
    wide = console.width >= WIDE_COLUMNS
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
            escape(named.card_id) if named else "-",
            escape(named.name) if named else "-",
            *(map(escape, printing) if wide else ()),
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
