"""How well a card can be read, and what would help."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.geometry import side_lengths
from app.domain.types import CropQuality, Quad, RgbImage

#: Below this height public ablations lose printings: 76 % named at about 350 px, 91 % at about 590.
MIN_PRINTING_HEIGHT_PX = 420
_MIN_SHARPNESS = 0.25
_MAX_GLARE = 0.08
_MIN_MEAN_LUMA = 40.0
#: A crop that is worse shows too little for other photos to be told by it.
_LEARN_SHARPNESS, _LEARN_GLARE, _LEARN_LUMA = 0.06, 0.4, 16.0


def measure_quality(crop: RgbImage, quad_px: Quad) -> CropQuality:
    """Judges one rectified card.

    Args:
        crop: The rectified card, RGB uint8 (height, width, 3).
        quad_px: Where it lies in the picture (4, 2).

    Returns:
        Sharpness and glare in [0, 1], the card's height in the picture, and advice in plain words.
    """
    luma = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    lengths = side_lengths(quad_px)
    height_px = round(float(lengths[1] + lengths[3]) / 2)
    sharpness = _sharpness(luma)
    glare = _glare(crop)
    advice = _advice(sharpness, glare, height_px, float(luma.mean()))
    return CropQuality(sharpness=sharpness, glare=glare, height_px=height_px, advice=advice)


def unfit_to_learn(crop: RgbImage) -> str | None:
    """Why other photos of a card could not be told by this one, in words; None where they could.

    Args:
        crop: The rectified card, RGB uint8 (height, width, 3).
    """
    luma = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    glare = _glare(crop)
    if luma.mean() < _LEARN_LUMA:
        return "the crop is too dark to learn from"
    if glare > _LEARN_GLARE:
        return f"glare hides {glare:.0%} of the crop, too much to learn from it"
    if _sharpness(luma) < _LEARN_SHARPNESS:
        return "the crop is too blurred to learn from"
    return None


def _sharpness(luma: NDArray[np.uint8]) -> float:
    """Share of the contrast that the finest details carry, brought to [0, 1].

    The mean gradient over one pixel against that over four (after Crete et al., "The blur effect", 2007):
    blurring a sharp card again takes much of its fine gradient away, a blurred one has none to lose. The
    ratio of noise is that of detail, so the picture is smoothed lightly first.
    """
    smooth = cv2.GaussianBlur(luma, (0, 0), 0.8).astype(np.float32)
    blurred = np.asarray(cv2.GaussianBlur(smooth, (0, 0), 3.0), np.float32)
    fine, coarse = _mean_step(smooth), _mean_step(blurred)
    if fine < 0.2:  # a flat picture shows nothing, sharp or not
        return 0.0
    return float(np.clip((1.0 - coarse / fine) * 1.6, 0.0, 1.0))


def _mean_step(picture: NDArray[np.float32]) -> float:
    """Mean absolute difference from the next pixel, down and across added, without a copy of the picture."""
    down = cv2.norm(picture[1:], picture[:-1], cv2.NORM_L1) / picture[1:].size
    return down + cv2.norm(picture[:, 1:], picture[:, :-1], cv2.NORM_L1) / picture[:, 1:].size


def _glare(crop: RgbImage) -> float:
    """Share of the card that is burnt out: nearly white in every channel over more than a few pixels."""
    red, green, blue = cv2.split(crop)
    darkest = cv2.min(cv2.min(red, green), blue)
    _, burnt = cv2.threshold(darkest, 249, 1, cv2.THRESH_BINARY)
    opened = cv2.morphologyEx(burnt, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    return float(opened.mean())


def _advice(sharpness: float, glare: float, height_px: int, mean_luma: float) -> tuple[str, ...]:
    advice = []
    if height_px < MIN_PRINTING_HEIGHT_PX:
        advice.append(
            f"move closer: the card is {height_px} px high, {MIN_PRINTING_HEIGHT_PX} is needed "
            "to tell printings apart"
        )
    if sharpness < _MIN_SHARPNESS:
        advice.append("hold the camera still and focus on the card: it is blurred")
    if glare > _MAX_GLARE:
        advice.append(f"tilt the page or move the light: glare hides {glare:.0%} of the card")
    if mean_luma < _MIN_MEAN_LUMA:
        advice.append("use more light: the card is very dark")
    return tuple(advice)
