"""Simulated crops of one card."""

import cv2
import numpy as np
import pytest

from benchmarks.perceptual_hash import hamming_distances, phash
from benchmarks.simulator.geometry import card_height_px
from benchmarks.simulator.single import photograph_single, simulate_single

LEVELS = ("easy", "medium", "hard", "too_wide")


def _correlation(first, second):
    return np.corrcoef(first.astype(float).ravel(), second.astype(float).ravel())[0, 1]


@pytest.mark.parametrize("level", LEVELS)
def test_the_same_seed_gives_the_same_crop_and_another_gives_another(cards, level):
    first, again, other = (
        simulate_single(cards[0], level, np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    assert first.shape == (528, 378, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_simulating_leaves_the_card_alone(cards):
    before = cards[0].copy()
    simulate_single(cards[0], "hard", np.random.default_rng(0))
    assert np.array_equal(cards[0], before)


def test_an_easy_crop_on_true_corners_shows_the_card_upright_and_in_place(cards):
    for seed, card in enumerate(cards[:2]):
        crop = simulate_single(card, "easy", np.random.default_rng(seed), corner_error=False)
        clean = cv2.resize(card, (378, 528), interpolation=cv2.INTER_AREA)
        assert _correlation(crop, clean) > 0.9
        assert _correlation(crop, clean) > _correlation(np.roll(crop, 6, axis=0), clean)
        assert _correlation(crop, clean) > _correlation(np.roll(crop, -6, axis=1), clean)


def test_switching_the_corner_error_off_changes_nothing_but_the_corners(cards):
    exact, off = (
        simulate_single(cards[1], "medium", np.random.default_rng(3), corner_error=switch)
        for switch in (False, True)
    )
    assert not np.array_equal(exact, off)
    # The same light, colours and glare: only small copies forgive that the corners moved.
    small = [cv2.resize(crop, (9, 12), interpolation=cv2.INTER_AREA) for crop in (exact, off)]
    other = simulate_single(cards[1], "medium", np.random.default_rng(4))
    small_other = cv2.resize(other, (9, 12), interpolation=cv2.INTER_AREA)
    assert _correlation(*small) > 0.97 > _correlation(small[0], small_other)


def test_a_crop_that_is_too_wide_shows_surroundings_on_all_sides():
    white = np.full((440, 315, 3), 255, dtype=np.uint8)
    rims = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        crop = simulate_single(white, "too_wide", rng, corner_error=False).astype(float)
        middle = crop[100:-100, 80:-80].mean()
        edges = [crop[:8, 80:-80], crop[-8:, 80:-80], crop[100:-100, :6], crop[100:-100, -6:]]
        rims.append([abs(edge.mean() - middle) for edge in edges])
    assert np.median(rims, axis=0).min() > 8


def test_harder_levels_are_harder_for_a_perceptual_hash(cards):
    references = np.stack([phash(card, 256) for card in cards])
    means = []
    for level in ("easy", "medium", "hard"):
        crops = [
            simulate_single(card, level, np.random.default_rng(seed)) for seed, card in enumerate(cards[:6])
        ]
        distances = hamming_distances(np.stack([phash(crop, 256) for crop in crops]), references)
        means.append(np.diag(distances).mean())
    assert means[0] + 5 < means[1] and means[1] + 5 < means[2]


@pytest.mark.parametrize(
    "card",
    [np.zeros((40, 30), np.uint8), np.zeros((40, 30, 4), np.uint8), np.zeros((40, 30, 3), np.float32)],
)
def test_what_is_no_rgb_picture_is_refused(card):
    with pytest.raises(ValueError, match="RGB uint8"):
        simulate_single(card, "easy", np.random.default_rng(0))


def test_a_photo_says_where_the_card_lay_and_what_covered_it(cards):
    photos = [photograph_single(cards[0], "hard", np.random.default_rng(seed)) for seed in range(8)]
    shares = [float(photo.covered.mean()) for photo in photos]
    assert min(shares) == 0.0 and 0.02 < max(shares) < 0.7
    for photo in photos:
        assert 150 <= card_height_px(photo.quad_px) <= 300
        height, width = photo.covered.shape
        assert (photo.quad_px > 0).all() and (photo.quad_px < [width, height]).all()


def test_nothing_covers_a_card_at_easy(cards):
    photos = [photograph_single(cards[1], "easy", np.random.default_rng(seed)) for seed in range(3)]
    assert not any(photo.covered.any() for photo in photos)


@pytest.mark.parametrize("level", LEVELS)
def test_the_crop_alone_is_that_of_the_photo(cards, level):
    whole = photograph_single(cards[2], level, np.random.default_rng(7))
    assert np.array_equal(whole.crop, simulate_single(cards[2], level, np.random.default_rng(7)))
