"""What text is worth, fitted on looks that were read."""

from __future__ import annotations

import math

import pytest

from app.domain.calibration import Calibration
from app.domain.ranking import RankedCard, Ranking
from app.domain.reading_evidence import Verdict
from app.domain.reranking import with_texts
from app.domain.types import Card, TemplateSource
from models.training.looks import Look
from models.training.texts import LEAST_READ, MOST_NATS, ReadLook, fit_text, report_text

AGREES, SILENT, CONTRADICTS = Verdict.AGREES, Verdict.SILENT, Verdict.CONTRADICTS
CARDS = tuple(
    RankedCard(Card(name, name), 1, 0.8, TemplateSource.OFFICIAL, difference=0.0) for name in ("own", "other")
)


def read(own: Verdict, other: Verdict, times: int = 1) -> list[ReadLook]:
    look = Look(Ranking(CARDS, margin=0.3), 1, "own", masked=False)
    return [ReadLook(look, {"own": own, "other": other})] * times


def test_a_verdict_makes_a_printing_as_much_likelier_as_it_is_oftener_right() -> None:
    some = read(AGREES, CONTRADICTS, 98) + read(CONTRADICTS, AGREES, 2)
    weight = fit_text(some)
    calibration = Calibration(
        -8.0, 20.0, 6.0, 0.02, 0.98, 0.9, 0.3, compared_temperature=0.03, text_nats=weight
    )
    found = some[0].look.ranking
    ranking = with_texts(found, some[0].verdicts, calibration.text_worth(found))
    likely, unlikely = calibration.printing_shares(ranking, 2)
    assert likely / unlikely == pytest.approx(99 / 3, rel=0.02)


def test_a_reader_that_never_erred_is_not_believed_without_end() -> None:
    assert fit_text(read(AGREES, CONTRADICTS, 50)) == pytest.approx(math.log(51) / 2, abs=1e-4)
    assert fit_text(read(AGREES, CONTRADICTS, 9_999)) == MOST_NATS


def test_a_reader_that_errs_as_often_as_not_is_worth_nothing() -> None:
    assert fit_text(read(AGREES, CONTRADICTS, 50) + read(CONTRADICTS, AGREES, 60)) == 0.0


def test_few_readings_are_worth_nothing() -> None:
    assert fit_text(read(AGREES, CONTRADICTS, LEAST_READ - 1)) == 0.0
    assert fit_text(read(SILENT, SILENT, 200) + read(AGREES, CONTRADICTS, 10)) == 0.0


def test_the_report_counts_what_was_said_about_the_printing_shown() -> None:
    some = read(AGREES, CONTRADICTS, 3) + read(CONTRADICTS, AGREES) + read(SILENT, SILENT, 2)
    assert report_text(some) == {"agrees": 3, "silent": 2, "contradicts": 1}
