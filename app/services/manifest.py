"""Reads a gallery's manifest: CSV with a header, or JSON Lines. Bad rows are told apart, not fatal."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app.domain.errors import ManifestError
from app.domain.types import Card
from app.services.file_below import file_below

REQUIRED = ("card_id", "name", "image")
OPTIONAL = ("set_id", "set_name", "number", "rarity", "language", "game")
COLUMNS = (*REQUIRED, *OPTIONAL)

#: Longer values are a damaged file (a missing quote swallows lines), not a card.
MAX_VALUE_CHARS = 500

#: JSON can spell these ("\ud800"); neither UTF-8 nor PostgreSQL can.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


#: PostgreSQL refuses NUL; a card whose id breaks a line could not be asked for.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used: its line number (the header is line 1) and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class ManifestImage:
    """A reference image, and the line that names it."""

    path: Path
    line: int


@dataclass(frozen=True, slots=True)
class ManifestCard:
    """A card with its reference images, in manifest order.

    Attributes:
        card: As its first row has it.
        line: The number of that row.
        images: At least one.
        complete: False where a bad row is, or may be, one of this card: it may have more images than these.
    """

    card: Card
    line: int
    images: tuple[ManifestImage, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says: the usable cards, and the rows that are not."""

    cards: tuple[ManifestCard, ...]
    bad_rows: tuple[BadRow, ...]


def read_manifest(path: Path, images: Path) -> Manifest:
    """Reads and checks a manifest.

    Args:
        path: A ``.jsonl`` or ``.ndjson`` file is JSON Lines, anything else CSV.
        images: Folder the ``image`` paths are relative to.

    Raises:
        ManifestError: the file cannot be read, is not UTF-8, or lacks a column that must be there.
    """
    if not images.is_dir():
        raise ManifestError(f"{images} is not a folder of images")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ManifestError(f"cannot read the manifest {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"the manifest {path} is not UTF-8 (byte {error.start})") from error
    rows = _json_rows(text) if path.suffix in {".jsonl", ".ndjson"} else _csv_rows(text, path)
    return _collect(rows, images.resolve())


def _csv_rows(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, object] | str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval=None)
    header = reader.fieldnames or []
    missing = [name for name in REQUIRED if name not in header]
    twice = sorted({name for name in COLUMNS if header.count(name) > 1})
    if twice:
        raise ManifestError(f"the manifest {path} has the column {', '.join(twice)} more than once")
    if missing:
        raise ManifestError(
            f"the manifest {path} lacks the column {', '.join(missing)}; its first line must name the columns"
        )
    try:
        for row in reader:
            extra = row.pop("", None)
            yield reader.line_num, "more values than columns" if extra else dict(row)
    except csv.Error as error:
        raise ManifestError(f"the manifest {path} breaks off at line {reader.line_num}: {error}") from error


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, object] | str]]:
    # Not splitlines(): JSON allows U+2028, U+0085 and their like inside a text.
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            value = json.loads(content)
        except json.JSONDecodeError as error:
            yield line, f"not JSON: {error.msg}"
            continue
        except (
            ValueError,
            RecursionError,
        ) as error:  # a number of thousands of digits, lists in lists in ...
            yield line, f"not usable JSON: {error}"
            continue
        yield line, value if isinstance(value, dict) else "not a JSON object"


def _collect(rows: Iterator[tuple[int, Mapping[str, object] | str]], images: Path) -> Manifest:
    cards: dict[str, ManifestCard] = {}
    bad: list[BadRow] = []
    owners_of_bad: set[str | None] = set()
    for line, row in rows:
        try:
            card, path = _parse(row, images)
            known = cards.get(card.card_id)
            if known is not None and known.card != card:
                raise ValueError(f"card_id {card.card_id} says something else than in line {known.line}")
        except ValueError as error:
            bad.append(BadRow(line, str(error)))
            owners_of_bad.add(_owner(row))
            continue
        image = ManifestImage(path, line)
        if known is None:
            cards[card.card_id] = ManifestCard(card, line, (image,))
        elif path not in [other.path for other in known.images]:
            cards[card.card_id] = replace(known, images=(*known.images, image))
    # A row that names no card could be one of any.
    whole = None not in owners_of_bad
    return Manifest(
        tuple(
            replace(one, complete=whole and one.card.card_id not in owners_of_bad) for one in cards.values()
        ),
        tuple(bad),
    )


def _owner(row: Mapping[str, object] | str) -> str | None:
    """The card that a bad row names; None where it names none."""
    try:
        return None if isinstance(row, str) else card_value("card_id", row.get("card_id"))
    except ValueError:
        return None


def _parse(row: Mapping[str, object] | str, images: Path) -> tuple[Card, Path]:
    if isinstance(row, str):
        raise ValueError(row)
    values = {name: card_value(name, row.get(name)) for name in COLUMNS}
    missing = [name for name in REQUIRED if values[name] is None]
    if missing:
        raise ValueError(f"no {' and no '.join(missing)}")
    relative = str(values.pop("image"))
    card_id, name = str(values.pop("card_id")), str(values.pop("name"))
    return Card(card_id, name, **values), file_below(images, relative, "image")


def card_value(name: str, value: object) -> str | None:
    """One value of a card as it goes into the gallery, or None for an empty one.

    Raises:
        ValueError: it is no text, or one that no card has and the database would not take.
    """
    if value is None:
        return None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError(f"{name} must be text")
    text = str(value).strip()
    if len(text) > MAX_VALUE_CHARS:
        raise ValueError(f"{name} is longer than {MAX_VALUE_CHARS} characters")
    if _CONTROL.search(text):
        raise ValueError(f"{name} holds a control character, such as a line break")
    if _LONE_SURROGATE.search(text):
        raise ValueError(f"{name} holds half a surrogate pair, which is no character")
    return text or None
