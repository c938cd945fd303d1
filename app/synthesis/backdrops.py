"""Surfaces that cards lie on: desks, wood, cloth, marble, playmats, all drawn from noise."""

from __future__ import annotations

import enum

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage
from app.synthesis.art.compose import Artwork, draw_artwork
from app.synthesis.canvas import Rgb
from app.synthesis.degrade import Plane, happens, uniform

#: Surfaces are drawn at no more than this many pixels and enlarged: their detail is coarse anyway.
_MAX_TEXTURE_PX = 1_600_000


class Surface(enum.StrEnum):
    """What the table is made of."""

    PLAIN = "plain"
    WOOD = "wood"
    CLOTH = "cloth"
    CHECKED = "checked"
    MARBLE = "marble"
    PLAYMAT = "playmat"
    STRIPED = "striped"
    SPECKLED = "speckled"
    PAINTED = "painted"
    BORDER_LIKE = "border_like"


def draw_surface(
    surface: Surface, size_px: tuple[int, int], px_per_mm: float, rng: np.random.Generator, border_rgb: Rgb
) -> RgbImage:
    """Draws a surface.

    Args:
        surface: What it is made of.
        size_px: Width and height.
        px_per_mm: Resolution.
        rng: Source of chance.
        border_rgb: Colour of the cards' borders, for a surface that is hard to tell from them.

    Returns:
        The surface, RGB, uint8, (height, width, 3).
    """
    width, height = size_px
    shrink = min(1.0, (_MAX_TEXTURE_PX / (width * height)) ** 0.5)
    shape = (max(round(height * shrink), 16), max(round(width * shrink), 16))
    scale = px_per_mm * shrink
    if surface is Surface.WOOD:
        texture = _wood(rng, shape, scale)
    elif surface is Surface.MARBLE:
        texture = _marble(rng, shape, scale)
    elif surface is Surface.PLAYMAT:
        texture = _playmat(rng, shape)
    elif surface is Surface.STRIPED:
        texture = _striped(rng, shape, scale)
    elif surface is Surface.SPECKLED:
        texture = _speckled(rng, shape)
    elif surface is Surface.PAINTED:
        texture = _painted(rng, shape)
    elif surface in (Surface.CLOTH, Surface.CHECKED):
        texture = _cloth(rng, shape, scale, checked=surface is Surface.CHECKED)
    else:
        texture = _plain(rng, shape, border_rgb if surface is Surface.BORDER_LIKE else None)
    pixels = np.clip(texture, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(pixels, size_px, interpolation=cv2.INTER_LINEAR), np.uint8)


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[float, float], octaves: int
) -> Plane:
    """Value noise summed over octaves, each half as strong and twice as fine, scaled to [0, 1].

    Args:
        rng: Source of chance.
        shape: Rows and columns.
        cells: Bumps of the coarsest octave along the rows' and the columns' direction.
        octaves: How many.
    """
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        rows = min(int(np.ceil(cells[0] * 2**octave)) + 1, shape[0])
        columns = min(int(np.ceil(cells[1] * 2**octave)) + 1, shape[1])
        grid = rng.random((max(rows, 2), max(columns, 2)), np.float32)
        layer = cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC)
        cv2.scaleAdd(layer, 0.5**octave, total, total)
    low, high = float(total.min()), float(total.max())
    total -= low
    total /= max(high - low, 1e-6)
    return total


def mix(
    share: Plane, first: Rgb | NDArray[np.float64], second: Rgb | NDArray[np.float64]
) -> NDArray[np.float32]:
    """Colours between two, (rows, columns, 3), float32: the first where ``share`` is 0."""
    start = np.asarray(first, np.float32)
    return np.asarray(start + share[..., None] * (np.asarray(second, np.float32) - start), np.float32)


def _plain(rng: np.random.Generator, shape: tuple[int, int], border_rgb: Rgb | None) -> NDArray[np.float32]:
    """A painted desk, paper or lacquer: one colour, a little uneven."""
    if border_rgb is not None:
        colour = np.asarray(border_rgb, np.float64) + rng.normal(0, 8, 3)
    else:
        colour = _muted(rng)
    uneven = fractal_noise(rng, shape, (3, 3), 2) - 0.5
    grain = fractal_noise(rng, shape, (shape[0] / 3, shape[1] / 3), 1) - 0.5
    return mix(uneven * 0.08 + grain * 0.08, colour, colour * 0.0 + 128.0) + (uneven * 5)[..., None]


