"""What similarities and differences of printings are worth, fitted on made-up looks."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.calibration import Calibration
from app.domain.ranking import RankedCard, Ranking
from app.domain.types import Card, TemplateSource
from models.training.looks import Look
from models.training.printing_fit import PrintingWeights, fit_printings, weighed

NATS, CLEAR, UNCLEAR = 5.0, 0.01, 0.04


def looks(count: int, seed: int, unclear: float = UNCLEAR) -> list[Look]:
    """Pictures of two printings each, the right one drawn by chance as similarity and difference say."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        agreement = float(rng.uniform(0, 1))
        similarities = rng.normal(0.8, 0.03, 2)
        differences = np.array([0.0, rng.exponential(0.3)])[rng.permutation(2)]
        odds = similarities / (CLEAR + unclear * (1 - agreement)) - NATS * differences
        names = np.array(["own", "other"])
        if rng.random() > 1 / (1 + np.exp(odds[1] - odds[0])):
            names = names[::-1]
        cards = [
            RankedCard(
                Card(str(name), str(name)), 1, float(s), TemplateSource.OFFICIAL, 30, agreement, float(d)
            )
            for name, s, d in zip(names, similarities, differences, strict=True)
        ]
        cards.sort(key=lambda one: -one.similarity)
        made.append(Look(Ranking(tuple(cards), 0.3, verified=True), 1, "own", masked=False))
    return made


def test_what_made_the_printings_likely_is_found_again() -> None:
    found = fit_printings(looks(6_000, seed=1))
    assert found.difference_nats == pytest.approx(NATS, rel=0.15)
    assert found.compared_temperature == pytest.approx(CLEAR, rel=0.3)
    assert found.unclear_temperature == pytest.approx(UNCLEAR, rel=0.3)


def test_a_temperature_that_does_not_depend_on_the_photo_is_found_too() -> None:
    found = fit_printings(looks(6_000, seed=2, unclear=0.0))
    assert found.compared_temperature == pytest.approx(CLEAR, rel=0.1)
    assert found.unclear_temperature < 0.5 * CLEAR


def test_few_looks_say_nothing() -> None:
    assert fit_printings(looks(20, seed=3)) == PrintingWeights()


def test_a_look_is_ranked_by_what_its_differences_are_worth() -> None:
    calibration = Calibration(0, 0, 0, 0.02, 0.9, 0.9, 0.1, difference_nats=1e6, compared_temperature=0.01)
    for look in looks(20, seed=4):
        best = weighed(look, calibration).ranking.best
        assert best is not None
        assert best.difference == 0.0
