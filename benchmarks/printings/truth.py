"""Whether a photo shows which printing it is of: known exactly, from clean pictures and the simulator.

A photo tells two printings of one picture apart where some region in which they differ is large enough in the
photographed picture and nothing lies over it. It decides the printing where it tells it apart from every
other one. Glare, haze, blur and noise count as nothing: to see through them is the product's task.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulator.geometry import (
    CARD_HEIGHT_MM,
    Points,
    RgbImage,
    box_quad,
    card_height_px,
    homography_between,
    shrink_for,
    warp,
)
from benchmarks.simulator.single import SinglePhoto

#: Two clean pictures differ where a channel does by so much of 255; changes of white balance are no less.
LEAST_DIFFERENCE = 32

#: Differences closer than this belong to one region: the letters of a line, the strokes of a symbol.
JOIN_MM = 1.0

#: Shorter side of the largest region, in pixels of the photographed picture, from which on it decides.
DECIDING_SIDE_PX = 12.0


def is_decidable(least_side_px: float | None) -> bool | None:
    """Whether a photo tells its printing, by ``least_deciding_side_px``; None where that is not known."""
    return None if least_side_px is None else least_side_px >= DECIDING_SIDE_PX


def least_deciding_side_px(photo: SinglePhoto, own: RgbImage, others: Iterable[RgbImage]) -> float:
    """Returns how large a region tells a photo's printing apart from the other printing nearest to it.

    Args:
        photo: Of ``own``.
        own: The clean picture, RGB uint8 (height, width, 3).
        others: Clean pictures of the other printings, on the same outline and as large.

    Returns:
        The least ``deciding_side_px``; infinity where there are no others.
    """
    return min(
        (deciding_side_px(own, other, photo.quad_px, photo.covered) for other in others), default=math.inf
    )


def deciding_side_px(own: RgbImage, other: RgbImage, quad_px: Points, covered: NDArray[np.bool_]) -> float:
    """Returns the shorter side of the largest uncovered region in which two printings differ; 0 for none.

    Largest by that side. A region's sides are those of the smallest rectangle, however turned, around it.

    Args:
        own: The photographed printing, RGB uint8 (height, width, 3).
        other: Another one, of the same shape.
        quad_px: Where the card lies in the photographed picture (4, 2).
        covered: What lies over it there, bool (picture's height, picture's width).
    """
    height_px = card_height_px(quad_px)
    # What is averaged away when the card is photographed so small is no difference.
    first, second = (shrink_for(picture, height_px) for picture in (own, other))
    differs = (cv2.absdiff(first, second).max(axis=2) >= LEAST_DIFFERENCE).astype(np.uint8) * 255
    whole = box_quad(0, 0, first.shape[1], first.shape[0])
    seen = warp(
        differs,
        homography_between(whole, quad_px),
        covered.shape[1],
        covered.shape[0],
        cv2.BORDER_CONSTANT,
    )
    seen[covered] = 0
    reach = max(1, round(JOIN_MM * height_px / CARD_HEIGHT_MM))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach + 1, reach + 1))
    joined = cv2.morphologyEx((seen > 127).astype(np.uint8), cv2.MORPH_CLOSE, disc)
    regions, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    # Contours run through the middles of pixels: a region is one pixel wider.
    return max((min(cv2.minAreaRect(region)[1]) + 1.0 for region in regions), default=0.0)
