"""Reads pictures that the gallery keeps, no larger than comparing them needs."""

from __future__ import annotations

import cv2
import numpy as np

from app.domain.errors import InvalidInput
from app.domain.types import RgbImage

#: Nothing compares reference pictures at more than this; JPEG decodes to half its size in half the time.
COMPARED_HEIGHT_PX = 264


def decode_reference(data: bytes, height_px: int = COMPARED_HEIGHT_PX) -> RgbImage:
    """Decodes a stored picture, at half its size where that has ``height_px`` rows.

    Args:
        data: The stored file.
        height_px: How many rows are enough.

    Returns:
        RGB uint8 (height, width, 3).

    Raises:
        InvalidInput: the bytes are no picture.
    """
    packed = np.frombuffer(data, np.uint8)
    for flags in (cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_COLOR):
        image = cv2.imdecode(packed, flags) if len(packed) else None
        if image is not None and image.shape[0] >= height_px:
            break
    if image is None:
        raise InvalidInput("a stored reference picture cannot be decoded")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
