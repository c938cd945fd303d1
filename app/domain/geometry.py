"""Geometry of quads: four corners in pixels, clockwise, x to the right, y down.

A picture is a plane, not a raster: pixel (0, 0) covers the square from (0, 0) to (1, 1), so that the quad of
a whole picture is (0, 0), (width, 0), (width, height), (0, height).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.domain.types import Quad

Points = NDArray[np.float64]
"""Points in pixels, shape (count, 2)."""


def polygon_area(points: Points) -> float:
    """Signed area in square pixels by the shoelace formula; positive where the corners run clockwise."""
    x, y = points[:, 0], points[:, 1]
    return float(0.5 * (np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def side_lengths(quad: Quad) -> NDArray[np.float64]:
    """Lengths (4,) of the sides 0-1, 1-2, 2-3, 3-0, in pixels."""
    return np.asarray(np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1), dtype=np.float64)


def is_convex(quad: Quad) -> bool:
    """Whether the corners run clockwise round a convex shape with some area."""
    ahead = np.roll(quad, -1, axis=0) - quad
    behind = np.roll(ahead, 1, axis=0)
    turns = behind[:, 0] * ahead[:, 1] - behind[:, 1] * ahead[:, 0]
    return bool(np.all(turns > 1e-9))


def order_clockwise(corners: Points) -> Quad:
    """The same four corners (4, 2), clockwise round their centre."""
    offsets = corners - corners.mean(axis=0)
    return corners[np.argsort(np.arctan2(offsets[:, 1], offsets[:, 0]), kind="stable")]


def start_upright(corners: Points) -> Quad:
    """Orders the corners of a card as ``DetectedQuad`` documents it.

    The geometry knows a card's turn only up to 180 degrees. Its short side 0-1 is taken to be the top, seen
    pointing right, or up where the card lies on its side.

    Args:
        corners: Four corners (4, 2) of a convex quad in any order.

    Returns:
        The corners clockwise, starting with the one that would be the top left were the card upright (or,
        on its side, turned a quarter clockwise).
    """
    quad = order_clockwise(corners)
    lengths = side_lengths(quad)
    first = 0 if lengths[0] + lengths[2] <= lengths[1] + lengths[3] else 1
    top = quad[(first + 1) % 4] - quad[first]
    bottom = quad[(first + 2) % 4] - quad[(first + 3) % 4]
    direction = top / max(np.linalg.norm(top), 1e-9) + bottom / max(np.linalg.norm(bottom), 1e-9)
    angle_deg = np.degrees(np.arctan2(direction[1], direction[0]))
    if not -135.0 <= angle_deg < 45.0:
        first += 2
    return np.roll(quad, -first, axis=0)


def convex_intersection_area(first: Quad, second: Quad) -> float:
    """Area in square pixels that two convex clockwise quads share (Sutherland and Hodgman's clipping)."""
    clipped = np.asarray(first, dtype=np.float64)
    for start, end in zip(second, np.roll(second, -1, axis=0), strict=True):
        if len(clipped) == 0:
            return 0.0
        clipped = _clip(clipped, start, end)
    return abs(polygon_area(clipped)) if len(clipped) >= 3 else 0.0


def quad_iou(first: Quad, second: Quad) -> float:
    """Intersection over union, in [0, 1], of two convex clockwise quads."""
    shared = convex_intersection_area(first, second)
    union = abs(polygon_area(first)) + abs(polygon_area(second)) - shared
    return shared / union if union > 0.0 else 0.0


def _clip(polygon: Points, start: Points, end: Points) -> Points:
    """The part of a polygon to the right of the line from start to end (inside, as corners run clockwise)."""
    edge = end - start
    side = edge[0] * (polygon[:, 1] - start[1]) - edge[1] * (polygon[:, 0] - start[0])
    kept: list[NDArray[np.float64]] = []
    for index, here in enumerate(side):
        after = (index + 1) % len(polygon)
        there = side[after]
        if here >= 0.0:
            kept.append(polygon[index])
        if (here > 0.0 > there) or (here < 0.0 < there):
            kept.append(polygon[index] + (polygon[after] - polygon[index]) * (here / (here - there)))
    return np.array(kept, dtype=np.float64).reshape(-1, 2)
