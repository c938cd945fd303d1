"""Photos for training."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.config import HarshLight
from models.training.photos import training_photo

CARD = np.full((88, 63, 3), 128, np.uint8)


def light(share: float, breadth: float = 0.15) -> HarshLight:
    return HarshLight(
        share=share, glare_chance=1.0, glare_length=(0.3, 0.9), glare_breadth=(breadth, breadth)
    )


@pytest.mark.parametrize("harsh_share", [0.0, 1.0])
def test_a_photo_has_the_size_asked_for_and_is_the_same_each_time(harsh_share):
    first, again = (
        training_photo(CARD, np.random.default_rng(4), 0.5, (96, 64), light(harsh_share)) for _ in range(2)
    )
    assert first.shape == (96, 64, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)


def test_harsh_light_makes_a_grey_card_much_less_even():
    def unevenness(harsh_share: float) -> float:
        photos = [
            training_photo(CARD, np.random.default_rng(i), 0.0, (96, 64), light(harsh_share))
            for i in range(30)
        ]
        return float(np.mean([photo[16:80, 12:52].std() for photo in photos]))

    assert unevenness(1.0) > 2 * unevenness(0.0)


def test_broader_patches_of_glare_leave_less_of_a_dark_card():
    def brightness(breadth: float) -> float:
        photos = [
            training_photo(CARD // 4, np.random.default_rng(i), 0.0, (96, 64), light(1.0, breadth))
            for i in range(30)
        ]
        return float(np.mean([photo[16:80, 12:52].mean() for photo in photos]))

    assert brightness(0.5) > brightness(0.05) + 20
