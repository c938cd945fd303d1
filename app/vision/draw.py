"""Draws what was found over the picture it was found in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.domain.geometry import side_lengths
from app.domain.types import Identification, Quad, RgbImage, Status

#: Larger scans are drawn at this size: enough to read every label, small enough to look at.
MAX_LONG_SIDE_PX = 2000

Color = tuple[int, int, int]
INK: Color = (16, 18, 22)
PAPER: Color = (255, 255, 255)
_LABEL_OPACITY = 215


@dataclass(frozen=True, slots=True)
class _Label:
    """What is written over one card, and in which colour."""

    quad: Quad
    color: Color
    title: str
    detail: str
    place: str


def status_color(status: Status) -> Color:
    """Green for accepted, amber for review, red for unknown."""
    colors: dict[Status, Color] = {
        Status.ACCEPTED: (34, 197, 110),
        Status.REVIEW: (255, 176, 32),
        Status.UNKNOWN: (239, 83, 80),
    }
    return colors[status]


def draw_overlay(image: RgbImage, cards: Sequence[Identification]) -> RgbImage:
    """The scan with every card outlined, named and placed.

    The outline is coloured by status; a disc marks the card's own top left corner. The label says name,
    set and number, place in the grid, and how sure the answer is about picture and printing.

    Args:
        image: The scan, RGB uint8 (height, width, 3); it is not changed.
        cards: What was found in it, quads in pixels of ``image``.

    Returns:
        RGB uint8, shrunk to a long side of at most 2,000 px.
    """
    scale = min(1.0, MAX_LONG_SIDE_PX / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    canvas = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else image.copy()
    line_px = max(2, round(max(size) / 450))
    labels = [_label(card, card.quad_px * scale) for card in cards]
    for label in labels:
        _outline(cast(RgbImage, canvas), label, line_px)
    return _with_labels(cast(RgbImage, canvas), labels, line_px)


def _label(card: Identification, quad: Quad) -> _Label:
    color = status_color(card.status)
    place = "" if card.grid is None else f"row {card.grid.row + 1}, column {card.grid.column + 1}"
    if card.card is None:
        return _Label(quad, color, "unknown", "", place)
    printing = " ".join(part for part in (card.card.set_id, card.card.number) if part)
    sure = f"{card.confidence.card:.0%} / {card.confidence.printing:.0%}"
    detail = " · ".join(part for part in (sure, printing) if part)
    return _Label(quad, color, card.card.name, detail, place)


def _outline(canvas: RgbImage, label: _Label, line_px: int) -> None:
    """A coloured line with a dark edge, so that it shows on any card, and a disc at the start corner."""
    points = np.round(label.quad * 16).astype(np.int32)  # four binary places below the pixel
    for color, width in ((INK, line_px + 2), (label.color, line_px)):
        cv2.polylines(
            canvas, [points], isClosed=True, color=color, thickness=width, lineType=cv2.LINE_AA, shift=4
        )
    corner = (int(points[0, 0]), int(points[0, 1]))
    for color, radius in ((INK, 2.6), (PAPER, 2.2), (label.color, 1.4)):
        cv2.circle(canvas, corner, round(radius * line_px * 16), color, cv2.FILLED, cv2.LINE_AA, shift=4)


def _with_labels(canvas: RgbImage, labels: Sequence[_Label], line_px: int) -> RgbImage:
    layer = Image.new("RGBA", (canvas.shape[1], canvas.shape[0]))
    pen = ImageDraw.Draw(layer)
    for label in labels:
        title_px = float(np.clip(min(side_lengths(label.quad)) / 10, 11, 34))
        top, bottom = label.quad[:, 1].min(), label.quad[:, 1].max()
        _draw_plate(
            pen, label, [(label.title, title_px), (label.detail, 0.72 * title_px)], top + 6 * line_px, line_px
        )
        place_px = 0.72 * title_px
        _draw_plate(pen, label, [(label.place, place_px)], bottom - 1.3 * place_px - 7 * line_px, line_px)
    picture = Image.fromarray(canvas).convert("RGBA")
    picture.alpha_composite(layer)
    return np.array(picture.convert("RGB"), dtype=np.uint8)


def _draw_plate(
    pen: ImageDraw.ImageDraw, label: _Label, lines: Sequence[tuple[str, float]], top: float, line_px: int
) -> None:
    """A dark plate as wide as the card allows, with lines of text given with their sizes in pixels."""
    left, right = float(label.quad[:, 0].min()), float(label.quad[:, 0].max())
    pad = 2.0 * line_px
    fonts = [(text, ImageFont.load_default(size), size) for text, size in lines if text]
    if not fonts:
        return
    fitted = [(fit_text(pen, text, font, right - left - 4 * pad), font, size) for text, font, size in fonts]
    width = max(pen.textlength(text, font=font) for text, font, _ in fitted)
    height = sum(1.3 * size for _, _, size in fitted)
    x = (left + right - width) / 2
    pen.rounded_rectangle(
        (x - pad, top - pad / 2, x + width + pad, top + height + pad / 2),
        radius=pad,
        fill=(*INK, _LABEL_OPACITY),
        outline=(*label.color, 255),
        width=max(1, line_px // 2),
    )
    for index, (text, font, size) in enumerate(fitted):
        color = PAPER if index == 0 else label.color
        pen.text((x, top), text, font=font, fill=(*color, 255))
        top += 1.3 * size


def fit_text(
    pen: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: float
) -> str:
    """The text, or as much of its start as fits into ``room`` pixels."""
    if pen.textlength(text, font=font) <= room:
        return text
    while text and pen.textlength(text + "…", font=font) > room:
        text = text[:-1]
    return text.rstrip() + "…"
