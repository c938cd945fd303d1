"""Small copies look like the picture, and cost less than it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.domain.types import StoredImage
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import invent_catalogue
from app.vision.decode import decode_image, encode_jpeg
from app.vision.small_pictures import smaller


@pytest.fixture(scope="module")
def stored() -> StoredImage:
    return StoredImage("image/jpeg", encode_jpeg(draw_card(invent_catalogue(7306, 1)[0], 1056), 92))


def pixels(image: StoredImage) -> np.ndarray:
    return decode_image(image.data, max_upload_bytes=10**8, max_pixels=10**8)


@pytest.mark.parametrize("height_px", [64, 100, 352, 1055])
def test_a_small_copy_is_the_picture_at_that_height(stored: StoredImage, height_px: int) -> None:
    whole, small = pixels(stored), pixels(smaller(stored, height_px))
    assert small.shape[0] == height_px
    assert small.shape[1] == round(whole.shape[1] * height_px / whole.shape[0])
    expected = cv2.resize(whole, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert float(np.abs(small.astype(float) - expected).mean()) < 12.0  # upside down it is 40
    assert len(smaller(stored, height_px).data) < len(stored.data)


def test_a_picture_that_is_small_enough_stays_as_it_is(stored: StoredImage) -> None:
    assert smaller(stored, 1056) is stored
    png = StoredImage("image/png", b"not looked at")
    assert smaller(png, 10) is png
