"""Label files: what a scan really shows, one JSON file for each scan.

``{"image": "page_01.jpg", "cards": [{"card_id": "sv5-131", "name": "Drowzee", "quad": [[x, y], ...],
"in_gallery": true}]}``. All but ``image`` and ``cards`` may be missing: what is missing is not scored.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.domain.errors import LabelsError
from app.domain.geometry import is_convex
from app.domain.types import Quad

_SCAN_FIELDS = frozenset({"image", "cards"})
_CARD_FIELDS = frozenset({"card_id", "name", "quad", "in_gallery"})


@dataclass(frozen=True, slots=True)
class LabelledCard:
    """What one card really is; None where the label does not say.

    Attributes:
        card_id: Its printing.
        name: Its name, for people.
        quad_px: Its corners from its own top left, clockwise, (4, 2).
        in_gallery: Whether the gallery that is tested holds it.
    """

    card_id: str | None = None
    name: str | None = None
    quad_px: Quad | None = None
    in_gallery: bool | None = None


@dataclass(frozen=True, slots=True)
class LabelledScan:
    """What one scan really shows; ``image`` is the picture's path, relative to the label file."""

    image: str
    cards: tuple[LabelledCard, ...]


def parse_labels(text: str) -> LabelledScan:
    """Reads the text of a label file.

    Raises:
        LabelsError: it is no JSON or not of the form above; the message names the place.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise LabelsError(f"not JSON: {error}") from error
    scan = _fields(document, _SCAN_FIELDS, "the label file")
    image, cards = scan.get("image"), scan.get("cards")
    if not isinstance(image, str) or not image:
        raise LabelsError('"image" must be the path of the picture')
    if not isinstance(cards, list):
        raise LabelsError('"cards" must be a list')
    return LabelledScan(image, tuple(_card(entry, f"cards[{index}]") for index, entry in enumerate(cards)))


def read_labels(path: Path) -> LabelledScan:
    """Reads a label file.

    Raises:
        LabelsError: it cannot be read or is not of the form above; the message names the file.
    """
    try:
        return parse_labels(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, LabelsError) as error:
        raise LabelsError(f"{path}: {error}") from error


def format_labels(labels: LabelledScan) -> str:
    """The text of a label file, corners rounded to a hundredth of a pixel; what is None is left out."""
    cards = []
    for card in labels.cards:
        entry: dict[str, object] = {}
        if card.card_id is not None:
            entry["card_id"] = card.card_id
        if card.name is not None:
            entry["name"] = card.name
        if card.quad_px is not None:
            entry["quad"] = [[round(float(x), 2), round(float(y), 2)] for x, y in card.quad_px]
        if card.in_gallery is not None:
            entry["in_gallery"] = card.in_gallery
        cards.append(entry)
    return json.dumps({"image": labels.image, "cards": cards}, indent=1, ensure_ascii=False) + "\n"


def write_labels(path: Path, labels: LabelledScan) -> None:
    """Writes a label file, UTF-8."""
    path.write_text(format_labels(labels), encoding="utf-8")


def _fields(value: object, known: frozenset[str], where: str) -> dict[str, object]:
    """The fields of an object; an unknown one is refused, for it is a misspelt one that would go unscored."""
    if not isinstance(value, dict):
        raise LabelsError(f"{where} must be an object")
    unknown = sorted(set(value) - known)
    if unknown:
        raise LabelsError(
            f'{where} has an unknown field "{unknown[0]}"; known are {", ".join(sorted(known))}'
        )
    return value


def _card(value: object, where: str) -> LabelledCard:
    fields = _fields(value, _CARD_FIELDS, where)
    in_gallery, quad = fields.get("in_gallery"), fields.get("quad")
    if in_gallery is not None and not isinstance(in_gallery, bool):
        raise LabelsError(f"{where}.in_gallery must be true or false")
    return LabelledCard(
        card_id=_text(fields.get("card_id"), f"{where}.card_id"),
        name=_text(fields.get("name"), f"{where}.name"),
        quad_px=None if quad is None else _quad(quad, f"{where}.quad"),
        in_gallery=in_gallery,
    )


def _text(value: object, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise LabelsError(f"{where} must be a text that is not empty")
    return value


def _quad(value: object, where: str) -> Quad:
    """Four corners that go clockwise around a convex shape (y points down)."""
    if not isinstance(value, list) or len(value) != 4:
        raise LabelsError(f"{where} must have four corners")
    corners = np.array([_point(point, f"{where}[{index}]") for index, point in enumerate(value)], np.float64)
    if not is_convex(corners):
        raise LabelsError(f"{where} must run clockwise around a convex shape")
    return corners


def _point(value: object, where: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise LabelsError(f"{where} must be [x, y]")
    return _coordinate(value[0], where), _coordinate(value[1], where)


def _coordinate(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise LabelsError(f"{where} must be two finite numbers")
    return float(value)
