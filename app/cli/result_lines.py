"""How answers are written for programs: CSV, one line a card, or JSON, one line a picture.

Both can be read again, so that the file of a run that broke off says itself which pictures are done.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from app.api.schemas.ops import MemoryModel
from app.api.schemas.scans import ScanModel
from app.domain.types import MemorySnapshot, ScanResult
from app.services.scan_csv import CSV_COLUMNS, csv_rows, harmless

#: ``cards`` says how many lines a picture has, so that one that was written in part can be told.
PICTURE_COLUMNS: Final = ("image", "image_sha256", "cards")


@dataclass(frozen=True, slots=True)
class Written:
    """One picture in a file.

    Attributes:
        image: The picture's path as the file has it.
        sha256: Of the picture's bytes, hexadecimal.
        text: Its lines.
    """

    image: str
    sha256: str
    text: str


class Lines(Protocol):
    """One of the forms."""

    #: The first line; empty where there is none.
    header: str
    #: What a file begins with.
    start: str

    def of(self, path: Path, result: ScanResult, memory: MemorySnapshot) -> str:
        """The lines of one picture."""

    def image(self, path: Path) -> str:
        """A path as the file has it."""

    def read(self, text: str) -> list[Written]:
        """The pictures of a file that are there in full.

        Raises:
            ValueError: the text is not in this form.
        """


class CsvLines:
    """A line a card; a picture without cards has one line, whose other cells are empty."""

    header = start = ",".join((*PICTURE_COLUMNS, *CSV_COLUMNS)) + "\n"

    def of(self, path: Path, result: ScanResult, _memory: MemorySnapshot) -> str:
        """The lines of one picture."""
        named = (self.image(path), result.sha256, str(len(result.cards)))
        rows = list(csv_rows(result)) or [[""] * len(CSV_COLUMNS)]
        return _csv_text([[*named, *row] for row in rows])

    def image(self, path: Path) -> str:
        """As in the other cells, nothing that a spreadsheet would run."""
        return harmless(_printable(path))

    def read(self, text: str) -> list[Written]:
        """The pictures whose every line is there, wherever it stands: somebody may have sorted them."""
        header, *rows = csv.reader(io.StringIO(text, newline=""))
        if header != [*PICTURE_COLUMNS, *CSV_COLUMNS]:
            raise ValueError("its first line names other columns")
        whole = [row for row in rows if len(row) == len(header)]
        counts = Counter(tuple(row[:3]) for row in whole)
        pictures: dict[tuple[str, ...], list[list[str]]] = {}
        for row in whole:
            if counts[tuple(row[:3])] == max(1, _count(row[2])):
                pictures.setdefault(tuple(row[:3]), []).append(row)
        return [Written(key[0], key[1], _csv_text(rows)) for key, rows in pictures.items()]


class JsonLines:
    """A line a picture: the reply of ``POST /identify`` with the file's path and the memory in use."""

    header = ""
    start = '{"file": "'

    def of(self, path: Path, result: ScanResult, memory: MemorySnapshot) -> str:
        """The line of one picture."""
        reply = ScanModel.of(result, explain=False).model_dump(mode="json", exclude_unset=True)
        whole = {"file": self.image(path), **reply, "memory": MemoryModel.of(memory).model_dump()}
        return json.dumps(whole, ensure_ascii=False) + "\n"

    def image(self, path: Path) -> str:
        """As it was named."""
        return _printable(path)

    def read(self, text: str) -> list[Written]:
        """One picture a line."""
        return [self._picture(line) for line in text.split("\n") if line]

    def _picture(self, line: str) -> Written:
        try:
            found = json.loads(line)
            return Written(str(found["file"]), str(found["image"]["sha256"]), f"{line}\n")
        except (ValueError, TypeError, KeyError):
            raise ValueError("a line of it is no answer to a picture") from None


def _csv_text(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _count(cell: str) -> int:
    return int(cell) if cell.isdecimal() else 0


def _printable(path: Path) -> str:
    """A path as text that any file takes: bytes of a name that are no UTF-8 are written out."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
