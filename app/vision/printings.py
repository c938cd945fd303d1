"""Tells printings of one picture apart: looks where their references differ, and nowhere else.

Whole-card measures do not find the printing, for what the printings share outweighs a set symbol. Here the
references say themselves where they differ (symbol, number, border, language, foil), and an aligned crop is
compared with each of them just there. Everything is first evened out around each point, which takes out
light, haze and the camera's colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage

Planes = NDArray[np.float32]
"""Colour planes, float32, (height, width, 3)."""

#: Height and width at which printings are compared: more shows nothing more on photos (docs/experiments.md).
COMPARED_SIZE_PX = (264, 189)
_AROUND_SIGMA_PX = 6.0
_FLOOR = 6.0  # grey levels: an even area must not be blown up into noise
_CROP_SIGMA_PX = 0.5
_REFERENCE_SIGMA_PX = 0.8  # a photo is softer than a reference
_LEAST_VARIANCE = 0.05  # of the references at a point, evened out, to count as a difference
_GREATEST_ERROR = 4.0  # what is covered or blown out says only so much against a printing


@dataclass(frozen=True, slots=True)
class PrintingEvidence:
    """What one crop says about the printings of a picture.

    Attributes:
        errors: Mean squared error of each printing where they differ, from 0, (printings,).
        weight: How much they differ: variance summed over the card's pixels. 0 where they do not.
    """

    errors: NDArray[np.float64]
    weight: float


def compared_reference(image: RgbImage) -> Planes:
    """A reference picture, evened out to be compared with others and with crops."""
    return _evened(_resized(image), _REFERENCE_SIGMA_PX)


def compare_printings(aligned: RgbImage, references: Sequence[Planes]) -> PrintingEvidence:
    """Compares a crop with each printing where these differ.

    Args:
        aligned: The crop as it lies on the references, RGB uint8 of any size.
        references: From ``compared_reference``, at least two.
    """
    crop = _evened(_resized(aligned), _CROP_SIGMA_PX)
    weights = difference_map(references)
    weight = float(weights.sum())
    if weight == 0.0:
        return PrintingEvidence(np.zeros(len(references)), 0.0)
    errors = [
        float((np.minimum(np.square(crop - one).mean(axis=2), _GREATEST_ERROR) * weights).sum()) / weight
        for one in references
    ]
    return PrintingEvidence(np.array(errors), weight)


def difference_map(references: Sequence[Planes]) -> NDArray[np.float32]:
    """How much references differ at each point, 0 where it is too little to tell, (height, width)."""
    variance = np.var(np.stack(references), axis=0).mean(axis=2)
    return np.where(variance > _LEAST_VARIANCE, variance, 0.0).astype(np.float32)


def _resized(image: RgbImage) -> RgbImage:
    if image.shape[:2] == COMPARED_SIZE_PX:
        return image
    return np.asarray(cv2.resize(image, COMPARED_SIZE_PX[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _evened(image: RgbImage, sigma_px: float) -> Planes:
    """Zero mean and unit deviation around every point."""
    planes = cv2.GaussianBlur(image, (0, 0), sigma_px).astype(np.float32)
    mean = cv2.GaussianBlur(planes, (0, 0), _AROUND_SIGMA_PX)
    square = cv2.GaussianBlur(planes * planes, (0, 0), _AROUND_SIGMA_PX)
    deviation = np.sqrt(np.maximum(square - mean * mean, 0.0) + np.float32(_FLOOR**2))
    return np.asarray((planes - mean) / deviation, np.float32)
