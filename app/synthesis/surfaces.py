"""The printed surfaces of a frame: border, body, window and panels."""

from __future__ import annotations

import cv2
import numpy as np

from app.domain.types import CARD_ASPECT
from app.synthesis.art import shapes
from app.synthesis.art.noise import Field, cellular, fractal_noise, pixel_grid
from app.synthesis.art.paint import Canvas, Material, apply_ramp
from app.synthesis.art.palette import Colour, colour, ramp
from app.synthesis.frames import Box, Frame

_DARK_INK: Colour = (22, 20, 22)
_LIGHT_INK: Colour = (242, 240, 234)


def paint_body(canvas: Canvas, frame: Frame, hue: float) -> None:
    """Border and body of a card in the colour of its element."""
    canvas.pixels[:] = frame.border_colour
    found = canvas.mask(
        shapes.rectangle(frame.border, frame.border, CARD_ASPECT - frame.border, 1 - frame.border, 0.02)
    )
    if found is None:
        return
    cover, box = found
    rng = np.random.default_rng([frame.seed, 4])
    field = _body_field(canvas, frame, rng)[box]
    tone = ramp(hue, frame.body_chroma, frame.body_level - 0.22, min(0.98, frame.body_level + 0.2), 0.03)
    canvas.blend(apply_ramp(field, tone), cover, box)


def _body_field(canvas: Canvas, frame: Frame, rng: np.random.Generator) -> Field:
    height, width = canvas.height_px, canvas.width_px
    x, y = pixel_grid(height, width)
    flat = np.full((height, width), 0.5, np.float32)
    if frame.body in ("stripes", "rays", "diamonds", "gradient"):
        return _drawn_field(frame, x, y)
    if frame.body == "grained":
        return np.asarray(flat + canvas.texture * 0.9, np.float32)
    if frame.body == "marbled":
        noise = fractal_noise(rng, height, width, 4.0, 4, 0.6)
        return np.asarray(0.5 + 0.45 * np.sin(noise * 18 + x * 4), np.float32)
    if frame.body == "brushed":
        lines = cv2.resize(rng.random((1, 160), dtype=np.float32), (width if frame.seed % 2 else height, 1))
        lines = lines if frame.seed % 2 else lines.T
        return np.asarray(flat + 0.3 * (lines - 0.5) + 0.3 * (y - 0.5), np.float32)
    if frame.body == "cells":
        distance, labels = cellular(rng, height, width, 16, 0.6)
        each = rng.random(1024, dtype=np.float32)[labels]
        return np.asarray(0.3 + 0.4 * each + 0.25 * distance, np.float32)
    return np.asarray(flat + 0.35 * (0.5 - y), np.float32)


def _drawn_field(frame: Frame, x: Field, y: Field) -> Field:
    """Surfaces that are drawn by rule rather than by chance."""
    across = x - CARD_ASPECT / 2
    if frame.body == "stripes":
        slant = (frame.seed % 3 - 1) * 1.0
        return np.asarray(0.5 + 0.22 * np.sin((x + slant * y) * (60 + frame.seed % 60)), np.float32)
    if frame.body == "rays":
        return np.asarray(
            0.5 + 0.25 * np.sin(np.arctan2(y - 0.3, across) * (12 + frame.seed % 20)), np.float32
        )
    if frame.body == "diamonds":
        pitch = 50 + frame.seed % 50
        return np.asarray(0.5 + 0.28 * np.sin((x + y) * pitch) * np.sin((x - y) * pitch), np.float32)
    return np.asarray(0.15 + 1.4 * np.abs(across) / CARD_ASPECT + 0.2 * (y - 0.5), np.float32)


