"""Tells the backs of cards from their fronts.

Most backs are printed so that nobody sees which way up a card lies: turned by half, they look the same. So
do a few fronts (of 3,808 real ones six; docs/experiments.md), for which reason a gallery that knows the card
has the last word. A back half of which is seen is not symmetric; it looks like another back of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.geometry import side_lengths
from app.domain.types import Quad, RgbImage

Floats = NDArray[np.float32]

_WIDTH_PX = 64
_HEIGHT_PX = 90
#: A quad that a finder squashed is read at the proportions at which it lies in the picture.
_MOST_ROWS = 110
#: Least correlation of a crop with itself turned by half, and of another crop with such a one.
_SYMMETRY = 0.65
_LIKENESS = 0.75
#: Detail between these blurs is compared: less is noise, more is the light on the card.
_FINE_PX, _COARSE_PX = 1.2, 8.0
#: How far two crops of one print may be off each other, and what of their rims is left out for it.
_SHIFT_PX = 3
_RIM_PX = 6
_LEAST_ROWS = 40
#: Deviation, in 8-bit CIELAB, below which a crop shows nothing to compare.
_LEAST_DETAIL = 0.5


def find_backs(crops: Sequence[RgbImage], quads_px: Sequence[Quad], height_px: int) -> NDArray[np.bool_]:
    """Marks crops that look like backs of cards.

    Args:
        crops: Rectified cards, RGB uint8 (height, width, 3).
        quads_px: Where they lie in the picture, (4, 2) each.
        height_px: Of the picture; what of a crop lies below or above it was never seen.

    Returns:
        (count,) of bool.
    """
    details = [_detail(crop, _HEIGHT_PX) for crop in crops]
    backs = np.array([_likeness(one, one[::-1, ::-1]) >= _SYMMETRY for one in details], dtype=bool)
    known = [details[index] for index in np.flatnonzero(backs)]
    if not known:
        return backs
    for index, (crop, quad_px) in enumerate(zip(crops, quads_px, strict=True)):
        if not backs[index]:
            seen = _seen_detail(crop, quad_px, height_px)
            backs[index] = max(_part_likeness(seen, back) for back in known) >= _LIKENESS
    return backs


def _detail(crop: RgbImage, rows: int) -> Floats:
    """Band-passed CIELAB of a crop, (rows, 64, 3)."""
    small = cv2.resize(crop, (_WIDTH_PX, rows), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    fine = cv2.GaussianBlur(lab, (0, 0), _FINE_PX)
    return np.asarray(fine - cv2.GaussianBlur(lab, (0, 0), _COARSE_PX), dtype=np.float32)


def _seen_detail(crop: RgbImage, quad_px: Quad, height_px: int) -> Floats:
    """Detail of the rows that lie in the picture, as many as the quad is high there for its width."""
    top, right, bottom, left = side_lengths(quad_px)
    rows = round(_WIDTH_PX * float(left + right) / max(float(top + bottom), 1.0))
    rows = int(np.clip(rows, _LEAST_ROWS, _MOST_ROWS))
    down = np.linspace(0.0, 1.0, rows)[:, None]
    sides = [quad_px[start, 1] * (1 - down) + quad_px[end, 1] * down for start, end in ((0, 3), (1, 2))]
    inside = ((np.hstack(sides) >= 0.0) & (np.hstack(sides) <= height_px)).all(axis=1)
    return _detail(crop, rows)[inside]


def _part_likeness(part: Floats, back: Floats) -> float:
    """How much a part looks like the upper or the lower end of a back."""
    rows = min(len(part), len(back))
    if rows < _LEAST_ROWS:
        return 0.0
    return max(_likeness(part[:rows], back[:rows]), _likeness(part[-rows:], back[-rows:]))


def _likeness(one: Floats, other: Floats) -> float:
    """Correlation of two details of one shape where they fit best, in [-1, 1]."""
    inner = one[_RIM_PX:-_RIM_PX, _RIM_PX:-_RIM_PX]
    if min(float(inner.std()), float(other.std())) < _LEAST_DETAIL:
        return 0.0  # OpenCV calls what is even perfectly alike
    margin = _RIM_PX - _SHIFT_PX
    # TM_CCORR_NORMED slides the inner part over the other's inner part and the shift around it.
    return float(cv2.matchTemplate(other[margin:-margin, margin:-margin], inner, cv2.TM_CCORR_NORMED).max())
