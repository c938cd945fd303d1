"""Cuts cards out of a picture and straightens them."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from app.domain.geometry import side_lengths
from app.domain.types import RECTIFIED_HEIGHT_PX, RECTIFIED_WIDTH_PX, Quad, RgbImage

#: A card this many times larger than the output is shrunk by area first: the warp itself reads only four
#: pixels for each it writes, and would alias fine print.
_SHRINK_BEYOND = 1.5


def rectify(image: RgbImage, quad_px: Quad, times: int = 1) -> RgbImage:
    """Straightens one card.

    Args:
        image: The picture, RGB uint8 (height, width, 3).
        quad_px: The card's corners (4, 2), clockwise from its own top left. They may lie outside the picture:
            what is missing repeats the picture's edge.
        times: So much larger than everything else needs, to read small print.

    Returns:
        RGB uint8 (528, 378, 3), or ``times`` as high and as wide.
    """
    width_px, height_px = times * RECTIFIED_WIDTH_PX, times * RECTIFIED_HEIGHT_PX
    region, quad = _region(image, quad_px, width_px, height_px)
    target = np.array(
        [
            [0, 0],
            [width_px, 0],
            [width_px, height_px],
            [0, height_px],
        ],
        dtype=np.float32,
    )
    # OpenCV puts integer coordinates on the middle of a pixel, quads put them on its corner.
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32) - 0.5, target - 0.5)
    crop = cv2.warpPerspective(
        region,
        matrix,
        (width_px, height_px),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return cast(RgbImage, crop)


def _region(image: RgbImage, quad_px: Quad, width_px: int, height_px: int) -> tuple[RgbImage, Quad]:
    """The part of the picture round the quad, shrunk to about the size of the output, and the quad in it."""
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(quad_px.min(axis=0)).astype(int) - 2, 0, (width - 1, height - 1))
    right, bottom = np.clip(
        np.ceil(quad_px.max(axis=0)).astype(int) + 2, (left + 1, top + 1), (width, height)
    )
    region = image[top:bottom, left:right]
    quad = quad_px - (left, top)
    lengths = side_lengths(quad_px)
    excess = min(
        (lengths[0] + lengths[2]) / (2 * width_px),
        (lengths[1] + lengths[3]) / (2 * height_px),
    )
    if excess <= _SHRINK_BEYOND:
        return region, quad
    size = (max(1, round(region.shape[1] / excess)), max(1, round(region.shape[0] / excess)))
    shrunk = cast(RgbImage, cv2.resize(region, size, interpolation=cv2.INTER_AREA))
    return shrunk, quad * (size[0] / region.shape[1], size[1] / region.shape[0])
