"""Fits the four sides of quads to the picture and measures how much edge lies under each."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.vision.detect.candidates import Quads

Floats = NDArray[np.float32]

#: Sides are sampled between these shares of their length: beyond lie the card's rounded corners.
_SAMPLED = (0.1, 0.9)
#: A step of colour (CIELAB, 8-bit) this high counts as an edge. Haze and dim light leave little more of a
#: pale border on a pale page.
_FULL_EDGE = 17.0
#: Higher steps are worth a little more, up to this many times as high: of lines near each other, the middle
#: of the edge wins over its slope, and the edge of a card over that of its shadow.
_TOP_EDGE = 3.0
_TOP_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Grain:
    """How finely sides are looked at: samples along them, and offsets (an odd number) across."""

    samples: int
    offsets: int


#: A first look at every candidate, and a closer one at those that are left.
COARSE = Grain(samples=12, offsets=9)
FINE = Grain(samples=20, offsets=17)


@dataclass(frozen=True, slots=True)
class FittedQuads:
    """Quads moved onto the edges near them.

    Attributes:
        quads: Corners (count, 4, 2), working pixels.
        support: Share of edge under each side, (count, 4), in [0, 1].
        contrast: How far each side stands out from the lines parallel to it, (count, 4), in [0, 1].
    """

    quads: Quads
    support: Floats
    contrast: Floats

    def take(self, index: NDArray[np.generic]) -> FittedQuads:
        """The quads of an index or mask."""
        return FittedQuads(self.quads[index], self.support[index], self.contrast[index])


def fit_sides(
    color: Floats, quads: Quads, reach_share: float, grain: Grain, far_cost: float = 0.0
) -> FittedQuads:
    """Moves each side to the best supported straight line near it.

    For each side every line is tried whose ends lie within reach of the side's ends; the line with most edge
    under it wins. A few samples covered by glare or a finger cannot pull it away, as they would a least
    squares fit.

    Args:
        color: Picture (height, width, 3) in CIELAB.
        quads: (count, 4, 2) in pixels of that picture.
        reach_share: How far a side may move, as a share of the quad's mean side.
        grain: How finely to look.
        far_cost: How much more edge, as a share of a full one, a line at the end of the reach needs than one
            where the side is. For quads that are nearly right: beyond a card's edge lies its sleeve's.
    """
    if len(quads) == 0:
        none = np.zeros((0, 4), np.float32)
        return FittedQuads(quads, none, none)
    starts, ends, normals = _side_frames(quads)
    mean_side = np.linalg.norm(ends - starts, axis=2).mean(axis=1)
    reach = np.maximum(2.0, reach_share * mean_side)
    edge = _worth(edge_profiles(color, starts, ends, normals, reach, grain))
    first, second, support, contrast = _best_lines(edge, far_cost)
    middle = (grain.offsets - 1) / 2
    step = (reach / middle)[:, None, None]
    span = ends - starts
    line_start = starts + _SAMPLED[0] * span + normals * (first[..., None] - middle) * step
    line_end = starts + _SAMPLED[1] * span + normals * (second[..., None] - middle) * step
    return FittedQuads(intersect_sides(line_start, line_end), support, contrast)


def edge_profiles(
    color: Floats,
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    normals: NDArray[np.float64],
    reach: NDArray[np.float64],
    grain: Grain,
) -> Floats:
    """Height of the colour step across each side, at each sample and each offset along the normal.

    Returns:
        (count, 4, samples, offsets); the offsets run from inside to outside.
    """
    along = np.linspace(_SAMPLED[0], _SAMPLED[1], grain.samples)
    across = np.linspace(-1.0, 1.0, grain.offsets)
    base = starts[:, :, None] + (ends - starts)[:, :, None] * along[:, None]
    shift = normals[:, :, None] * (across[:, None] * reach[:, None, None])[:, None]
    half = normals * np.maximum(1.0, reach / (grain.offsets - 1))[:, None, None]
    points = base[:, :, :, None] + shift[:, :, None]
    outside = _sample(color, points + half[:, :, None, None])
    inside = _sample(color, points - half[:, :, None, None])
    return np.asarray(np.linalg.norm(outside - inside, axis=-1), dtype=np.float32)


def _worth(step: Floats) -> Floats:
    """What a step of colour counts as an edge, in [0, 1], of the same shape."""
    edge = np.minimum(step / _FULL_EDGE, 1.0)
    edge += _TOP_SHARE * (np.minimum(step / (_FULL_EDGE * _TOP_EDGE), 1.0) - edge)
    return np.asarray(edge, dtype=np.float32)


def intersect_sides(line_start: NDArray[np.float64], line_end: NDArray[np.float64]) -> Quads:
    """Corners (count, 4, 2) where each side's line meets the one before it; both given as (count, 4, 2)."""
    direction = line_end - line_start
    before = np.roll(direction, 1, axis=1)
    gap = np.roll(line_start, 1, axis=1) - line_start
    determinant = direction[..., 0] * before[..., 1] - direction[..., 1] * before[..., 0]
    safe = np.where(np.abs(determinant) < 1e-6, 1e-6, determinant)
    share = (gap[..., 0] * before[..., 1] - gap[..., 1] * before[..., 0]) / safe
    return np.asarray(line_start + direction * share[..., None], dtype=np.float64)


