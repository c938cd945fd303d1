"""Patches of a reference picture, found again in crops of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.domain.types import RgbImage
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import invent_catalogue
from app.synthesis.views import photographed_view
from app.vision.local_features import (
    FEATURES_MOST_BYTES,
    FEATURES_SIZE_PX,
    gray_picture,
    make_features,
    match_patches,
    read_features,
)

SEED = 7301


@pytest.fixture(scope="module")
def cards() -> list[RgbImage]:
    return [draw_card(card, 528) for card in invent_catalogue(SEED, 8, reprint_share=0, foil_share=0)[:8]]


def matched(crop: RgbImage, reference: RgbImage):
    return match_patches(gray_picture(crop, FEATURES_SIZE_PX), read_features(make_features(reference)))


def test_features_are_small_and_survive_being_stored(cards) -> None:
    for card in cards:
        data = make_features(card)
        assert len(data) <= FEATURES_MOST_BYTES
        error = read_features(data).astype(float) - gray_picture(card, FEATURES_SIZE_PX)
        assert np.abs(error).mean() < 4


def test_even_a_picture_of_noise_fits_into_the_bytes() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (528, 378, 3)).astype(np.uint8)
    assert len(make_features(noise)) <= FEATURES_MOST_BYTES


@pytest.mark.parametrize(
    "data", [b"", b"not a picture", cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes()]
)
def test_other_bytes_are_no_features(data: bytes) -> None:
    with pytest.raises(ValueError, match="features"):
        read_features(data)


def test_a_photo_agrees_with_its_own_card_and_with_no_other(cards) -> None:
    for index, card in enumerate(cards):
        photo = photographed_view(card, np.random.default_rng((SEED, index)), strength=0.8)
        agreements = [matched(photo, other).agreement for other in cards]
        assert int(np.argmax(agreements)) == index
        assert agreements[index] > 1.2 * sorted(agreements)[-2]


def test_a_crop_that_lies_askew_is_found_where_it_lies(cards) -> None:
    height, width = FEATURES_SIZE_PX
    small = cv2.resize(cards[0], (width, height), interpolation=cv2.INTER_AREA)
    shift = np.array([[1.02, 0.01, 3.0], [-0.01, 0.98, -2.0]])
    crop = cv2.warpAffine(small, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    match = matched(np.asarray(crop, np.uint8), cards[0])
    assert match.affine is not None
    corners = np.array([[10, 10, 1], [80, 10, 1], [80, 120, 1], [10, 120, 1]])
    np.testing.assert_allclose(corners @ match.affine.T, corners @ shift.T, atol=0.8)
    assert match.inliers > 40


def test_an_even_picture_agrees_with_nothing(cards) -> None:
    even = np.full((528, 378, 3), 120, np.uint8)
    assert matched(even, cards[0]).agreement == 0.0
    assert matched(cards[0], even).agreement == 0.0
    assert matched(even, even).affine is None
