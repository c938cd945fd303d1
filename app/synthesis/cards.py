"""Draws one card of the invented game."""

from __future__ import annotations

import numpy as np

from app.domain.types import CARD_ASPECT, RgbImage
from app.synthesis import surfaces
from app.synthesis.art import shapes
from app.synthesis.art.compose import draw_artwork
from app.synthesis.art.paint import Canvas
from app.synthesis.art.palette import Colour, colour, invent_palette
from app.synthesis.art.patterns import mandala
from app.synthesis.catalogue import ELEMENT_HUES, THEMES, InventedCard
from app.synthesis.foil import add_foil
from app.synthesis.frames import Box
from app.synthesis.symbols import RARITY_COLOURS, draw_element, draw_rarity, draw_set_symbol
from app.synthesis.text import line_cover, put
from app.synthesis.wording import write_name, write_number, write_rules

_MIN_HEIGHT_PX = 64


def draw_card(card: InventedCard, height_px: int = 528) -> RgbImage:
    """Draws a card.

    Args:
        card: What to draw.
        height_px: Height of the picture; the width follows from 63 x 88 mm.

    Returns:
        RGB uint8, shape (height_px, round(height_px * 63 / 88), 3); corners are filled with the border.

    Raises:
        ValueError: ``height_px`` is below 64, where nothing could be read.
    """
    if height_px < _MIN_HEIGHT_PX:
        raise ValueError(f"a card must be at least {_MIN_HEIGHT_PX} px high, not {height_px}")
    canvas = Canvas(np.random.default_rng(card.frame.seed), height_px, round(height_px * CARD_ASPECT))
    canvas.light = (-0.5, -0.8)
    hue, pip = _frame_hue(card), colour(0.72, 0.14, ELEMENT_HUES[card.element])
    surfaces.paint_body(canvas, card.frame, hue)
    surfaces.decorate(canvas, card.frame, hue)
    _place_art(canvas, card)
    ink = surfaces.paint_panels(canvas, card.frame, hue)
    write_name(canvas, card, ink)
    write_rules(canvas, card, ink, pip)
    _mark(canvas, card, ink, pip)
    if card.foil_seed is not None:
        canvas.pixels = add_foil(canvas.pixels, card.foil_seed)
    return canvas.pixels


def draw_card_back(seed: int = 0, height_px: int = 528) -> RgbImage:
    """Draws a back: a rosette in a frame. Shape and errors as for :func:`draw_card`."""
    if height_px < _MIN_HEIGHT_PX:
        raise ValueError(f"a card must be at least {_MIN_HEIGHT_PX} px high, not {height_px}")
    rng = np.random.default_rng([seed, 3])
    canvas = Canvas(rng, height_px, round(height_px * CARD_ASPECT))
    palette = invent_palette(rng)
    inner = Canvas(rng, height_px, canvas.width_px)
    mandala(inner, palette, rng)
    edge = palette.colour(2, 0.15, 0.08)
    canvas.pixels[:] = edge
    found = canvas.mask(shapes.rectangle(0.035, 0.035, CARD_ASPECT - 0.035, 0.965, 0.03))
    if found is not None:
        cover, box = found
        canvas.blend(np.ascontiguousarray(inner.pixels[box]), cover, box)
    middle = (CARD_ASPECT / 2, 0.5)
    trim = palette.colour(4, 0.9, 0.1)
    canvas.line(shapes.rectangle(0.055, 0.055, CARD_ASPECT - 0.055, 0.945, 0.025), trim, 0.006, closed=True)
    canvas.flat(shapes.ellipse(*middle, 0.17, 0.17), edge)
    canvas.line(shapes.ellipse(*middle, 0.17, 0.17), trim, 0.008, closed=True)
    draw_set_symbol(canvas, seed, *middle, 0.1, (trim, edge))
    return canvas.pixels


def _frame_hue(card: InventedCard) -> float:
    """The hue of the frame tells the element or the kind of card, or is the set's own."""
    if card.frame.tint == "set":
        return card.frame.hue
    if card.frame.tint == "kind":
        return card.frame.hue + THEMES.index(card.artwork.theme) / len(THEMES)
    return ELEMENT_HUES[card.element]


