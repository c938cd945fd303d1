"""Which of several options is right: the weights behind made-up choices are found again."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.choice import Choices, fit_choices

WEIGHTS = np.array([2.0, 0.7])


def chosen(cases: int, seed: int, weights: np.ndarray = WEIGHTS) -> Choices:
    """Cases of two to five options each, decided by chance as the weights say."""
    rng = np.random.default_rng(seed)
    evidence = rng.normal(0, 1, (cases, 5, len(weights)))
    there = np.arange(5) < rng.integers(2, 6, cases)[:, None]
    odds = np.where(there, evidence @ weights, -np.inf) + rng.gumbel(size=there.shape)
    return Choices(evidence, there, odds.argmax(axis=1))


def test_the_weights_behind_choices_are_found_again() -> None:
    assert fit_choices(chosen(6_000, seed=1)) == pytest.approx(WEIGHTS, abs=0.12)


def test_evidence_that_seems_to_speak_against_an_option_gets_no_weight() -> None:
    first, second = fit_choices(chosen(2_000, seed=2, weights=np.array([1.5, -0.8])))
    assert second == 0.0
    assert first > 1.0


def test_no_other_weights_make_the_choices_likelier() -> None:
    choices = chosen(1_000, seed=3)
    found = fit_choices(choices)
    least = choices.losses(found).sum()
    assert all(choices.losses(found + step).sum() > least for step in (0.2 * np.eye(2)).tolist())


def test_choices_that_are_always_right_give_finite_weights() -> None:
    evidence = np.array([[[1.0], [0.0]], [[0.0], [2.0]]])
    choices = Choices(evidence, np.ones((2, 2), np.bool_), np.array([0, 1]))
    assert np.isfinite(fit_choices(choices)).all()


def test_options_that_are_not_there_are_never_likely() -> None:
    choices = Choices(
        np.full((1, 3, 1), [[[1.0], [1.0], [99.0]]]), np.array([[True, True, False]]), np.array([0])
    )
    assert choices.probabilities(np.array([1.0])).tolist() == [[0.5, 0.5, 0.0]]


def test_cases_gone_astray_flatten_a_plain_fit_and_not_one_that_expects_them() -> None:
    told = chosen(6_000, seed=4, weights=6 * WEIGHTS)
    astray = np.random.default_rng(5).random(6_000) < 0.02
    right = np.where(astray, 0, told.right)  # the first option, whatever the evidence
    choices = Choices(told.evidence, told.there, right)
    assert fit_choices(choices)[0] < 0.75 * 6 * WEIGHTS[0]
    assert fit_choices(choices, strays=0.02) == pytest.approx(6 * WEIGHTS, rel=0.1)
