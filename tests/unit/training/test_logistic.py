"""Logistic regression: weights behind made-up answers are found again, also where a few labels mislead."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.logistic import fit_logistic, likeliest_share

WEIGHTS = (-4.0, 6.0, 3.0)


def evidence(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([np.ones(count), rng.uniform(0, 1, count), rng.uniform(0, 1, count)])


def answers(features: np.ndarray, weights: tuple[float, float, float], seed: int) -> np.ndarray:
    chance = 1.0 / (1.0 + np.exp(-features @ np.array(weights)))
    return (np.random.default_rng(seed).random(len(chance)) < chance).astype(float)


def test_the_weights_behind_the_answers_are_found_again() -> None:
    features = evidence(20_000, seed=1)
    fitted = fit_logistic(features, answers(features, WEIGHTS, seed=2))
    assert fitted == pytest.approx(WEIGHTS, abs=0.3)


def test_evidence_that_seems_to_speak_against_a_card_gets_no_weight() -> None:
    features = evidence(5_000, seed=3)
    bias, margin_weight, similarity_weight = fit_logistic(
        features, answers(features, (0.0, 5.0, -4.0), seed=4)
    )
    assert similarity_weight == 0.0
    assert margin_weight > 3.0
    assert np.isfinite(bias)


def with_lookalikes(seed: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Answers of which a share is wrong whatever the evidence says; most are nearly sure."""
    features = evidence(20_000, seed) * np.array([1.0, 3.0, 3.0])
    spared = np.random.default_rng(seed + 2).random(len(features)) >= share
    return features, answers(features, WEIGHTS, seed + 1) * spared


def test_a_few_lookalikes_flatten_a_plain_fit_and_not_one_that_expects_them() -> None:
    features, right = with_lookalikes(seed=5, share=0.005)
    plain, expecting = fit_logistic(features, right), fit_logistic(features, right, lookalikes=0.005)
    assert plain[1] < 0.8 * WEIGHTS[1]
    assert expecting == pytest.approx(WEIGHTS, abs=0.5)


@pytest.mark.parametrize("share", [0.0, 0.01])
def test_the_share_of_lookalikes_is_the_one_under_which_the_answers_are_likeliest(share: float) -> None:
    assert likeliest_share(*with_lookalikes(seed=8, share=share), (0.0, 0.003, 0.01, 0.03)) == share