def _side_frames(quads: Quads) -> tuple[Quads, Quads, Quads]:
    """Start, end and outward unit normal of each side, (count, 4, 2) each."""
    ends = np.roll(quads, -1, axis=1)
    span = ends - quads
    unit = span / np.maximum(np.linalg.norm(span, axis=2, keepdims=True), 1e-6)
    return quads, ends, np.stack([unit[..., 1], -unit[..., 0]], axis=-1)


def _sample(color: Floats, points: NDArray[np.float64]) -> Floats:
    """Colours at points (..., 2), bilinear."""
    flat = (points - 0.5).astype(np.float32).reshape(points.shape[0] * points.shape[1], -1, 2)
    sampled = cv2.remap(color, flat[..., 0], flat[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, dtype=np.float32).reshape(*points.shape[:-1], 3)


def _best_lines(edge: Floats, far_cost: float) -> tuple[Floats, Floats, Floats, Floats]:
    """The best supported line of each side.

    Args:
        edge: (count, 4, samples, offsets) in [0, 1].
        far_cost: As for ``fit_sides``; it grows with the square of the distance.

    Returns:
        Offset index at the first and at the last sample, support and contrast, (count, 4) each.
    """
    samples, offsets = edge.shape[2:]
    share = np.linspace(0.0, 1.0, samples)
    pairs = [(i, j) for i in range(offsets) for j in range(offsets) if abs(i - j) <= offsets // 3]
    by_sample = np.ascontiguousarray(np.moveaxis(edge, (2, 3), (0, 1)))  # (samples, offsets, count, 4)
    shape = edge.shape[:2]
    middle = (offsets - 1) / 2
    worth: Floats = np.full(shape, -np.inf, np.float32)
    best: Floats = np.zeros(shape, np.float32)
    first: Floats = np.zeros(shape, np.float32)
    second: Floats = np.zeros(shape, np.float32)
    total: Floats = np.zeros(shape, np.float32)
    rows = np.arange(samples)
    for i, j in pairs:
        support = by_sample[rows, np.round(i + (j - i) * share).astype(int)].mean(axis=0)
        total += support
        cost = far_cost * ((i - middle) ** 2 + (j - middle) ** 2) / (2 * middle**2)
        better = support - cost > worth
        worth[better], best[better] = support[better] - cost, support[better]
        first[better], second[better] = i, j
    return first, second, best, np.asarray(best - total / len(pairs), dtype=np.float32)
