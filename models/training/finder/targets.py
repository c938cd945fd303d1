"""What the network should answer: for every cell the card that lies on top there."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.vision.detect.votes import STRIDE_PX, UNIT_PX
from models.training.finder.network import CORNERS

#: Sizes (square root of the area) of the cards that must be found; smaller and larger ones are found at other
#: scales. Answers do not count for cards that are too small, nor for those a little too large; those from
#: ``TOO_LARGE_PX`` on must not be found, or parts of them would be taken for cards.
SIZE_PX = (24.0, 190.0)
TOO_LARGE_PX = 260.0
_LEAST_VISIBLE = 0.2  # share of a card that other cards leave free: of a fan, a strip
_LEAST_INSIDE = 0.55  # share of a card that lies in the picture
_EDGE_PX = 2.0  # so near to a card's edge a cell may answer either way


@dataclass(frozen=True, slots=True)
class Targets:
    """Answers for one picture of (rows, columns) cells, float32.

    Attributes:
        card: 1 where a cell shows a card, (rows, columns).
        weight: 0 where that answer does not count, (rows, columns).
        corners: x and y of four corners from the cell's middle, in units of ``UNIT_PX``, (8, rows, columns).
        size: Of the card shown, in the same unit; 0 where corners do not count, (rows, columns).
    """

    card: NDArray[np.float32]
    weight: NDArray[np.float32]
    corners: NDArray[np.float32]
    size: NDArray[np.float32]


def draw_targets(
    quads: NDArray[np.float64], visible: NDArray[np.float64], size_px: tuple[int, int]
) -> Targets:
    """Draws the answers.

    Args:
        quads: Corners of all cards in pixels, (count, 4, 2), a later card on top of an earlier one; may reach
            out of the picture.
        visible: Share of each card that other cards leave free, (count,).
        size_px: Height and width of the picture.
    """
    rows, columns = size_px[0] // STRIDE_PX, size_px[1] // STRIDE_PX
    owner, near_edge = _owners(quads, size_px)
    targets = Targets(
        np.zeros((rows, columns), np.float32),
        np.where(near_edge, 0.0, 1.0).astype(np.float32),
        np.zeros((2 * CORNERS, rows, columns), np.float32),
        np.zeros((rows, columns), np.float32),
    )
    y, x = (np.indices((rows, columns), dtype=np.float64) + 0.5) * STRIDE_PX
    for number, quad in enumerate(quads):
        cells = owner == number + 1
        side_px = float(np.sqrt(max(_area(quad), 1.0)))
        if side_px >= TOO_LARGE_PX:
            continue
        if visible[number] < _LEAST_VISIBLE or not SIZE_PX[0] <= side_px <= SIZE_PX[1]:
            targets.weight[cells] = 0.0
            continue
        targets.card[cells] = 1.0
        if _share_inside(quad, size_px) < _LEAST_INSIDE:
            targets.weight[cells] = 0.0
            continue
        ordered = quad if _clockwise(quad) else quad[::-1]
        for index, (corner_x, corner_y) in enumerate(ordered):
            targets.corners[2 * index][cells] = (corner_x - x[cells]) / UNIT_PX
            targets.corners[2 * index + 1][cells] = (corner_y - y[cells]) / UNIT_PX
        targets.size[cells] = side_px / UNIT_PX
    return targets


def _owners(
    quads: NDArray[np.float64], size_px: tuple[int, int]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Number of the card on top at each cell's middle, 0 for none; and which cells lie on an edge."""
    owner = np.zeros(size_px, np.int32)
    edge = np.zeros(size_px, np.uint8)
    for number, quad in enumerate(quads, 1):
        corners = [np.round(quad).astype(np.int32)]
        cv2.fillPoly(owner, corners, number)
        cv2.fillPoly(edge, corners, 0)
        cv2.polylines(edge, corners, True, 1, round(2 * _EDGE_PX))
    middle = slice(STRIDE_PX // 2, None, STRIDE_PX)
    return owner[middle, middle], edge[middle, middle].astype(bool)


def _share_inside(quad: NDArray[np.float64], size_px: tuple[int, int]) -> float:
    frame = np.array([[0, 0], [size_px[1], 0], [size_px[1], size_px[0]], [0, size_px[0]]], np.float32)
    common, _ = cv2.intersectConvexConvex(quad.astype(np.float32), frame)
    return float(common) / max(_area(quad), 1.0)


def _area(quad: NDArray[np.float64]) -> float:
    return abs(_signed_area(quad))


def _clockwise(quad: NDArray[np.float64]) -> bool:
    """As seen on the screen, where y grows downwards."""
    return _signed_area(quad) > 0


def _signed_area(quad: NDArray[np.float64]) -> float:
    x, y = quad[:, 0], quad[:, 1]
    return 0.5 * float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
