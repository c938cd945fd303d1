import cv2
import numpy as np
import pytest

from app.domain.types import RECTIFIED_HEIGHT_PX, RECTIFIED_WIDTH_PX, RgbImage
from app.synthesis.levels import MAX_STRENGTH, Level, photo_ranges
from app.synthesis.views import augmented_template_views, photographed_view


def drawn_card(seed: int) -> RgbImage:
    """A card of coarse random patches: unlike every other seed, but it survives blur."""
    patches = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(patches, (378, 528), interpolation=cv2.INTER_CUBIC), np.uint8)


def correlation(first: RgbImage, second: RgbImage) -> float:
    small = [cv2.resize(image, (24, 32), interpolation=cv2.INTER_AREA).ravel() for image in (first, second)]
    return float(np.corrcoef(small[0], small[1])[0, 1])


def mean_correlation(level: float | Level, other_card: bool = False) -> float:
    values = [
        correlation(
            drawn_card(seed + other_card * 1000),
            photographed_view(
                drawn_card(seed), np.random.default_rng(seed), strength=level, size_px=(96, 132)
            ),
        )
        for seed in range(20)
    ]
    return float(np.mean(values))


@pytest.mark.parametrize("strength", [Level.EASY, Level.MEDIUM, Level.HARD, 0.0, 0.3, MAX_STRENGTH])
def test_a_view_has_the_wanted_size_whatever_the_strength(strength):
    view = photographed_view(drawn_card(1), np.random.default_rng(1), strength=strength, size_px=(128, 192))
    assert view.shape == (192, 128, 3)
    assert view.dtype == np.uint8


def test_a_view_has_the_size_of_a_rectified_card_by_default():
    view = photographed_view(drawn_card(1), np.random.default_rng(1), strength=Level.EASY)
    assert view.shape == (RECTIFIED_HEIGHT_PX, RECTIFIED_WIDTH_PX, 3)


@pytest.mark.parametrize("seed", range(8))
def test_the_same_seed_gives_the_same_view_and_another_seed_another(seed):
    views = [
        photographed_view(drawn_card(1), np.random.default_rng(s), strength=1.0)
        for s in (seed, seed, seed + 100)
    ]
    assert np.array_equal(views[0], views[1])
    assert not np.array_equal(views[0], views[2])


def test_the_card_it_was_given_stays_as_it_was():
    card = drawn_card(2)
    before = card.copy()
    # The very size of the simulation: nothing may be drawn into the caller's picture.
    photographed_view(card, np.random.default_rng(3), strength=0.0, size_px=(378, 528))
    augmented_template_views(card, 3)
    assert np.array_equal(card, before)


def test_easy_views_look_like_their_card_and_harder_ones_less():
    easy, medium, hard = (mean_correlation(level) for level in Level)
    assert easy > 0.85
    assert easy > medium > hard > 0.3


def test_views_do_not_look_like_another_card():
    assert abs(mean_correlation(Level.EASY, other_card=True)) < 0.2


def test_a_strength_beyond_the_greatest_is_refused():
    with pytest.raises(ValueError, match="strength must lie in"):
        photographed_view(drawn_card(1), np.random.default_rng(1), strength=MAX_STRENGTH + 0.01)


def test_a_view_too_small_to_show_anything_is_refused():
    with pytest.raises(ValueError, match="at least 8 x 8"):
        photographed_view(drawn_card(1), np.random.default_rng(1), strength=0.5, size_px=(4, 6))


def test_strengths_between_two_levels_mix_their_ranges():
    assert photo_ranges(0.0) == photo_ranges(Level.EASY)
    assert photo_ranges(1.0) == photo_ranges(Level.HARD)
    assert photo_ranges(0.75).corner_error == pytest.approx(0.03)
    assert photo_ranges(0.25).noise_sigma == pytest.approx((2.0, 7.5))
    assert photo_ranges(MAX_STRENGTH).corner_error == pytest.approx(0.05)


def test_augmented_template_views_are_two_mild_and_different_views_of_the_card():
    card = drawn_card(7)
    views = augmented_template_views(card, seed=7)
    assert [view.shape for view in views] == [(RECTIFIED_HEIGHT_PX, RECTIFIED_WIDTH_PX, 3)] * 2
    assert all(correlation(card, view) > 0.8 for view in views)
    warm, cool = (view.reshape(-1, 3).mean(axis=0) for view in views)
    assert warm[0] / warm[2] > cool[0] / cool[2] * 1.1
    assert not np.array_equal(views[0], card)


def test_augmented_template_views_are_the_same_every_time():
    first, second = (augmented_template_views(drawn_card(7), seed=7) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
