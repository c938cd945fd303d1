"""What lies behind cards: table tops, cloths, playmats, dark pockets. All RGB uint8 (height, width, 3)."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulator.clutter import scatter_objects
from benchmarks.simulator.geometry import CARD_HEIGHT_MM, FloatImage, RgbImage
from benchmarks.simulator.levels import Background

Colour = NDArray[np.float32]

#: How many objects lie on a cluttered table, for each area of ten cards.
OBJECTS_PER_TEN_CARDS = (5, 14)

#: Width of a card's border that lends its colour to a surface, as a share of the card's width.
BORDER_SHARE = 0.04


def draw_surface(
    background: Background,
    height_px: int,
    width_px: int,
    px_per_mm: float,
    border_colour: Colour,
    rng: np.random.Generator,
) -> RgbImage:
    """Draws one surface as seen from straight above.

    Args:
        background: What kind.
        height_px: Height of the picture.
        width_px: Width of the picture.
        px_per_mm: Scale, so that grain and objects have their natural size.
        border_colour: RGB (3,) that ``border_like`` surfaces take.
        rng: Source of all choices.

    Returns:
        RGB uint8 (height_px, width_px, 3).
    """
    size = (height_px, width_px)
    if background == "plain":
        surface = _plain(size, px_per_mm, _draw_colour(rng, (60, 235), 25), rng)
    elif background == "dark_pocket":
        surface = _plain(size, px_per_mm, _draw_colour(rng, (10, 48), 6), rng)
    elif background == "patterned":
        surface = _patterned(size, px_per_mm, rng)
    elif background == "border_like":
        colour = border_colour + rng.normal(0, 8, 3).astype(np.float32)
        surface = _grain(size, px_per_mm, colour, rng)
    else:
        surface = _textured(size, px_per_mm, rng)
    picture = np.clip(surface, 0, 255).astype(np.uint8)
    if background == "cluttered":
        cards_of_area = height_px * width_px / (px_per_mm * CARD_HEIGHT_MM) ** 2
        count = math.ceil(int(rng.integers(*OBJECTS_PER_TEN_CARDS)) * cards_of_area / 10)
        scatter_objects(picture, count, px_per_mm, rng)
    return picture


def border_colour_of(card: RgbImage) -> Colour:
    """Returns the mean colour (3,) of a card's left and right border."""
    width = max(1, round(card.shape[1] * BORDER_SHARE))
    border = np.concatenate([card[:, :width], card[:, -width:]], axis=1)
    return np.asarray(border.reshape(-1, 3).mean(axis=0), dtype=np.float32)


