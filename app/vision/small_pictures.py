"""Small copies of stored pictures, for lists of many."""

from __future__ import annotations

import cv2
import numpy as np
import simplejpeg

from app.domain.types import StoredImage
from app.vision.decode import encode_jpeg

_JPEG_QUALITY = 82


def needed_bytes(image: StoredImage, height_px: int) -> int:
    """What ``smaller`` allocates for pixels, in bytes: what the decoder gives, and the copy."""
    if image.media_type != "image/jpeg":
        return 0
    whole_height_px, whole_width_px, _, _ = simplejpeg.decode_jpeg_header(image.data)
    if whole_height_px <= height_px:
        return 0
    given_height_px: int
    given_width_px: int
    given_height_px, given_width_px, _, _ = simplejpeg.decode_jpeg_header(image.data, height_px, 1)
    copied_width_px = _width_of_copy(whole_width_px, whole_height_px, height_px)
    return 3 * (given_height_px * given_width_px + height_px * copied_width_px)


def smaller(image: StoredImage, height_px: int) -> StoredImage:
    """The picture at this height, its shape kept; as it is where it is no JPEG or not higher.

    The decoder leaves out what an eighth, a quarter or half of the size does not need, so this takes a
    fraction of the time and memory of the whole picture.

    Args:
        image: Of our own making; what strangers send has been decoded before.
        height_px: At least 1.
    """
    if image.media_type != "image/jpeg":
        return image
    whole_height_px, whole_width_px, _, _ = simplejpeg.decode_jpeg_header(image.data)
    if whole_height_px <= height_px:
        return image
    pixels = simplejpeg.decode_jpeg(image.data, colorspace="RGB", min_height=height_px, min_width=1)
    width_px = _width_of_copy(whole_width_px, whole_height_px, height_px)
    resized = cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_AREA)
    return StoredImage("image/jpeg", encode_jpeg(resized.astype(np.uint8, copy=False), _JPEG_QUALITY))


def _width_of_copy(whole_width_px: int, whole_height_px: int, height_px: int) -> int:
    return max(1, round(whole_width_px * height_px / whole_height_px))
