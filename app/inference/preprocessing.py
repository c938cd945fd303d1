"""Turns cards into tower input: the one code that builds galleries and answers queries."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.errors import InvalidParameter
from app.domain.types import RgbImage
from app.inference.manifest import Preprocessing

#: Part of every fingerprint: raise it when the same manifest would give other pixels.
PREPROCESSING_VERSION = 1


def preprocess(crops: Sequence[RgbImage], spec: Preprocessing) -> NDArray[np.float32]:
    """Scales every whole card to the input size and normalises its colours.

    Args:
        crops: RGB uint8 pictures (height, width, 3) of any size.
        spec: Size, interpolation, mean and standard deviation; the latter for colours in [0, 1].

    Returns:
        float32 (len(crops), height_px, width_px, 3): channels last, as convolutions on CPUs like it.

    Raises:
        InvalidParameter: a crop is no RGB uint8 picture.
    """
    batch = np.empty((len(crops), spec.height_px, spec.width_px, 3), dtype=np.float32)
    scale = np.float32(1.0) / (np.float32(255.0) * np.asarray(spec.std, dtype=np.float32))
    offset = np.asarray(spec.mean, dtype=np.float32) / np.asarray(spec.std, dtype=np.float32)
    for target, crop in zip(batch, crops, strict=True):
        if crop.dtype != np.uint8 or crop.ndim != 3 or crop.shape[2] != 3 or crop.size == 0:
            raise InvalidParameter(
                f"a crop must be RGB uint8 (height, width, 3), not {crop.dtype} {crop.shape}"
            )
        np.multiply(_squash(crop, spec), scale, out=target)
        np.subtract(target, offset, out=target)
    return batch


def _squash(crop: RgbImage, spec: Preprocessing) -> RgbImage:
    size = (spec.width_px, spec.height_px)
    shrinks = crop.shape[0] >= spec.height_px and crop.shape[1] >= spec.width_px
    if spec.interpolation == "cubic":
        mode = cv2.INTER_CUBIC
    elif spec.interpolation == "area" and shrinks:
        mode = cv2.INTER_AREA
    else:
        mode = cv2.INTER_LINEAR  # area averaging has no meaning when a side grows
    return np.asarray(cv2.resize(crop, size, interpolation=mode), dtype=np.uint8)