def fractal_noise(
    size: tuple[int, int], cell_px: tuple[float, float], octaves: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Sums random grids of ever finer cells, each with half the weight of the one before.

    Args:
        size: (height, width) in pixels.
        cell_px: Height and width of the coarsest cells.
        octaves: How many grids.
        rng: Source of the values.

    Returns:
        float32 (height, width), mean near 0, deviation near 1.
    """
    total = np.zeros(size, dtype=np.float32)
    weight, squares = 1.0, 0.0
    for octave in range(octaves):
        rows = max(2, min(size[0], math.ceil(size[0] * 2**octave / cell_px[0]) + 1))
        columns = max(2, min(size[1], math.ceil(size[1] * 2**octave / cell_px[1]) + 1))
        grid = rng.standard_normal((rows, columns), dtype=np.float32)
        total += weight * cv2.resize(grid, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
        squares += weight * weight
        weight *= 0.5
    return total * np.float32(1.5 / math.sqrt(squares))


def _draw_colour(rng: np.random.Generator, brightness: tuple[int, int], spread: float) -> Colour:
    """Draws a colour of a brightness within bounds whose channels differ by about ``spread``."""
    return np.asarray(rng.uniform(*brightness) + rng.normal(0, spread, 3), dtype=np.float32)


def _shade(colour: Colour, noise: NDArray[np.float32], strength: float) -> FloatImage:
    """Lightens and darkens a colour by noise (h, w); ``strength`` is a share."""
    return np.asarray(colour * (1.0 + np.float32(strength) * noise[:, :, None]), dtype=np.float32)


def _plain(size: tuple[int, int], px_per_mm: float, colour: Colour, rng: np.random.Generator) -> FloatImage:
    cell = 60.0 * px_per_mm
    return _shade(colour, fractal_noise(size, (cell, cell), 3, rng), 0.02)


def _grain(size: tuple[int, int], px_per_mm: float, colour: Colour, rng: np.random.Generator) -> FloatImage:
    """Stone, plaster or felt: fine specks on slow changes."""
    slow = fractal_noise(size, (40 * px_per_mm, 40 * px_per_mm), 4, rng)
    specks = fractal_noise(size, (1.2 * px_per_mm, 1.2 * px_per_mm), 2, rng)
    return _shade(colour, 0.4 * slow + specks, float(rng.uniform(0.04, 0.12)))


def _wood(size: tuple[int, int], px_per_mm: float, rng: np.random.Generator) -> FloatImage:
    """Planks with grain along them."""
    long, short = float(rng.uniform(80, 200)) * px_per_mm, float(rng.uniform(3, 8)) * px_per_mm
    turned = bool(rng.random() < 0.5)
    upright_size = size[::-1] if turned else size
    grain = fractal_noise(upright_size, (short, long), 4, rng)
    colour = np.array([1.0, 0.74, 0.48], dtype=np.float32) * np.float32(rng.uniform(70, 210))
    wood = _shade(colour, grain, float(rng.uniform(0.08, 0.2)))
    plank_px = max(8, int(float(rng.uniform(60, 160)) * px_per_mm))
    for start in range(int(rng.integers(0, plank_px)) - plank_px, upright_size[0], plank_px):
        wood[max(0, start) : max(0, start + plank_px)] *= np.float32(rng.uniform(0.85, 1.1))
        wood[max(0, start) : max(0, start + max(1, round(px_per_mm)))] *= 0.55
    return np.ascontiguousarray(wood.transpose(1, 0, 2)) if turned else wood


def _cloth(size: tuple[int, int], px_per_mm: float, rng: np.random.Generator) -> FloatImage:
    """A weave of threads with soft folds."""
    thread_px = max(2.5, float(rng.uniform(0.6, 1.6)) * px_per_mm)
    rows = np.sin(np.arange(size[0], dtype=np.float32) * np.float32(2 * math.pi / thread_px))
    columns = np.sin(np.arange(size[1], dtype=np.float32) * np.float32(2 * math.pi / thread_px))
    weave = rows[:, None] * columns[None, :]
    folds = fractal_noise(size, (70 * px_per_mm, 25 * px_per_mm), 2, rng)
    noise = fractal_noise(size, (3 * px_per_mm, 3 * px_per_mm), 2, rng)
    return _shade(_draw_colour(rng, (40, 200), 35), weave + 0.7 * folds + 0.6 * noise, 0.08)


def _textured(size: tuple[int, int], px_per_mm: float, rng: np.random.Generator) -> FloatImage:
    kind = int(rng.integers(0, 3))
    if kind == 0:
        return _wood(size, px_per_mm, rng)
    if kind == 1:
        return _cloth(size, px_per_mm, rng)
    return _grain(size, px_per_mm, _draw_colour(rng, (50, 220), 22), rng)


def _patterned(size: tuple[int, int], px_per_mm: float, rng: np.random.Generator) -> FloatImage:
    """A tablecloth of stripes, checks or dots, or a printed playmat."""
    first, second = _draw_colour(rng, (30, 220), 40), _draw_colour(rng, (30, 220), 40)
    kind = int(rng.integers(0, 4))
    if kind == 3:
        swirls = _playmat_share(size, px_per_mm, rng)
        glow = _draw_colour(rng, (60, 255), 60)
        base = first + (second - first) * swirls[:, :, None]
        blobs = fractal_noise(size, (25 * px_per_mm, 25 * px_per_mm), 3, rng)
        return np.asarray(base + glow * np.clip(blobs - 0.8, 0, 0.6)[:, :, None], dtype=np.float32)
    period_px = float(rng.uniform(8, 35)) * px_per_mm
    angle = float(rng.uniform(0, math.pi))
    x = np.arange(size[1], dtype=np.float32)[None, :]
    y = np.arange(size[0], dtype=np.float32)[:, None]
    wave_number = 2 * math.pi / period_px
    u = np.sin((x * math.cos(angle) + y * math.sin(angle)) * wave_number)
    v = np.sin((y * math.cos(angle) - x * math.sin(angle)) * wave_number)
    if kind == 0:
        share = np.asarray(1 / (1 + np.exp(-6.0 * u)))
    elif kind == 1:
        share = np.asarray(0.5 * (u > 0) + 0.5 * (v > 0))
    else:
        share = np.asarray(u + v > 1.1)
    noise = fractal_noise(size, (2 * px_per_mm, 2 * px_per_mm), 2, rng)
    colour = first + (second - first) * np.asarray(share, dtype=np.float32)[:, :, None]
    return np.asarray(colour * (1 + 0.05 * noise[:, :, None]), dtype=np.float32)


def _playmat_share(size: tuple[int, int], px_per_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Returns slow swirls (h, w) of 0 to 1."""
    noise = fractal_noise(size, (90 * px_per_mm, 90 * px_per_mm), 4, rng)
    return np.asarray(0.5 + 0.5 * np.sin(3.0 * noise), dtype=np.float32)
