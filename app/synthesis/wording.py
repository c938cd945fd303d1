"""The words on a card: its name, what it is and its rules."""

from __future__ import annotations

import numpy as np

from app.domain.types import CARD_ASPECT
from app.synthesis.art.paint import Canvas
from app.synthesis.art.palette import Colour
from app.synthesis.catalogue import InventedCard
from app.synthesis.frames import Box
from app.synthesis.symbols import draw_element
from app.synthesis.text import line_cover, put, squeeze_height, wrap

_LEADING = 1.22  # distance of two lines, in letter sizes


def write_name(canvas: Canvas, card: InventedCard, ink: Colour) -> None:
    """Writes the name into its place, across or up the side."""
    frame, scale, script = card.frame, canvas.height_px, card.text.script
    left, top, right, bottom = frame.name
    if frame.upright_name:
        along = line_cover(card.text.name, (right - left) * 0.6 * scale, True, script)
        cover = squeeze_height(np.ascontiguousarray(np.rot90(along)), int((bottom - top) * 0.95 * scale))
        y = (bottom - 0.01) * scale - cover.shape[0]
        put(canvas.pixels, cover, (left + right) / 2 * scale, y, ink, align=0.5)
        return
    size = (bottom - top) * 0.62 * scale
    room = (right - left) * (0.66 if frame.cost != "stars" else 0.92) * scale
    cover = line_cover(card.text.name, size, True, script)
    x, align = (
        ((left + right) / 2, 0.5) if frame.name_align and frame.cost == "stars" else (left + 0.014, 0.0)
    )
    put(canvas.pixels, cover, x * scale, (top + bottom) / 2 * scale - size * 0.66, ink, room, align)


def write_rules(canvas: Canvas, card: InventedCard, ink: Colour, pip: Colour) -> None:
    """Writes the kind of card and its rules."""
    frame, scale, script = card.frame, canvas.height_px, card.text.script
    if frame.kind is not None:
        left, top, right, bottom = frame.kind
        cover = line_cover(card.text.kind, (bottom - top) * 0.6 * scale, False, script)
        y = (top + (bottom - top) * 0.1) * scale
        put(canvas.pixels, cover, (left + 0.014) * scale, y, ink, (right - left - 0.08) * scale)
    if frame.wording == "attacks" and card.artwork.theme in ("creature", "figure", "machine"):
        _attacks(canvas, card, ink, pip)
    else:
        _paragraphs(canvas, card, ink)


def _paragraphs(canvas: Canvas, card: InventedCard, ink: Colour) -> None:
    scale, script = canvas.height_px, card.text.script
    left, top, right, bottom = card.frame.rules
    width_px = (right - left - 0.032) * scale
    size, lines, flavour = _fit(card, width_px, (bottom - top - 0.024) * scale, 0.032 * scale)
    centred = card.frame.wording == "centred"
    x, align = ((left + right) / 2, 0.5) if centred else (left + 0.016, 0.0)
    y = (top + 0.01) * scale
    if centred:
        y += (
            max(
                0.0,
                (bottom - top - 0.024) * scale
                - (len(lines) + len(flavour) + 0.6 * bool(flavour)) * size * _LEADING,
            )
            / 2
        )
    for number, line in enumerate([*lines, *flavour]):
        if flavour and number == len(lines):
            middle = (left + right) / 2
            y += size * 0.35
            canvas.line([(middle - 0.15, y / scale), (middle + 0.15, y / scale)], ink, 0.0015)
            y += size * 0.25
        put(canvas.pixels, line_cover(line, size, False, script), x * scale, y, ink, width_px, align)
        y += size * _LEADING


def _fit(
    card: InventedCard, width_px: float, height_px: float, largest_px: float
) -> tuple[float, list[str], list[str]]:
    """Letter size in pixels and the lines of rules and flavour that fit; the flavour goes first."""
    script = card.text.script
    for flavour in (card.text.flavour, ""):
        for share in (1.0, 0.85, 0.72, 0.6):
            size = largest_px * share
            lines = wrap(card.text.rules, size, width_px, script)
            quote = wrap(flavour, size, width_px, script) if flavour else []
            if (len(lines) + len(quote) + 0.6 * bool(quote)) * size * _LEADING <= height_px:
                return size, lines, quote
    size = largest_px * 0.6
    return size, wrap(card.text.rules, size, width_px, script)[: max(1, int(height_px / size / _LEADING))], []


def _attacks(canvas: Canvas, card: InventedCard, ink: Colour, pip: Colour) -> None:
    """Rules as named moves with their price on the left and their strength on the right."""
    left, top, right, bottom = card.frame.rules
    rng = np.random.default_rng([card.artwork.seed, 6])
    texts = card.text.rules.split("\n")[-2:]
    high = min(0.17, (bottom - top - 0.02) / len(texts))
    for number, (name, text) in enumerate(zip(card.text.moves, texts, strict=False)):
        y = top + 0.012 + number * high
        price, strength = int(rng.integers(1, 4)), 10 * int(rng.integers(1, 30))
        for i in range(price):
            element = card.element if i % 2 == 0 else 9
            draw_element(canvas, element, left + 0.03 + i * 0.034, y + 0.018, 0.014, pip)
        _move(
            canvas, card, ink, (left + 0.03 + price * 0.034, y, right, y + high), (name, text, str(strength))
        )
        if number:
            canvas.line([(left + 0.02, y - 0.01), (right - 0.02, y - 0.01)], card.frame.trim, 0.002)


def _move(canvas: Canvas, card: InventedCard, ink: Colour, box: Box, words: tuple[str, str, str]) -> None:
    scale, script = canvas.height_px, card.text.script
    x, top, right, bottom = box
    left = card.frame.rules[0] + 0.02
    name, text, strength = words
    title = line_cover(name, 0.034 * scale, True, script)
    put(canvas.pixels, title, x * scale, (top - 0.004) * scale, ink, (right - x - 0.1) * scale)
    number = line_cover(strength, 0.036 * scale, True)
    put(canvas.pixels, number, (right - 0.02) * scale, (top - 0.005) * scale, ink, align=1.0)
    size = 0.0235 * scale
    room = max(1, int((bottom - top - 0.045) * scale / size / _LEADING))
    for i, line in enumerate(wrap(text, size, (right - left - 0.02) * scale, script)[:room]):
        below = (top + 0.04) * scale + i * size * _LEADING
        put(canvas.pixels, line_cover(line, size, False, script), left * scale, below, ink)


def write_number(canvas: Canvas, card: InventedCard, foot: Colour, x: float, y: float) -> None:
    """Writes the collector's number on the last line, ``x`` from its edge."""
    scale = canvas.height_px
    cover = line_cover(str(card.card.number), 0.021 * scale, True)
    if card.frame.number_left:
        put(canvas.pixels, cover, (x + 0.03) * scale, y * scale, foot)
    else:
        put(canvas.pixels, cover, (CARD_ASPECT - x - 0.04) * scale, y * scale, foot, align=1.0)
