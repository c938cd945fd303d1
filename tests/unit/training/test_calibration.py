"""Fitting confidences: the right weights from made-up evidence, never below zero, thresholds that hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.domain.calibration import ACCEPT_PRECISION, UNKNOWN_RECALL
from app.domain.ranking import RankedCard, Ranking
from app.domain.types import Card, TemplateSource
from models.training.calibration import fit, report
from models.training.looks import Look


def looks(count: int, seed: int) -> list[Look]:
    """Known cards with a wide margin, masked ones with a narrow one, and some overlap between them."""
    rng = np.random.default_rng(seed)
    made = []
    for index in range(count):
        masked = bool(index % 2)
        margin = float(np.clip(rng.normal(0.1 if masked else 0.4, 0.08), 0, 1))
        card = RankedCard(Card("a", "a"), 1, 0.5 + margin / 2, TemplateSource.OFFICIAL)
        # The card that leads shows picture 1; masked looks were of another.
        made.append(Look(Ranking((card,), margin), 2 if masked else 1, "a", masked, index))
    return made


def test_thresholds_hold_on_looks_they_were_not_fitted_on() -> None:
    calibration = fit(looks(4_000, seed=5))
    held_out = report(calibration, looks(4_000, seed=6))
    assert held_out["accepted_precision"] > ACCEPT_PRECISION - 0.004
    assert held_out["unknown_called_unknown"] == pytest.approx(UNKNOWN_RECALL, abs=0.03)
    assert held_out["known_accepted"] > 0.7
    assert held_out["ece"] < 0.03


def test_unknown_cards_count_as_often_as_they_are_met() -> None:
    """Twins of a masked card that nothing tells from it: one in five cards, not every second, is unknown."""
    sure = [look for look in looks(2_000, seed=7) if not look.masked]
    twins = [replace(look, artwork=2, masked=True, photo=look.photo + 5_000) for look in sure[:3]]
    strangers = [look for look in looks(2_000, seed=8) if look.masked]
    calibration = fit([*sure, *twins, *strangers])
    accepted = sum(
        calibration.card_probability(look.ranking) >= calibration.accept_card for look in (*sure, *twins)
    )
    assert accepted > 700
    assert len(twins) / accepted > 1 - ACCEPT_PRECISION  # more than there may be, were each of them one card


def test_verified_answers_do_without_the_similarity() -> None:
    verified = [replace(look, ranking=replace(look.ranking, verified=True)) for look in looks(2_000, seed=9)]
    assert fit(verified).similarity_weight > 0
    assert fit(verified, agreement=1.0).similarity_weight == 0
