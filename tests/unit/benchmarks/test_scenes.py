"""Simulated scenes and the truth that comes with them."""

import cv2
import numpy as np
import pytest

from benchmarks.simulator.geometry import card_height_px, rectify
from benchmarks.simulator.layouts import lay_out
from benchmarks.simulator.levels import LEVELS
from benchmarks.simulator.scenes import simulate_scene

KINDS = {"page_3x3": 9, "page_4x3": 12, "page_2x2": 4, "flatbed": 5, "loose": 6, "single": 1}


def _similarity(crop, card):
    """Correlation of small grey copies, 16 x 11: forgives blur, noise and light."""
    small = [
        cv2.resize(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), (11, 16), interpolation=cv2.INTER_AREA)
        for one in (crop, card)
    ]
    return np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_rectifying_by_the_quads_gives_the_cards_upright(cards, kind):
    scene = simulate_scene(cards[: KINDS[kind]], kind, "easy", np.random.default_rng(11), megapixels=1.5)
    assert sorted(one.card_index for one in scene.cards) == list(range(KINDS[kind]))
    for placed in scene.cards:
        crop = rectify(scene.image, placed.quad_px)
        likeness = [_similarity(crop, card) for card in cards]
        assert int(np.argmax(likeness)) == placed.card_index
        assert likeness[placed.card_index] > 0.8
        assert likeness[placed.card_index] > _similarity(crop[::-1, ::-1], cards[placed.card_index]) + 0.2


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
@pytest.mark.parametrize("kind", KINDS)
def test_quads_are_clockwise_inside_the_picture_and_as_high_as_the_level_says(cards, kind, level):
    scene = simulate_scene(cards[: KINDS[kind]], kind, level, np.random.default_rng(7), megapixels=1.2)
    height, width = scene.image.shape[:2]
    assert scene.image.dtype == np.uint8 and scene.image.shape[2] == 3
    heights = []
    for placed in scene.cards:
        assert (placed.quad_px >= 0).all() and (placed.quad_px <= [width, height]).all()
        # In a picture, y down, a positive signed area is clockwise.
        assert cv2.contourArea(placed.quad_px.astype(np.float32), oriented=True) > 0
        heights.append(card_height_px(placed.quad_px))
    low, high = LEVELS[level].card_height_px
    assert low - 1e-6 <= np.median(heights) <= high + 1e-6


def test_the_same_seed_gives_the_same_scene(cards):
    first, again = (simulate_scene(cards[:4], "page_2x2", "hard", np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert all(np.array_equal(a.quad_px, b.quad_px) for a, b in zip(first.cards, again.cards, strict=True))


def test_pictures_stay_below_the_megapixels_and_cards_may_be_asked_to_be_large(cards):
    small = simulate_scene(cards[:9], "page_3x3", "easy", np.random.default_rng(1), megapixels=2.5)
    assert small.image.shape[0] * small.image.shape[1] <= 2.5e6
    large = simulate_scene(
        cards[:4], "page_2x2", "easy", np.random.default_rng(1), megapixels=2.5, card_height_px=600.0
    )
    assert np.median([card_height_px(one.quad_px) for one in large.cards]) == pytest.approx(600.0)
    assert large.image.shape[0] * large.image.shape[1] > 1.2e6


def test_corners_of_cards_are_rounded():
    white = np.full((880, 630, 3), 255, dtype=np.uint8)
    for seed in range(20):
        scene = simulate_scene([white], "single", "easy", np.random.default_rng(seed), card_height_px=500.0)
        crop = rectify(scene.image, scene.cards[0].quad_px).astype(float)
        # 3 mm of rounding are 18 px; inside the corner's first 2 x 2 px the background shows.
        corners = [crop[:2, :2], crop[:2, -2:], crop[-2:, :2], crop[-2:, -2:]]
        edge = crop[:2, 100:-100].mean()
        if edge - np.median([corner.mean() for corner in corners]) > 60:
            return
    pytest.fail("no scene showed a dark background in the corners of a white card")


def test_too_few_cards_leave_pockets_empty_and_too_many_are_refused(cards):
    scene = simulate_scene(cards[:5], "page_3x3", "easy", np.random.default_rng(2), megapixels=1.0)
    assert len(scene.cards) == 5
    with pytest.raises(ValueError, match="3 x 3 pockets cannot hold 10"):
        simulate_scene(cards[:10], "page_3x3", "easy", np.random.default_rng(2))
    with pytest.raises(ValueError, match="at least one card"):
        simulate_scene([], "loose", "easy", np.random.default_rng(2))
    with pytest.raises(ValueError, match="no scene 'fan'"):
        simulate_scene(cards[:1], "fan", "easy", np.random.default_rng(2))


def test_covered_cards_are_as_frequent_as_the_level_says(cards):
    counts = {}
    for level in ("easy", "medium", "hard"):
        scenes = [
            simulate_scene(cards, "page_4x3", level, np.random.default_rng(seed), card_height_px=60.0)
            for seed in range(8)
        ]
        covered = [one.covered for scene in scenes for one in scene.cards]
        counts[level] = sum(covered) / len(covered)
    assert counts["easy"] == 0.0
    assert 0.08 < counts["medium"] < 0.35 and 0.35 < counts["hard"] < 0.75


@pytest.mark.parametrize(("level", "share"), [("easy", 0.05), ("hard", 0.2)])
def test_cards_of_a_scan_are_turned_as_often_as_the_level_says(level, share):
    rng = np.random.default_rng(0)
    turned = [
        abs(placement.turn_rad) > 0.5
        for _ in range(150)
        for placement in lay_out("flatbed", 9, LEVELS[level], rng).placements
    ]
    assert np.mean(turned) == pytest.approx(share, abs=0.03)


def test_loose_cards_lie_in_any_turn_and_overlap_only_where_the_level_covers_cards():
    rng = np.random.default_rng(0)
    for level, overlaps in (("easy", False), ("hard", True)):
        layouts = [lay_out("loose", 6, LEVELS[level], rng) for _ in range(15)]
        placements = [placement for layout in layouts for placement in layout.placements]
        quarters = {int(placement.turn_rad / (np.pi / 2)) for placement in placements}
        assert quarters == {0, 1, 2, 3}
        assert any(placement.overlapped for placement in placements) is overlaps
