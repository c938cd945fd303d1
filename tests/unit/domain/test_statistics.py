"""The Wilson interval against values known from elsewhere."""

import math

import pytest

from app.domain.statistics import Z_95, wilson_interval


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"),
    [
        # Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_it_gives_the_published_values(successes, trials, lower, upper):
    low, high = wilson_interval(successes, trials)
    assert low == pytest.approx(lower, abs=5e-5)
    assert high == pytest.approx(upper, abs=5e-5)


def test_its_ends_are_the_shares_that_the_score_test_just_accepts():
    successes, trials = 37, 90
    for end in wilson_interval(successes, trials):
        deviation = abs(successes / trials - end) / math.sqrt(end * (1 - end) / trials)
        assert deviation == pytest.approx(Z_95, rel=1e-9)


def test_failures_mirror_successes():
    low, high = wilson_interval(7, 50)
    assert wilson_interval(43, 50) == pytest.approx((1 - high, 1 - low))


def test_all_and_none_touch_the_ends_exactly_and_still_have_a_width():
    assert wilson_interval(0, 12)[0] == 0.0 < wilson_interval(0, 12)[1] < 1.0
    assert 0.0 < wilson_interval(12, 12)[0] < wilson_interval(12, 12)[1] == 1.0


def test_no_trials_say_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 4), (5, 4), (0, -1)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(ValueError, match="impossible"):
        wilson_interval(successes, trials)


def test_a_negative_quantile_is_refused():
    with pytest.raises(ValueError, match="negative"):
        wilson_interval(1, 2, z=-1.0)