def decorate(canvas: Canvas, frame: Frame, hue: float) -> None:
    """Lines and knots on the body of a frame."""
    inset = frame.border + 0.007
    left, top, right, bottom = inset, inset, CARD_ASPECT - inset, 1 - inset
    light = colour(min(0.97, frame.body_level + 0.25), frame.body_chroma * 0.6, hue)
    dark = colour(max(0.08, frame.body_level - 0.3), frame.body_chroma, hue)
    if frame.ornament in ("line", "double", "corners"):
        canvas.line(shapes.rectangle(left, top, right, bottom, 0.016), light, 0.003, closed=True)
    if frame.ornament == "double":
        inner = shapes.rectangle(left + 0.006, top + 0.006, right - 0.006, bottom - 0.006, 0.012)
        canvas.line(inner, dark, 0.003, closed=True)
    elif frame.ornament == "corners":
        for x, y in ((left, top), (right, top), (right, bottom), (left, bottom)):
            canvas.flat(shapes.star(x, y, 0.03, 0.012, 4, (frame.seed % 2) * 0.785), frame.trim)
            canvas.flat(shapes.ellipse(x, y, 0.008), dark)
    elif frame.ornament == "rails":
        for x in (left, right):
            rail = shapes.rectangle(x - 0.006, 0.12, x + 0.006, 0.88, 0.006)
            canvas.solid(rail, Material(ramp(hue, frame.body_chroma, 0.2, 0.95), 1.0, 0.2, 0.5))
    elif frame.ornament == "rivets":
        for x in (left + 0.004, right - 0.004):
            for y in np.linspace(0.06, 0.94, 9 + frame.seed % 8):
                canvas.flat(shapes.ellipse(x, float(y), 0.006), dark)
                canvas.flat(shapes.ellipse(x - 0.001, float(y) - 0.001, 0.004), light)


def window_outline(frame: Frame) -> shapes.Points:
    """The outline of the picture's window."""
    left, top, right, bottom = frame.window
    wide, high, middle = right - left, bottom - top, (left + right) / 2
    shape = frame.window_shape
    if shape == "round":
        return shapes.rectangle(left, top, right, bottom, 0.04)
    if shape == "oval":
        return shapes.ellipse(middle, (top + bottom) / 2, wide / 2, high / 2, n=64)
    if shape == "arch":
        angle = np.linspace(np.pi, 2 * np.pi, 24)
        rise = min(wide / 2, high * 0.4)
        arc = np.stack([middle + wide / 2 * np.cos(angle), top + rise + rise * np.sin(angle)], axis=1)
        return np.vstack([arc, [(right, bottom), (left, bottom)]])
    corners = {
        "cut": [
            (left + 0.05, top), (right - 0.05, top), (right, top + 0.05), (right, bottom - 0.05),
            (right - 0.05, bottom), (left + 0.05, bottom), (left, bottom - 0.05), (left, top + 0.05),
        ],
        "slant": [(left, top), (right, top), (right, bottom - 0.07), (left, bottom)],
        "notch": [
            (left, top), (right - 0.08, top), (right - 0.08, top + 0.04), (right, top + 0.08),
            (right, bottom), (left, bottom),
        ],
    }  # fmt: skip
    if shape in corners:
        return shapes.as_points(corners[shape])
    return shapes.rectangle(left, top, right, bottom)


def paint_panels(canvas: Canvas, frame: Frame, hue: float) -> Colour:
    """Paints what lies under the words and returns the colour to write in."""
    boxes = [frame.name, *([frame.kind] if frame.kind else []), frame.rules]
    dark = frame.panel in ("dark", "glass")
    for box in boxes:
        _panel(canvas, frame, box, hue)
    if frame.panel == "none":
        return _LIGHT_INK
    if frame.panel == "line":
        return _LIGHT_INK if frame.body_level < 0.5 else _DARK_INK
    return _LIGHT_INK if dark else _DARK_INK


def _panel(canvas: Canvas, frame: Frame, box: Box, hue: float) -> None:
    left, top, right, bottom = box
    radius = 0.0 if frame.seed % 3 == 0 else 0.012 if frame.seed % 3 == 1 else (bottom - top) / 2
    outline = shapes.rectangle(left, top, right, bottom, min(radius, 0.022))
    if frame.panel == "paper":
        canvas.solid(outline, Material(ramp(hue, 0.03, 0.62, 0.98, 0.02), 0.06, 0.25))
    elif frame.panel == "bevel":
        canvas.solid(outline, Material(ramp(hue, 0.06, 0.55, 0.97, 0.02), 0.25, 0.1, 0.4))
    elif frame.panel == "glass":
        canvas.tint(outline, colour(0.2, 0.05, hue), 0.62)
    elif frame.panel == "dark":
        canvas.solid(outline, Material(ramp(hue, 0.05, 0.08, 0.45, 0.02), 0.1, 0.2))
    elif frame.panel == "line":
        canvas.tint(outline, colour(frame.body_level, frame.body_chroma, hue), 0.8)
    elif frame.panel == "none":
        canvas.tint(outline, (0, 0, 0), 0.35)
        return
    canvas.line(outline, frame.trim, 0.0035, closed=True)


def is_dark(canvas: Canvas, y: float) -> bool:
    """Whether the picture is dark along a line of the card."""
    row = min(canvas.height_px - 1, int(y * canvas.height_px))
    return float(canvas.pixels[row].mean()) < 128
