"""What is drawn at a level stays within its ranges and happens as often as the level says."""

import math

import numpy as np
import pytest

from benchmarks.simulator.levels import LEVELS, draw_camera, level_ranges
from benchmarks.simulator.optics import draw_light, draw_streaks, light_field
from benchmarks.simulator.single import draw_shot

DRAWS = 2000
QUAD = np.array([[0.0, 0.0], [189.0, 0.0], [189.0, 264.0], [0.0, 264.0]])


def test_the_table_of_levels_is_the_written_one():
    hard, medium, easy = LEVELS["hard"], LEVELS["medium"], LEVELS["easy"]
    assert easy.card_height_px == (330, 1200) and medium.card_height_px == (220, 500)
    assert hard.card_height_px == (150, 300)
    assert (easy.corner_error_share, medium.corner_error_share, hard.corner_error_share) == (
        0.008,
        0.02,
        0.04,
    )
    assert (easy.jpeg_quality, medium.jpeg_quality, hard.jpeg_quality) == ((75, 95), (50, 85), (30, 70))
    assert (easy.tilt_max_deg, medium.tilt_max_deg, hard.tilt_max_deg) == (8, 18, 30)


def test_too_wide_is_medium_apart_from_its_overreach():
    wide, medium = LEVELS["too_wide"], LEVELS["medium"]
    assert wide.overreach_share == (0.03, 0.10)
    assert {name for name in wide.__slots__ if getattr(wide, name) != getattr(medium, name)} == {
        "overreach_share"
    }


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="no level 'harder'"):
        level_ranges("harder")


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_cameras_stay_within_the_ranges_of_their_level(level):
    ranges, rng = LEVELS[level], np.random.default_rng(1)
    cameras = [draw_camera(ranges, rng) for _ in range(DRAWS)]
    for drawn, (low, high) in (
        ([one.lens_blur_sigma_px for one in cameras], ranges.lens_blur_sigma_px),
        ([one.noise_sigma for one in cameras], ranges.noise_sigma),
        ([one.jpeg_quality for one in cameras], ranges.jpeg_quality),
        ([one.motion_blur_px for one in cameras if one.motion_blur_px], (2.0, 6.0)),
    ):
        if drawn:
            assert low <= min(drawn) and max(drawn) <= high
            assert max(drawn) - min(drawn) > 0.9 * (high - low)
    gains = np.log([one.channel_gains for one in cameras])
    gammas = np.log([one.gamma for one in cameras])
    assert gains.std(axis=0) == pytest.approx([ranges.white_balance_sigma] * 3, rel=0.1)
    assert gammas.std() == pytest.approx(ranges.gamma_log_sigma, rel=0.1)


@pytest.mark.parametrize(("level", "share"), [("easy", 0.0), ("medium", 0.25), ("hard", 0.5)])
def test_motion_blur_is_as_frequent_as_the_level_says(level, share):
    rng = np.random.default_rng(2)
    moved = sum(draw_camera(LEVELS[level], rng).motion_blur_px > 0 for _ in range(DRAWS))
    assert moved / DRAWS == pytest.approx(share, abs=0.035)


@pytest.mark.parametrize(
    ("level", "share", "peak"),
    [("easy", 0.25, (0.2, 0.5)), ("medium", 0.6, (0.3, 0.8)), ("hard", 0.9, (0.4, 1.0))],
)
def test_glare_is_as_frequent_and_bright_as_the_level_says(level, share, peak):
    rng = np.random.default_rng(3)
    drawn = [draw_streaks(LEVELS[level], QUAD, 264.0, 0.0, rng) for _ in range(DRAWS)]
    counts = {len(streaks) for streaks in drawn}
    peaks = [streak.peak for streaks in drawn for streak in streaks]
    assert counts == {0, 1, 2, 3}
    assert sum(bool(streaks) for streaks in drawn) / DRAWS == pytest.approx(share, abs=0.035)
    assert peak[0] <= min(peaks) and max(peaks) <= peak[1]


@pytest.mark.parametrize(
    ("level", "covered", "haze"),
    [("easy", 0.0, (0.0, 0.1)), ("medium", 0.2, (0.0, 0.25)), ("hard", 0.5, (0.1, 0.45))],
)
def test_shots_have_the_height_haze_and_covers_of_their_level(level, covered, haze):
    ranges, rng = LEVELS[level], np.random.default_rng(4)
    shots = [draw_shot(ranges, rng) for _ in range(DRAWS)]
    heights = [(math.dist(*one.quad_px[[1, 2]]) + math.dist(*one.quad_px[[0, 3]])) / 2 for one in shots]
    low, high = ranges.card_height_px
    assert low - 1e-6 <= min(heights) and max(heights) <= high + 1e-6
    assert np.mean(heights) == pytest.approx((low + high) / 2, rel=0.05)
    assert sum(one.covered for one in shots) / DRAWS == pytest.approx(covered, abs=0.035)
    assert haze[0] <= min(one.haze_share for one in shots)
    assert max(one.haze_share for one in shots) <= haze[1]


def test_only_hard_has_shadows_with_hard_edges_and_gradients_stay_in_range():
    rng = np.random.default_rng(5)
    for level, most in (("easy", 0.15), ("medium", 0.35), ("hard", 0.55)):
        lights = [draw_light(LEVELS[level], QUAD, 264.0, rng) for _ in range(200)]
        assert max(light.gradient_loss for light in lights) <= most
        assert all((light.shadow_loss > 0) == (level == "hard") for light in lights)


def test_gradient_and_shadow_together_lose_no_more_light_than_the_level_says_and_reach_it():
    rng = np.random.default_rng(6)
    lights = [draw_light(LEVELS["hard"], QUAD, 264.0, rng) for _ in range(500)]
    fields = [light_field(light, 264, 189) for light in lights]
    losses = [1 - field.min() / field.max() for field in fields]
    assert 0.52 < max(losses) <= 0.55 + 1e-6
    for one_of_both in ([x.gradient_loss for x in lights], [x.shadow_loss for x in lights]):
        assert min(one_of_both) < 0.02 and 0.48 < max(one_of_both) <= 0.55


def test_streaks_are_streaks():
    rng = np.random.default_rng(7)
    drawn = [streak for _ in range(500) for streak in draw_streaks(LEVELS["hard"], QUAD, 264.0, 0.0, rng)]
    # Where a bell across and the flat top's end along have fallen to half.
    widths = np.array([2 * math.sqrt(2 * math.log(2)) * streak.sigma_px for streak in drawn])
    lengths = np.array([2 * math.log(2) ** 0.25 * streak.half_length_px for streak in drawn])
    assert (lengths / widths).min() >= 4
    assert widths.max() < 0.2 * 189
