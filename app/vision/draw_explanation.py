"""Draws why a card was named so: the crop beside its reference, what matches and where printings differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app.domain.evidence import EVIDENCE, difference_lines, evidence_cells, matched_line
from app.domain.explanation_types import Explanation, PatchPair, Place
from app.domain.types import CARD_ASPECT, Identification, RgbImage
from app.vision.draw import INK, PAPER, Color, fit_text, status_color

#: Rows of the table of candidates.
MOST_ROWS = 5
_CARD_PX = (round(720 * CARD_ASPECT), 720)  # width and height at which both cards are shown
_EDGE_PX, _GAP_PX, _HEAD_PX = 28, 210, 104
_LINE_PX, _TEXT_PX, _TITLE_PX = 30, 19, 34
_WIDTH_PX = 2 * (_EDGE_PX + _CARD_PX[0]) + _GAP_PX
_QUIET: Color = (168, 172, 180)
_WEAK: Color = (255, 92, 64)  # a patch that just counts as found
_STRONG: Color = (64, 220, 120)
_WEAKEST = 0.3  # correlation that has the colour of a weak patch
_LINES_OPACITY = 0.75
#: One for each printing that the leading one is told apart from.
_OTHERS: tuple[Color, ...] = ((255, 64, 200), (64, 200, 255), (255, 200, 40))
#: Where the cells of the table start, as shares of the width: card, name, printing, then the evidence.
_COLUMNS = (0.0, 0.16, 0.36, 0.485, 0.575, 0.66, 0.73, 0.82, 0.905)


@dataclass(frozen=True, slots=True)
class _Panel:
    """Where a card is shown."""

    left: int
    top: int = _HEAD_PX

    def pixels(self, places: Sequence[Place]) -> NDArray[np.int32]:
        """Places on the card in sixteenths of a pixel of the canvas, (count, 2)."""
        shares = np.asarray(places, np.float64).reshape(-1, 2)
        return np.asarray(np.round((shares * _CARD_PX + (self.left, self.top)) * 16), np.int32)


_CROP, _REFERENCE = _Panel(_EDGE_PX), _Panel(_EDGE_PX + _CARD_PX[0] + _GAP_PX)
#: For text above the crop.
_CROP_TO_REFERENCE_PX = _CARD_PX[0] + _GAP_PX - _EDGE_PX


def draw_explanation(found: Identification, crop: RgbImage, reference: RgbImage | None) -> RgbImage:
    """The crop on the left, the reference of the leading candidate on the right, the evidence below.

    Lines join patches that move together, coloured from red (barely found) to green (fits perfectly). Boxes
    show where other printings differ from the leading one, a colour for each.

    Args:
        found: The answer; without an explanation only the pictures and the table are drawn.
        crop: The rectified card, the right way up, RGB uint8 of any size.
        reference: The clean card, RGB uint8 of any size; None where there is none.

    Returns:
        RGB uint8 of fixed width.
    """
    words = _words(found)
    rows = min(MOST_ROWS, len(found.candidates))
    height = _HEAD_PX + _CARD_PX[1] + _LINE_PX * (len(words) + rows + 2) + _EDGE_PX
    canvas = cast(RgbImage, np.full((height, _WIDTH_PX, 3), INK, np.uint8))
    _place_card(canvas, _CROP, crop)
    if reference is not None:
        _place_card(canvas, _REFERENCE, reference)
    if found.explanation is not None:
        _draw_patches(canvas, [pair for pair in found.explanation.patches if pair.together])
        _draw_regions(canvas, found.explanation)
    picture = Image.fromarray(canvas)
    pen = ImageDraw.Draw(picture)
    _write_head(pen, found)
    top = _HEAD_PX + _CARD_PX[1] + _EDGE_PX // 2
    for text, color in words:
        _write(pen, (_EDGE_PX, top), text, color, _WIDTH_PX - 2 * _EDGE_PX)
        top += _LINE_PX
    _write_table(pen, found, top + _LINE_PX // 3)
    return np.array(picture, dtype=np.uint8)


def correlation_color(correlation: float) -> Color:
    """From red, where a patch is barely found, over yellow to green, where it fits perfectly."""
    share = float(np.clip((correlation - _WEAKEST) / (1.0 - _WEAKEST), 0.0, 1.0))
    middle = (255, 214, 64)
    start, end, part = (_WEAK, middle, 2 * share) if share < 0.5 else (middle, _STRONG, 2 * share - 1)
    red, green, blue = (round(one + part * (other - one)) for one, other in zip(start, end, strict=True))
    return red, green, blue


def _place_card(canvas: RgbImage, panel: _Panel, card: RgbImage) -> None:
    width, height = _CARD_PX
    shrinks = card.shape[0] > height
    shown = cv2.resize(card, _CARD_PX, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    canvas[panel.top : panel.top + height, panel.left : panel.left + width] = shown


def _draw_patches(canvas: RgbImage, pairs: Sequence[PatchPair]) -> None:
    if not pairs:
        return
    starts = _CROP.pixels([pair.in_crop for pair in pairs]).tolist()
    ends = _REFERENCE.pixels([pair.on_reference for pair in pairs]).tolist()
    colors = [correlation_color(pair.correlation) for pair in pairs]
    # The best come last, on top of the others.
    joined = list(zip(starts, ends, colors, strict=True))[::-1]
    lines = canvas.copy()
    for start, end, color in joined:
        cv2.line(lines, start, end, color, 1, cv2.LINE_AA, shift=4)
    cv2.addWeighted(lines, _LINES_OPACITY, canvas, 1.0 - _LINES_OPACITY, 0.0, dst=canvas)
    for start, end, color in joined:
        for point in (start, end):
            cv2.circle(canvas, point, 6 * 16, INK, cv2.FILLED, cv2.LINE_AA, shift=4)
            cv2.circle(canvas, point, 4 * 16, color, cv2.FILLED, cv2.LINE_AA, shift=4)


def _draw_regions(canvas: RgbImage, explanation: Explanation) -> None:
    told = list(zip(explanation.differences, _OTHERS, strict=False))
    for difference, color in reversed(told):  # the likeliest on top
        for region in difference.regions:
            left, top, right, bottom = region.box
            corners = ((left, top), (right, top), (right, bottom), (left, bottom))
            _outline(canvas, _REFERENCE.pixels(corners), color)
            if region.in_crop is not None:
                _outline(canvas, _CROP.pixels(region.in_crop), color)


def _outline(canvas: RgbImage, points: NDArray[np.int32], color: Color) -> None:
    for ink, width in ((INK, 6), (color, 3)):
        cv2.polylines(
            canvas, [points], isClosed=True, color=ink, thickness=width, lineType=cv2.LINE_AA, shift=4
        )


def _words(found: Identification) -> list[tuple[str, Color]]:
    """Lines below the pictures, those about another printing in the colour of its boxes."""
    skipped = [(", ".join(note.value for note in found.degraded), _QUIET)] if found.degraded else []
    if found.explanation is None:
        return [("no reference picture was compared", _QUIET), *skipped]
    matched = f"{matched_line(found.explanation)}; lines from red (barely found) to green (fits perfectly)"
    told = zip(difference_lines(found.explanation), _OTHERS, strict=False)
    return [(matched, PAPER), *((f"boxes: {line}", color) for line, color in told), *skipped]


def _write_head(pen: ImageDraw.ImageDraw, found: Identification) -> None:
    color = status_color(found.status)
    _write(pen, (_EDGE_PX, 14), _title(found), PAPER, _CROP_TO_REFERENCE_PX, _TITLE_PX)
    sure = f"picture {found.confidence.card:.1%}, printing {found.confidence.printing:.1%}"
    _write(pen, (_EDGE_PX, 64), f"photo · {found.status.value} · {sure}", color, _CROP_TO_REFERENCE_PX)
    if found.candidates:
        leader = found.candidates[0].card
        parts = (leader.card_id, leader.set_name or leader.set_id, leader.number)
        line = " · ".join(part for part in ("reference", *parts) if part)
        _write(pen, (_REFERENCE.left, 64), line, _QUIET, _CARD_PX[0])


def _title(found: Identification) -> str:
    if found.card is not None:
        return found.card.name
    return f"unknown; nearest: {found.candidates[0].card.name}" if found.candidates else "unknown"


def _write_table(pen: ImageDraw.ImageDraw, found: Identification, top: float) -> None:
    width = _WIDTH_PX - 2 * _EDGE_PX
    lefts = [_EDGE_PX + share * width for share in _COLUMNS]
    rooms = [right - left - 10 for left, right in zip(lefts, [*lefts[1:], _EDGE_PX + width], strict=True)]
    lines: list[tuple[Color, tuple[str, ...]]] = [(_QUIET, ("candidate", "name", "printing", *EVIDENCE))]
    for index, candidate in enumerate(found.candidates[:MOST_ROWS]):
        card = candidate.card
        printing = " ".join(part for part in (card.set_id, card.number) if part)
        cells = (card.card_id, card.name, printing, *evidence_cells(candidate))
        lines.append((PAPER if index == 0 else _QUIET, cells))
    for color, cells in lines:
        for left, room, text in zip(lefts, rooms, cells, strict=True):
            _write(pen, (left, top), text, color, room)
        top += _LINE_PX


def _write(
    pen: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    color: Color,
    room: float,
    size_px: float = _TEXT_PX,
) -> None:
    font = ImageFont.load_default(size_px)
    pen.text(at, fit_text(pen, text, font, room), font=font, fill=color)
