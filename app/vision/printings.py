"""Tells printings of one picture apart: looks where their references differ, and nowhere else.

Whole-card measures do not find the printing, for what the printings share outweighs a set symbol. Here two
references say themselves where they differ (symbol, number, border, language, foil), and an aligned crop is
compared with both just there. Everything is first evened out around each point, which takes out light, haze
and the camera's colours.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage

Planes = NDArray[np.float32]
"""Colour planes, float32, (height, width, 3)."""

#: Height and width at which printings are compared: more shows nothing more on photos (docs/experiments.md).
COMPARED_SIZE_PX = (264, 189)
_AROUND_PX = 15
_FLOOR = 6.0  # grey levels: an even area must not be blown up into noise
_CROP_SIGMA_PX = 0.5
_REFERENCE_SIGMA_PX = 0.8  # a photo is softer than a reference
_LEAST_SQUARE = 0.1  # of the difference of two references at a point, evened out, to count as one
_GREATEST_ERROR = 4.0  # what is covered or blown out says only so much against a printing
#: Neighbouring points say much the same, so evidence grows with a small power of how many differ, counted in
#: thousands; and foil, which differs weakly and everywhere, turns with the light: a greater power of how
#: strongly they differ (docs/experiments.md, experiment 39).
_GROWTH, _MANY_POINTS, _STRENGTH = 0.2, 1000.0, 1.2
_LEAST_ERROR = 0.02  # of the nearer printing: no photo is like its reference


def compared_reference(image: RgbImage) -> Planes:
    """A reference picture, evened out to be compared with others and with crops."""
    return _evened(_resized(image), _REFERENCE_SIGMA_PX)


def compared_crop(aligned: RgbImage) -> Planes:
    """A crop as it lies on the references, evened out to be compared with them."""
    return _evened(_resized(aligned), _CROP_SIGMA_PX)


def compare_printings(aligned: RgbImage, references: Sequence[Planes]) -> NDArray[np.float64] | None:
    """Compares a crop with each printing where it differs from the nearest one.

    Args:
        aligned: The crop as it lies on the references, RGB uint8 of any size.
        references: From ``compared_reference``, at least two.

    Returns:
        How far each printing is from the crop beyond the nearest one, which has 0, (printings,); None where
        no two of them differ.
    """
    crop = compared_crop(aligned)
    best, tried = 0, set[int]()
    while True:
        leads = np.array([_lead(crop, references[best], other) for other in references])
        tried.add(best)
        nearer = int(leads.argmin())
        if leads[nearer] >= 0.0 or nearer in tried:
            break
        best = nearer
    return np.maximum(leads, 0.0) if leads.any() else None


def difference_map(one: Planes, other: Planes) -> NDArray[np.float32]:
    """How much two references differ at each point, 0 where it is too little to tell, (height, width)."""
    square = np.square(one - other).mean(axis=2)
    return np.where(square > _LEAST_SQUARE, square, 0.0).astype(np.float32)


def favour_map(crop: Planes, one: Planes, other: Planes) -> NDArray[np.float32]:
    """Which of two references a crop shows at each point where they differ, 0 elsewhere, (height, width).

    1 is the first or beyond it, -1 the other, 0 the middle between both.
    """
    weights = difference_map(one, other)
    differs = weights > 0.0
    sides = np.zeros_like(weights)
    halves = _sides(crop[differs], one[differs], other[differs], weights[differs])
    sides[differs] = np.clip(2.0 * halves, -1.0, 1.0)
    return sides


def _sides(
    shown: NDArray[np.float32],
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    weight: NDArray[np.float32],
) -> NDArray[np.float32]:
    """How far points (count, 3) lie from the middle between two references, -1 to 1, (count,).

    The references themselves lie at 0.5 and -0.5.
    """
    sides = ((shown - (first + second) / 2) * (first - second)).mean(axis=1) / weight
    return np.asarray(np.clip(sides, -1.0, 1.0), np.float32)


def _lead(crop: Planes, one: Planes, other: Planes) -> float:
    """How much more a crop looks like one reference than like another; 0 where these do not differ.

    Where they do, each point says how far the crop lies from the middle between both, from -1 to 1: what is
    covered or blown out says no more than that. The mean of the points counts the more the stronger and the
    larger the difference is, and the less the less the crop looks like either.
    """
    weights = difference_map(one, other)
    differs = weights > 0.0
    weight = weights[differs]
    whole = float(weight.sum(dtype=np.float64))
    if whole == 0.0:
        return 0.0
    shown, first, second = crop[differs], one[differs], other[differs]
    side = float((_sides(shown, first, second, weight) * weight).sum()) / whole
    errors = [
        float((np.minimum(np.square(shown - near).mean(axis=1), _GREATEST_ERROR) * weight).sum()) / whole
        for near in (first, second)
    ]
    strength, points = whole / len(weight), len(weight)
    size = float(strength**_STRENGTH * (points / _MANY_POINTS) ** _GROWTH)
    return side * size / (min(errors) + _LEAST_ERROR)


def _resized(image: RgbImage) -> RgbImage:
    if image.shape[:2] == COMPARED_SIZE_PX:
        return image
    return np.asarray(cv2.resize(image, COMPARED_SIZE_PX[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _evened(image: RgbImage, sigma_px: float) -> Planes:
    """Zero mean and unit deviation around every point."""
    planes = cv2.GaussianBlur(image, (0, 0), sigma_px).astype(np.float32)
    mean = _around(planes)
    deviation = np.sqrt(np.maximum(_around(planes * planes) - mean * mean, 0.0) + np.float32(_FLOOR**2))
    return np.asarray((planes - mean) / deviation, np.float32)


def _around(planes: Planes) -> Planes:
    """Means around every point: two boxes one after the other, in a third of the time of a Gaussian."""
    box = (_AROUND_PX, _AROUND_PX)
    return np.asarray(cv2.blur(cv2.blur(planes, box), box), np.float32)