def _place_art(canvas: Canvas, card: InventedCard) -> None:
    frame = card.frame
    outline = surfaces.window_outline(frame)
    found = canvas.mask(outline)
    if found is None:
        return
    cover, box = found
    picture = draw_artwork(card.artwork, cover.shape[0], cover.shape[1])
    canvas.blend(picture, cover, box)
    if not card.full_art:
        canvas.line(outline, frame.trim, 0.005, closed=True)


def _mark(canvas: Canvas, card: InventedCard, ink: Colour, pip: Colour) -> None:
    """Cost, power, set symbol, number and rarity."""
    frame = card.frame
    _write_cost(canvas, card, ink, pip)
    rarity = str(card.card.rarity).removesuffix(" foil")
    draw_set_symbol(canvas, card.set_seed, *frame.symbol, 0.017, RARITY_COLOURS[rarity])
    _, _, right, bottom = frame.rules
    if card.artwork.theme in ("creature", "figure", "machine") and frame.wording != "attacks":
        _write_power(canvas, card, (right - 0.075, bottom - 0.035, right + 0.005, bottom + 0.008))
    dark_foot = sum(frame.border_colour) < 330 if frame.border > 0.02 else surfaces.is_dark(canvas, 0.955)
    foot: Colour = (235, 235, 235) if dark_foot else (24, 24, 26)
    y = min(0.972, 1 - frame.border * 0.75) - 0.012 if frame.border > 0.02 else 0.958
    x = frame.border + 0.02
    draw_rarity(canvas, rarity, x if frame.number_left else CARD_ASPECT - x - 0.02, y + 0.012, 0.007, foot)
    write_number(canvas, card, foot, x, y)


def _write_cost(canvas: Canvas, card: InventedCard, ink: Colour, pip: Colour) -> None:
    frame, scale = card.frame, canvas.height_px
    left, top, right, bottom = frame.name
    middle = (top + bottom) / 2
    radius = min(0.02, (bottom - top) * 0.42)
    if frame.upright_name:  # a column of pips, or one big number, above the name
        right, middle, radius = (left + right) / 2 + 0.028, top - 0.04, 0.026
        count = 1 + card.cost % 3 if frame.cost == "pips" else 1
        for i in range(count):
            draw_element(canvas, card.element, right - 0.028, middle, radius * (1 - 0.3 * i), pip)
    elif frame.cost == "pips":
        for i in range(1 + card.cost % 4):
            draw_element(canvas, card.element, right - 0.028 - i * radius * 2.3, middle, radius, pip)
    elif frame.cost == "stars":
        for i in range(card.cost):
            y = bottom + 0.025 if bottom < 0.9 else top - 0.022
            draw_element(canvas, 11, right - 0.04 - i * 0.045, y, 0.018, pip)
    else:
        words = str(card.cost) if frame.cost == "number" else f"{card.power[1] * 10}"
        draw_element(canvas, card.element, right - 0.028, middle, radius * 1.1, pip)
        cover = line_cover(words, radius * 2.0 * scale, True)
        y = middle * scale - radius * 1.25 * scale
        put(canvas.pixels, cover, (right - 0.032 - radius * 1.5) * scale, y, ink, align=1.0)


def _write_power(canvas: Canvas, card: InventedCard, box: Box) -> None:
    left, top, right, bottom = box
    scale = canvas.height_px
    plate = shapes.rectangle(left, top, right, bottom, 0.012)
    canvas.flat(plate, card.frame.trim)
    light = sum(card.frame.trim) > 380
    canvas.line(plate, (20, 20, 22) if light else (235, 235, 235), 0.003, closed=True)
    size = (bottom - top) * 0.7 * scale
    cover = line_cover(f"{card.power[0]}/{card.power[1]}", size, True)
    put(
        canvas.pixels,
        cover,
        (left + right) / 2 * scale,
        (top + 0.003) * scale,
        (20, 20, 22) if light else (240, 240, 240),
        (right - left) * scale,
        0.5,
    )