def _wood(rng: np.random.Generator, shape: tuple[int, int], px_per_mm: float) -> NDArray[np.float32]:
    """Planks with annual rings and pores, along the rows or the columns."""
    upright = happens(rng, 0.4)
    rows, columns = shape[::-1] if upright else shape
    tones: tuple[tuple[Rgb, Rgb], ...] = (
        ((92, 58, 34), (158, 108, 66)),
        ((150, 110, 72), (206, 168, 122)),
        ((48, 31, 22), (98, 66, 44)),
        ((196, 170, 136), (226, 206, 176)),
        ((106, 98, 90), (156, 148, 138)),
    )
    dark, light = tones[int(rng.integers(0, len(tones)))]
    height_mm = rows / px_per_mm
    flow = fractal_noise(rng, (rows, columns), (height_mm / 50, 2.0), 3)
    lines = np.linspace(0, height_mm / uniform(rng, (9, 16)), rows, dtype=np.float32)[:, None]
    rings = 0.5 + 0.5 * np.sin(np.float32(2 * np.pi) * (lines + np.float32(uniform(rng, (1.5, 4.0))) * flow))
    pores = fractal_noise(rng, (rows, columns), (height_mm * 1.2, 8.0), 2)
    tone = 0.20 * rings + 0.45 * pores + 0.35 * flow
    plank_px = max(round(uniform(rng, (70, 150)) * px_per_mm), 8)
    for index, top in enumerate(range(0, rows, plank_px)):
        plank = tone[top : top + plank_px]
        plank += np.float32(rng.normal(0, 0.10))
        plank[:] = np.roll(plank, int(rng.integers(0, columns)), axis=1)
        if index:
            plank[: max(1, round(0.8 * px_per_mm))] -= 0.7
    texture = mix(np.clip(tone, -0.6, 1.2), dark, light)
    return np.ascontiguousarray(texture.transpose(1, 0, 2)) if upright else texture


def _marble(rng: np.random.Generator, shape: tuple[int, int], px_per_mm: float) -> NDArray[np.float32]:
    """Stone with fine veins where turbulent noise crosses its middle."""
    cells = (shape[0] / px_per_mm / 160, shape[1] / px_per_mm / 160)
    cloud = fractal_noise(rng, shape, cells, 6)
    veins = np.exp(np.abs(cloud - 0.5) * np.float32(-uniform(rng, (25, 60))))
    fine = fractal_noise(rng, shape, (cells[0] * 2, cells[1] * 2), 5)
    fine = np.exp(np.abs(fine - 0.45) * np.float32(-90))
    pale = happens(rng, 0.6)
    base: Rgb = (226, 224, 220) if pale else (34, 36, 38)
    vein: Rgb = (128, 126, 128) if pale else (190, 186, 176)
    patchy = fractal_noise(rng, shape, cells, 3) * 0.22
    return mix(np.clip(0.75 * veins + 0.35 * fine + patchy - 0.08, 0, 1), base, vein)


def _cloth(
    rng: np.random.Generator, shape: tuple[int, int], px_per_mm: float, *, checked: bool
) -> NDArray[np.float32]:
    """Woven threads with soft folds; checked like a table-cloth if asked for."""
    rows, columns = shape
    colour = _muted(rng)
    texture = np.broadcast_to(colour.astype(np.float32), (rows, columns, 3)).copy()
    if checked:
        period = uniform(rng, (12, 40)) * px_per_mm
        across = (np.arange(columns) % period < period / 2).astype(np.float32)
        down = (np.arange(rows) % period < period / 2).astype(np.float32)
        squares = ((across[None, :] + down[:, None]) / 2).astype(np.float32)
        texture = mix(squares, (238, 234, 226), colour)
    thread = max(uniform(rng, (0.7, 1.4)) * px_per_mm, 2.2)
    warp = np.sin(np.arange(columns, dtype=np.float32) * np.float32(2 * np.pi / thread))
    weft = np.sin(np.arange(rows, dtype=np.float32) * np.float32(2 * np.pi / thread))
    weave = warp[None, :] * weft[:, None] * uniform(rng, (4, 12))
    folds = (fractal_noise(rng, shape, (2, 3), 2) - 0.5) * uniform(rng, (8, 30))
    fuzz = (fractal_noise(rng, shape, (rows / 2.5, columns / 2.5), 1) - 0.5) * 16
    return np.asarray(texture + (weave + folds + fuzz)[..., None], np.float32)


