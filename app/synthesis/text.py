"""Letters on cards: Aileron (CC0), which Pillow carries inside itself, and invented scripts of drawn strokes.

No system font is used, so a card looks the same on every machine.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app.domain.types import RgbImage
from app.synthesis.art.palette import Colour

Cover = NDArray[np.uint8]
"""How much of each pixel is ink: uint8, shape (height, width)."""


@dataclass(frozen=True, slots=True)
class Script:
    """An invented way of writing.

    Attributes:
        seed: Decides the glyphs.
        kind: ``runes`` (straight strokes), ``loops`` (curves) or ``blocks`` (dense squares without spaces).
    """

    seed: int
    kind: str


_MASTERS_PX = (18.0, 40.0)  # letters are drawn at these sizes only
_MARGIN = 0.1  # before the first letter, as a share of the size


@functools.cache
def _letter(letter: str, bold: bool, master_px: float) -> tuple[Cover, float]:
    """One letter at the master size with its advance in pixels.

    Lines are put together from these and then shrunk: asking FreeType for each line takes ten times longer,
    and hinting would space the words differently at every size.
    """
    font = ImageFont.load_default(master_px)
    stroke = 0.0225 * master_px if bold else 0.0
    image = Image.new("L", (int(master_px * 1.6), int(master_px * 1.3)), 0)
    ImageDraw.Draw(image).text((_MARGIN * master_px, 0), letter, fill=255, font=font, stroke_width=stroke)
    return np.asarray(image), float(font.getlength(letter)) + stroke


def text_width(text: str, size_px: float, script: Script | None = None, bold: bool = False) -> float:
    """Width of one line in pixels."""
    if script is not None:
        return len(text) * size_px * (0.95 if script.kind == "blocks" else 0.62)
    master_px = _MASTERS_PX[-1]
    return sum(_letter(letter, bold, master_px)[1] for letter in text) * size_px / master_px


def line_cover(text: str, size_px: float, bold: bool = False, script: Script | None = None) -> Cover:
    """One line of text as ink, its height about 1.3 ``size_px``."""
    if script is not None:
        return _script_cover(text, size_px, bold, script)
    master_px = next((m for m in _MASTERS_PX if m >= size_px), _MASTERS_PX[-1])
    letters = [_letter(letter, bold, master_px) for letter in text]
    line = np.zeros((int(master_px * 1.3), int(sum(a for _, a in letters) + 2 * master_px)), np.uint8)
    x = 0.0
    for cover, advance in letters:
        part = line[:, round(x) : round(x) + cover.shape[1]]
        np.maximum(part, cover, out=part)
        x += advance
    scale = size_px / master_px
    used = int(x + 2 * _MARGIN * master_px)
    size = (max(1, round(used * scale)), max(1, round(line.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(line[:, :used], size, interpolation=method), dtype=np.uint8)


@functools.lru_cache(maxsize=2048)
def _glyph(seed: int, kind: str, code: int) -> tuple[NDArray[np.float64], ...]:
    """Strokes of one letter in a unit square."""
    rng = np.random.default_rng([seed, code])
    grid = np.array([0.12, 0.5, 0.88])
    strokes: list[NDArray[np.float64]] = []
    if kind == "runes":
        stem = float(rng.choice([0.25, 0.5, 0.75]))
        strokes.append(np.array([[stem, 0.05], [stem, 0.95]]))
        strokes.extend(grid[rng.integers(0, 3, (2, 2))] for _ in range(int(rng.integers(1, 3))))
    elif kind == "loops":
        for _ in range(int(rng.integers(1, 3))):
            start, sweep = rng.uniform(0, 2 * np.pi), rng.uniform(2.5, 6.0)
            angle = np.linspace(start, start + sweep, 9)
            radius = rng.uniform(0.2, 0.42) * np.linspace(1, rng.uniform(0.4, 1), 9)
            middle = rng.uniform(0.35, 0.65, 2)
            strokes.append(middle + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))
    else:
        for _ in range(int(rng.integers(3, 7))):
            at, low, high = (
                rng.choice([0.1, 0.3, 0.5, 0.7, 0.9]),
                *np.sort(rng.choice([0.05, 0.35, 0.65, 0.95], 2)),
            )
            line = np.array([[low, at], [high, at]])
            strokes.append(line if rng.random() < 0.5 else line[:, ::-1])
    return tuple(strokes)


def _script_cover(text: str, size_px: float, bold: bool, script: Script) -> Cover:
    step = size_px * (0.95 if script.kind == "blocks" else 0.62)
    cover = np.zeros((int(size_px * 1.3) + 2, int(step * len(text)) + 4), np.uint8)
    scale = np.array([step * 0.84, size_px * 0.82])
    thickness = max(1, round(size_px * (0.11 if bold else 0.075)))
    for place, letter in enumerate(text):
        if letter == " ":
            continue
        for stroke in _glyph(script.seed, script.kind, ord(letter.lower()) % 61):
            points = stroke * scale + (1 + place * step, size_px * 0.22)
            fixed = np.round(points * 16).astype(np.int32)
            cv2.polylines(cover, [fixed], False, 255, thickness, cv2.LINE_AA, 4)
    return cover


def wrap(text: str, size_px: float, width_px: float, script: Script | None = None) -> list[str]:
    """Breaks text into lines no wider than ``width_px``."""
    lines: list[str] = []
    space = text_width(" ", size_px, script)
    for paragraph in text.split("\n"):
        line, used = "", 0.0
        for word in paragraph.split():
            wide = text_width(word, size_px, script)
            if line and used + space + wide > width_px:
                lines.append(line)
                line, used = word, wide
            else:
                line, used = (f"{line} {word}", used + space + wide) if line else (word, wide)
        lines.append(line)
    return lines


def put(
    picture: RgbImage,
    cover: Cover,
    x_px: float,
    y_px: float,
    colour: Colour,
    max_width_px: float = 1e9,
    align: float = 0.0,
) -> float:
    """Inks ``cover`` onto a picture in place and returns the width used in pixels.

    Args:
        picture: What is written on.
        cover: The ink.
        x_px: Left end for ``align`` 0, middle for 0.5, right end for 1.
        y_px: Upper edge.
        colour: Colour of the ink.
        max_width_px: Wider text is squeezed to this, as printers do with long names.
        align: Where ``x_px`` lies in the text.
    """
    if cover.shape[1] > max_width_px:
        size = (max(1, int(max_width_px)), cover.shape[0])
        cover = np.asarray(cv2.resize(cover, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    left, top = round(x_px - align * cover.shape[1]), round(y_px)
    height, width = picture.shape[:2]
    cut_left, cut_top = max(0, -left), max(0, -top)
    part = cover[cut_top : max(0, height - top), cut_left : max(0, width - left)]
    if part.size == 0:
        return float(cover.shape[1])
    box = picture[
        top + cut_top : top + cut_top + part.shape[0], left + cut_left : left + cut_left + part.shape[1]
    ]
    weight = part.astype(np.float32)[..., None] * (1 / 255)
    box[:] = (box + (np.array(colour, np.float32) - box) * weight).astype(np.uint8)
    return float(cover.shape[1])


def squeeze_height(cover: Cover, height_px: int) -> Cover:
    """Shrinks upright text to a height if it is longer."""
    if cover.shape[0] <= height_px:
        return cover
    size = (cover.shape[1], height_px)
    return np.asarray(cv2.resize(cover, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
