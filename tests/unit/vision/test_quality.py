"""Quality: the measures move the right way and the advice says what to do."""

from __future__ import annotations

import cv2
import numpy as np

from app.domain.types import Quad, RgbImage
from app.vision.quality import measure_quality


def card_with_detail() -> RgbImage:
    rng = np.random.default_rng(5)
    coarse = rng.integers(30, 220, (22, 16, 3), dtype=np.uint8)
    card = np.asarray(cv2.resize(coarse, (378, 528), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    for row in range(300, 500, 14):
        cv2.putText(card, "tap target creature", (20, row), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (10, 10, 10), 1)
    return card


def quad_of_height(height: float) -> Quad:
    width = height * 63 / 88
    return np.array([[0, 0], [width, 0], [width, height], [0, height]])


def test_sharpness_falls_as_blur_grows() -> None:
    card = card_with_detail()
    blurred = [
        np.asarray(cv2.GaussianBlur(card, (0, 0), sigma), dtype=np.uint8) for sigma in (1.0, 2.0, 4.0, 8.0)
    ]
    values = [measure_quality(one, quad_of_height(600)).sharpness for one in (card, *blurred)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.6
    assert values[-1] < 0.25


def test_glare_is_the_share_that_is_burnt_out() -> None:
    card = card_with_detail()
    assert measure_quality(card, quad_of_height(600)).glare < 0.01
    card[:132] = 255
    assert abs(measure_quality(card, quad_of_height(600)).glare - 0.25) < 0.02


def test_a_good_crop_gets_no_advice() -> None:
    quality = measure_quality(card_with_detail(), quad_of_height(600))
    assert quality.advice == ()
    assert quality.height_px == 600


def test_a_small_card_gets_the_advice_to_move_closer() -> None:
    advice = measure_quality(card_with_detail(), quad_of_height(210)).advice
    assert advice == ("move closer: the card is 210 px high, 420 is needed to tell printings apart",)


def test_blur_glare_and_darkness_are_each_named() -> None:
    card = card_with_detail()
    blurred = np.asarray(cv2.GaussianBlur(card, (0, 0), 9), dtype=np.uint8)
    assert "blurred" in " ".join(measure_quality(blurred, quad_of_height(600)).advice)
    dark = (card * 0.1).astype(np.uint8)
    assert "light" in " ".join(measure_quality(dark, quad_of_height(600)).advice)
    card[:200] = 255
    assert "38%" in " ".join(measure_quality(card, quad_of_height(600)).advice)


def test_a_flat_crop_is_neither_sharp_nor_an_error() -> None:
    assert measure_quality(np.full((528, 378, 3), 128, np.uint8), quad_of_height(600)).sharpness == 0.0