def _playmat(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """A printed mat: a sky with a moon over ranges of hills, in one of a few moods."""
    rows, columns = shape
    hue = rng.uniform(0, 180)
    sky = [_hsv(hue + turn, 150, value) for turn, value in ((0, 60), (25, 200))]
    down = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    clouds = fractal_noise(rng, shape, (6, 3), 5)
    picture = mix(np.clip(down * 0.9 + (clouds - 0.5) * 0.5, 0, 1), sky[0], sky[1])
    centre = rng.uniform((0.2, 0.1), (0.8, 0.45)) * [columns, rows]
    away = np.hypot(np.arange(columns)[None, :] - centre[0], np.arange(rows)[:, None] - centre[1])
    radius = uniform(rng, (0.05, 0.13)) * rows
    moon = np.clip((radius - away) / 3, 0, 1) + 0.6 * np.exp(-away / (1.8 * radius))
    picture = picture + np.clip(moon, 0, 1).astype(np.float32)[..., None] * np.array(
        [120, 115, 95], np.float32
    )
    for layer in range(4):
        ridge = fractal_noise(rng, (1, columns), (1, 3 + 3 * layer), 5)[0]
        skyline = rows * (0.38 + 0.15 * layer + 0.28 * (0.5 - ridge))
        hill = np.clip(np.arange(rows, dtype=np.float32)[:, None] - skyline.astype(np.float32), 0, 1)
        colour = _hsv(hue + 18 * layer, 110 + 25 * layer, 150 - 34 * layer)
        shaded = mix(clouds, colour * 0.75, colour * 1.2)
        picture += hill[..., None] * (shaded - picture)
    return np.asarray(picture, np.float32)


def _striped(rng: np.random.Generator, shape: tuple[int, int], px_per_mm: float) -> NDArray[np.float32]:
    """Stripes in any direction, broad or narrow, with hard or soft edges, of two colours."""
    turn, period = uniform(rng, (0, 2 * np.pi)), uniform(rng, (3, 45)) * px_per_mm
    rows, columns = np.indices(shape, dtype=np.float32)
    wave = np.sin((columns * np.cos(turn) + rows * np.sin(turn)) * (2 * np.pi / period))
    share = np.clip(0.5 + wave * uniform(rng, (0.5, 6.0)), 0, 1).astype(np.float32)
    return mix(share, _muted(rng), _muted(rng))


def _speckled(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Carpet, felt, terrazzo, or a screen: specks of some colours on a ground, coarse or fine."""
    cells = uniform(rng, (30, 250))
    specks = fractal_noise(rng, shape, (cells, cells * shape[1] / shape[0]), 2)
    texture = mix(np.clip((specks - uniform(rng, (0.4, 0.65))) * 8, 0, 1), _muted(rng), _muted(rng))
    return texture + (fractal_noise(rng, shape, (3, 3), 2)[..., None] - 0.5) * uniform(rng, (0, 60))


def _painted(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """A mat with a picture as cards have it, or cloth on which small ones are repeated."""
    theme = str(rng.choice(["creature", "figure", "machine", "thing", "place", "pattern"]))
    seeds = [int(seed) for seed in rng.integers(0, 2**31, 3)]
    if happens(rng, 0.7):
        artwork = Artwork(seeds[0], seeds[1], seeds[2], theme, float(rng.random()), shape[1] / shape[0])
        return draw_artwork(artwork, shape[0], shape[1]).astype(np.float32)
    artwork = Artwork(seeds[0], seeds[1], seeds[2], theme, float(rng.random()), 1.0)
    side = round(uniform(rng, (0.06, 0.3)) * max(shape))
    tile = np.full((round(side * 1.3), round(side * 1.3), 3), _muted(rng), np.uint8)
    tile[:side, :side] = draw_artwork(artwork, side, side)
    rows, columns = (-(-length // tile.shape[0]) for length in shape)
    return np.tile(tile, (rows, columns, 1))[: shape[0], : shape[1]].astype(np.float32)


def _muted(rng: np.random.Generator) -> NDArray[np.float64]:
    """A colour that furniture and fabrics have: from black over greys and dull tones to white."""
    saturation = uniform(rng, (0, 30)) if happens(rng, 0.4) else uniform(rng, (30, 150))
    return _hsv(uniform(rng, (0, 180)), saturation, uniform(rng, (25, 235)))


def _hsv(hue: float, saturation: float, value: float) -> NDArray[np.float64]:
    """RGB 0-255 of OpenCV's hue (0-180), saturation and value (0-255)."""
    pixel = np.array([[[hue % 180, saturation, value]]], np.uint8)
    return np.asarray(cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0], np.float64)
