"""Where on a card a line of print tells its printings apart, and how that line looks on a crop.

Lines are found on the clean references, which costs little, and only those where references differ are kept:
a number, a set's code, a name in another language, but not the power or the rules that all printings share.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage
from app.vision.alignment import Homography
from app.vision.printings import COMPARED_SIZE_PX, Planes, difference_map

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of a card's width and height."""

#: Strips are cut so high, as recognisers are fed.
STRIP_HEIGHT_PX = 48
#: A line on a reference of 264 px: from 0.7 mm (what differs of it) to 5.5 mm high, and wider than that.
_LINE_HEIGHT_PX = (2, 17)
_LEAST_ASPECT = 1.3
#: Letters of a line lie no farther apart, its height no less together, where points that differ are joined.
_JOINED_PX = (9, 3)
_GAP_PX = 6  # likewise where a line goes on beyond what differs: 012/120 and 015/120 differ in one digit
_FARTHEST_PX = 40
_LEAST_EDGE = 20.0  # grey levels a pixel across the edge of a letter
_MARGIN_PX = (3.0, 1.5)  # around a line, for alignment to err in
_LEAST_DIFFERING = 0.06  # share of a line's points where two references differ
_SAME_LINE = 0.5  # overlap of two boxes, as a share of the smaller one
_LONGEST = 13.0  # widths to a height: a longer line is one of the rules
_ALL_OVER = 0.2  # of the card inside what differs: another frame, whose lines are found by their letters
#: Grey levels by which strokes stand out from their surroundings: no number below 3.5 was read, nothing on
#: hard photos is above 2.6 (docs/experiments.md).
_STROKES_SIGMA_PX, _LEAST_DETAIL = 3.0, 3.0
#: Numbers and codes stand at the foot, names at the head; the rules say nothing.
_HEAD, _FOOT = 0.14, 0.86

_Pixels = tuple[int, int, int, int]


def differing_lines(references: Sequence[RgbImage], planes: Sequence[Planes], most: int) -> list[Box]:
    """Lines of print where references of one picture differ.

    Args:
        references: As they lie on the first one, RGB uint8 of any size.
        planes: The same from ``compared_reference``.
        most: Boxes at most; those at the card's foot come first, where numbers stand, then its head.

    Returns:
        Boxes, no two of one line.
    """
    differs = np.zeros(COMPARED_SIZE_PX, bool)
    for place, one in enumerate(planes):
        for other in planes[:place]:
            differs |= difference_map(one, other) > 0
    edges = [_edges(reference) for reference in references]
    found = _components(differs, _JOINED_PX)
    lines = [_gone_on(box, np.logical_or.reduce(edges)) for box in found]
    if sum((box[2] - box[0]) * (box[3] - box[1]) for box in found) > _ALL_OVER * differs.size:
        lines.extend(box for one in edges for box in _components(one, (_GAP_PX + 1, 1)))
    likely = [box for box in lines if _is_line(box) and _share(differs, box) >= _LEAST_DIFFERING]
    kept: list[_Pixels] = []
    for box in sorted(likely, key=_rank):
        if all(_overlap(box, other) < _SAME_LINE for other in kept):
            kept.append(box)
    return [_with_margin(box) for box in kept[:most]]


def cut_strip(crop: RgbImage, to_crop: Homography, box: Box) -> RgbImage:
    """A line as it lies on a crop, straightened.

    Args:
        crop: The card, RGB uint8 of any size: the larger, the better can it be read.
        to_crop: From places on the reference to places in the crop, both as shares of width and height.
        box: The line on the reference.

    Returns:
        RGB uint8 (48, width, 3).
    """
    left, top, right, bottom = box
    # A card is 63 x 88 mm whatever the pictures' sizes.
    aspect = (right - left) * 63.0 / ((bottom - top) * 88.0)
    width = max(1, round(STRIP_HEIGHT_PX * aspect))
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    moved = np.column_stack([corners, np.ones(4)]) @ to_crop.T
    seen = moved[:, :2] / moved[:, 2:] * (crop.shape[1], crop.shape[0]) - 0.5
    wanted = np.array([[0, 0], [width, 0], [width, STRIP_HEIGHT_PX], [0, STRIP_HEIGHT_PX]]) - 0.5
    matrix = cv2.getPerspectiveTransform(seen.astype(np.float32), wanted.astype(np.float32))
    strip = cv2.warpPerspective(
        crop, matrix, (width, STRIP_HEIGHT_PX), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(strip, np.uint8)


def may_be_read(strip: RgbImage) -> bool:
    """Whether a strip shows strokes at all: where they are blurred away, reading it is lost time.

    Args:
        strip: From ``cut_strip``.
    """
    gray = cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.GaussianBlur(gray - cv2.GaussianBlur(gray, (0, 0), _STROKES_SIGMA_PX), (0, 0), 1.0)
    return float(fine.std()) >= _LEAST_DETAIL


def _edges(reference: RgbImage) -> NDArray[np.bool_]:
    """Where a letter's left or right edge may be."""
    gray = cv2.cvtColor(reference, cv2.COLOR_RGB2GRAY)
    gray = cv2.resize(gray, COMPARED_SIZE_PX[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(np.abs(cv2.Sobel(gray, cv2.CV_32F, 1, 0, ksize=3)) / 4.0 > _LEAST_EDGE, np.bool_)


def _components(there: NDArray[np.bool_], joined_px: tuple[int, int]) -> list[_Pixels]:
    """Boxes of what lies together; ``joined_px``: how far apart it may lie, across and down."""
    joined = cv2.morphologyEx(there.astype(np.uint8), cv2.MORPH_CLOSE, np.ones(joined_px[::-1], np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    return [(x, y, x + width, y + height) for x, y, width, height, _ in stats[1:].tolist()]


def _gone_on(box: _Pixels, edges: NDArray[np.bool_]) -> _Pixels:
    """A box as long as its line of letters."""
    left, top, right, bottom = box
    inked = np.flatnonzero(edges[top:bottom].any(axis=0))
    for x in inked[inked >= right][:_FARTHEST_PX].tolist():
        if x - right >= _GAP_PX:
            break
        right = x + 1
    for x in inked[inked < left][::-1][:_FARTHEST_PX].tolist():
        if left - x > _GAP_PX:
            break
        left = x
    return left, top, right, bottom


def _is_line(box: _Pixels) -> bool:
    width, height = box[2] - box[0], box[3] - box[1]
    if not _LINE_HEIGHT_PX[0] <= height <= _LINE_HEIGHT_PX[1]:
        return False
    return _LEAST_ASPECT * height <= width <= _LONGEST * (height + 2 * _MARGIN_PX[1])


def _share(there: NDArray[np.bool_], box: _Pixels) -> float:
    left, top, right, bottom = box
    return float(there[top:bottom, left:right].mean())


def _rank(box: _Pixels) -> tuple[int, int, int]:
    middle = (box[1] + box[3]) / 2 / COMPARED_SIZE_PX[0]
    zone = 0 if middle >= _FOOT else 1 if middle <= _HEAD else 2
    return zone, -box[3], box[0] - box[2]


def _with_margin(box: _Pixels) -> Box:
    across, down = _MARGIN_PX
    height, width = COMPARED_SIZE_PX
    left, top, right, bottom = box
    return (
        max(0.0, (left - across) / width),
        max(0.0, (top - down) / height),
        min(1.0, (right + across) / width),
        min(1.0, (bottom + down) / height),
    )


def _overlap(one: Sequence[int], other: Sequence[int]) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * high / min(areas)
