"""What text is worth, fitted on looks that were read."""

from __future__ import annotations

import pytest

from app.domain.calibration import Calibration
from app.domain.ranking import RankedCard, Ranking
from app.domain.reading_evidence import Verdict
from app.domain.types import Card, TemplateSource
from models.training.looks import Look
from models.training.texts import LEAST_READ, ReadLook, fit_text, report_text

CALIBRATION = Calibration(-8.0, 20.0, 6.0, 0.02, 0.98, 0.9, 0.3, compared_temperature=0.03)


def read(*, right: bool, masked: bool = False, silent: bool = False) -> ReadLook:
    """Two printings that nothing else tells apart, and a text for the one that is shown or for the other."""
    cards = tuple(
        RankedCard(Card(name, name), 1, 0.8, TemplateSource.OFFICIAL, difference=0.0)
        for name in ("own", "other")
    )
    look = Look(Ranking(cards, margin=0.3), 1, "own", masked)
    if silent:
        return ReadLook(look, {"own": Verdict.SILENT, "other": Verdict.SILENT})
    said = (Verdict.AGREES, Verdict.CONTRADICTS)
    return ReadLook(look, dict(zip(("own", "other"), said if right else said[::-1], strict=True)))


def test_a_verdict_is_worth_as_much_as_it_is_right() -> None:
    weights = [
        fit_text(CALIBRATION, [read(right=True)] * (100 - wrong) + [read(right=False)] * wrong)
        for wrong in (0, 2, 10, 50)
    ]
    assert weights == sorted(weights, reverse=True)
    # Two printings lie twice the weight apart: e to that power, over the temperature, are the odds.
    assert 2 * weights[1] / 0.03 == pytest.approx(3.5, abs=0.3)  # 98 to 3
    assert weights[-1] == 0.0


def test_a_reader_that_never_erred_is_not_believed_without_end() -> None:
    assert 0 < fit_text(CALIBRATION, [read(right=True)] * 50) < 5 * 0.03


def test_few_readings_are_worth_nothing() -> None:
    assert fit_text(CALIBRATION, [read(right=True)] * (LEAST_READ - 1)) == 0.0
    silent = [read(right=True, silent=True)] * 200
    assert fit_text(CALIBRATION, silent + [read(right=True)] * 10) == 0.0
    assert fit_text(CALIBRATION, [read(right=True, masked=True)] * 200) == 0.0


def test_the_report_counts_what_was_said_about_the_printing_shown() -> None:
    some = [read(right=True), read(right=False), read(right=True, silent=True), read(right=True, masked=True)]
    assert report_text(some) == {
        "open_and_read": 4,
        "own_printing_agrees": 1,
        "own_printing_silent": 1,
        "own_printing_contradicts": 1,
    }
