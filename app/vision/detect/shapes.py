"""Shape of quads, many at once: could this be a card seen in perspective, and which quad lies in which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.domain.types import CARD_ASPECT
from app.vision.detect.candidates import Quads

_GRID = 5


def areas(quads: Quads) -> NDArray[np.float64]:
    """Signed areas (count,) of quads (count, 4, 2); positive where the corners run clockwise."""
    x, y = quads[..., 0], quads[..., 1]
    following = np.roll(quads, -1, axis=1)
    return np.asarray(0.5 * (x * following[..., 1] - y * following[..., 0]).sum(axis=1), dtype=np.float64)


def sides(quads: Quads) -> NDArray[np.float64]:
    """Lengths (count, 4) of the sides 0-1, 1-2, 2-3, 3-0."""
    return np.asarray(np.linalg.norm(np.roll(quads, -1, axis=1) - quads, axis=2), dtype=np.float64)


def short_side_first(quads: Quads) -> Quads:
    """The quads turned so that side 0-1 belongs to the shorter pair of opposite sides."""
    lengths = sides(quads)
    turn = lengths[:, 0] + lengths[:, 2] > lengths[:, 1] + lengths[:, 3]
    return np.asarray(np.where(turn[:, None, None], np.roll(quads, -1, axis=1), quads), dtype=np.float64)


def aspects(quads: Quads) -> NDArray[np.float64]:
    """Mean short side over mean long side, (count,), in (0, 1]."""
    lengths = sides(quads)
    first, second = lengths[:, 0] + lengths[:, 2], lengths[:, 1] + lengths[:, 3]
    return np.asarray(
        np.minimum(first, second) / np.maximum(np.maximum(first, second), 1e-9), dtype=np.float64
    )


def shape_prior(quads: Quads) -> NDArray[np.float64]:
    """How well each quad could be a card in perspective, (count,), in [0, 1]; 0 where it cannot.

    A tilt of 30 degrees foreshortens by 0.87, one of 45 by 0.71, so the aspect (0.716 seen straight on) may
    lie anywhere from 0.5 to 1; opposite sides differ by how near the camera is. Both are free within what
    common pictures show and cost something beyond.
    """
    ahead = np.roll(quads, -1, axis=1) - quads
    behind = np.roll(ahead, 1, axis=1)
    lengths = np.maximum(np.linalg.norm(ahead, axis=2), 1e-9)
    sine = (behind[..., 0] * ahead[..., 1] - behind[..., 1] * ahead[..., 0]) / (
        lengths * np.roll(lengths, 1, axis=1)
    )
    opposite = np.minimum(
        np.minimum(lengths[:, 0], lengths[:, 2]) / np.maximum(lengths[:, 0], lengths[:, 2]),
        np.minimum(lengths[:, 1], lengths[:, 3]) / np.maximum(lengths[:, 1], lengths[:, 3]),
    )
    aspect_error = np.abs(np.log(aspects(quads) / CARD_ASPECT))
    prior = _fade(aspect_error, 0.1, 0.45) * _fade(1.0 - opposite, 0.15, 0.5)
    prior *= _fade(1.0 - sine.min(axis=1), 0.08, 0.4)
    return np.asarray(np.where(sine.min(axis=1) > 0.0, prior, 0.0), dtype=np.float64)


def coverage(quads: Quads) -> NDArray[np.float64]:
    """Share of quad i that lies in quad j, (count, count), from 25 points of each."""
    quads = quads.astype(np.float32)  # a pool of hundreds makes millions of tests
    points = inner_points(quads, _GRID).astype(np.float32)
    inside = np.ones((len(quads), len(quads), _GRID * _GRID), dtype=bool)
    following = np.roll(quads, -1, axis=1)
    for side in range(4):
        start, span = quads[:, side], following[:, side] - quads[:, side]
        offset = points[:, None] - start[None, :, None]
        inside &= span[None, :, None, 0] * offset[..., 1] - span[None, :, None, 1] * offset[..., 0] >= 0.0
    return np.asarray(inside.mean(axis=2), dtype=np.float64)


def inner_points(quads: Quads, count: int, margin: float = 0.0) -> NDArray[np.float64]:
    """A regular grid of points inside each quad, row by row, (quads, count * count, 2).

    Args:
        quads: (quads, 4, 2).
        count: Points across and down.
        margin: Share of each side that is left out at its ends.
    """
    steps = margin + (1.0 - 2.0 * margin) * (np.arange(count) + 0.5) / count
    across, down = (axis.ravel()[:, None] for axis in np.meshgrid(steps, steps))
    corner = quads[:, :, None, :]
    upper = corner[:, 0] * (1 - across) + corner[:, 1] * across
    lower = corner[:, 3] * (1 - across) + corner[:, 2] * across
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float64)


def turns(quads: Quads) -> NDArray[np.float64]:
    """Angle of the sides in radians, (count,), a quarter apart: in (-pi/4, pi/4], each side by its length."""
    span = np.roll(quads, -1, axis=1) - quads
    waves = np.linalg.norm(span, axis=2) * np.exp(4j * np.arctan2(span[..., 1], span[..., 0]))
    return np.asarray(np.angle(waves.sum(axis=1)) / 4.0, dtype=np.float64)


def long_axes(quads: Quads) -> NDArray[np.float64]:
    """Direction of the long sides in radians, (count,), of quads whose short side comes first."""
    down = quads[:, 3] - quads[:, 0] + quads[:, 2] - quads[:, 1]
    return np.asarray(np.arctan2(down[:, 1], down[:, 0]), dtype=np.float64)


def angle_between(
    first: NDArray[np.float64], second: NDArray[np.float64], period: float = np.pi / 2
) -> NDArray[np.float64]:
    """Smallest difference of angles in radians that repeat every ``period``."""
    return np.asarray(np.abs((first - second + period / 2) % period - period / 2), dtype=np.float64)


def _fade(value: NDArray[np.float64], free: float, most: float) -> NDArray[np.float64]:
    """1 up to ``free``, falling in a straight line to 0 at ``most``."""
    return np.asarray(np.clip((most - value) / (most - free), 0.0, 1.0), dtype=np.float64)
