"""The places where two printings of one picture differ, as boxes that a person can look at."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.vision.printings import Planes, difference_map, favour_map

#: More boxes than these tell a reader nothing more.
MOST_REGIONS = 5
_NEAR_SIGMA_PX = 2.5  # the letters of one line of text are one place
_LEAST_DENSITY = 0.06  # of the difference around a point: single points are grain of a scan
_LEAST_OF_PEAK = 0.08
_LEAST_SHARE = 0.02
_MARGIN_PX = 2


@dataclass(frozen=True, slots=True)
class DifferenceBox:
    """A place where two printings differ.

    Attributes:
        box: Left, top, right and bottom as shares of width and height.
        share: How much of the whole difference lies in it, in (0, 1].
        favours: 1 where a crop shows the first printing there, -1 the other; None without a crop.
    """

    box: tuple[float, float, float, float]
    share: float
    favours: float | None


def difference_boxes(one: Planes, other: Planes, crop: Planes | None) -> list[DifferenceBox]:
    """Boxes around the places where two printings differ most, the largest difference first.

    Args:
        one: A reference from ``compared_reference``.
        other: Another one, as it lies on the first.
        crop: From ``compared_crop``, as it lies on the references; None where it could not be laid there.

    Returns:
        At most ``MOST_REGIONS``; none where the two look the same.
    """
    weights = difference_map(one, other)
    whole = float(weights.sum(dtype=np.float64))
    if whole == 0.0:
        return []
    sides = None if crop is None else favour_map(crop, one, other)
    near = cv2.GaussianBlur(weights, (0, 0), _NEAR_SIGMA_PX)
    dense = (near >= max(_LEAST_DENSITY, _LEAST_OF_PEAK * float(near.max()))).astype(np.uint8)
    count, labels = cv2.connectedComponents(dense)
    boxes = []
    for label in range(1, count):
        inside = (labels == label) & (weights > 0.0)
        weight = float(weights[inside].sum(dtype=np.float64))
        if weight < _LEAST_SHARE * whole:
            continue
        favours = None if sides is None else float((sides[inside] * weights[inside]).sum()) / weight
        boxes.append(DifferenceBox(_box(inside), weight / whole, favours))
    return sorted(boxes, key=lambda found: -found.share)[:MOST_REGIONS]


def _box(inside: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    height, width = inside.shape
    return (
        max(0, int(columns[0]) - _MARGIN_PX) / width,
        max(0, int(rows[0]) - _MARGIN_PX) / height,
        min(width, int(columns[-1]) + 1 + _MARGIN_PX) / width,
        min(height, int(rows[-1]) + 1 + _MARGIN_PX) / height,
    )
