"""Confidences fitted on labels: a known distortion is undone, few labels change little or are refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app.domain.adjustment import (
    LEAST_SCALE,
    Adjustment,
    LabelledAnswer,
    PrintingOdds,
    fit_card,
    fit_printing_scale,
    log_loss,
    log_odds,
)
from app.domain.calibration import UNCALIBRATED, Calibration, Calibrations, logistic
from app.domain.errors import LabelsError
from app.domain.ranking import RankedCard, Ranking
from app.domain.refit import FOLDS, LEAST_PICTURES, LEAST_WRONG, refit
from app.domain.thresholds import LEAST_UNKNOWN, Targets, answers_to_show, with_thresholds
from app.domain.types import AnswerKind, Card, TemplateSource

PLAIN = Calibration(-8.0, 20.0, 6.0, 0.02, 0.98, 0.9, 0.2)
VERIFIED = replace(PLAIN, agreement_weight=9.0, compared_temperature=0.03)
CALIBRATIONS = Calibrations(PLAIN, UNCALIBRATED, VERIFIED)


def made(count: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> list[LabelledAnswer]:
    """Answers whose true log-odds are ``scale`` times the stated ones plus ``shift``."""
    rng = np.random.default_rng(seed)
    answers = []
    for number, odds in enumerate(rng.normal(0.5, 3.0, count)):
        right = bool(rng.random() < logistic(scale * float(odds) + shift))
        card = logistic(float(odds))
        answers.append(LabelledAnswer(f"p{number}", AnswerKind.VERIFIED, card, card, right, right, right))
    return answers


def with_pairs(answers: list[LabelledAnswer], seed: int, printing_scale: float) -> list[LabelledAnswer]:
    """The same, with a second printing each, whose true log-odds are ``printing_scale`` times larger."""
    rng = np.random.default_rng(seed)
    paired = []
    for one in answers:
        odds = PrintingOdds((-float(rng.exponential(2.0)),), (0.0,), (1,))
        right = one.picture_right and bool(rng.random() < odds.share_of_the_first(printing_scale))
        share = odds.share_of_the_first(1.0)
        paired.append(replace(one, odds=odds, printing=one.card * share, printing_right=right))
    return paired


def test_a_known_distortion_is_found() -> None:
    fitted = fit_card(made(20_000, seed=1, scale=0.6, shift=-0.8))
    assert fitted.scale == pytest.approx(0.6, abs=0.03)
    assert fitted.shift == pytest.approx(-0.8, abs=0.08)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_known_distortion_of_printings_is_found(scale: float) -> None:
    answers = with_pairs(made(20_000, seed=2), seed=3, printing_scale=scale)
    assert fit_printing_scale(answers) == pytest.approx(scale, rel=0.08)


def test_few_labels_change_little() -> None:
    def moved(count: int) -> float:
        """How far the fit moves an answer of 50 %, in nats, on average."""
        fits = [fit_card(made(count, seed, shift=-2.0)) for seed in range(100, 130)]
        return float(np.mean([-one.shift for one in fits]))

    assert 0.0 < moved(3) < 0.5 < 1.7 < moved(1_000)


def test_confidence_still_rises_with_evidence_where_labels_say_the_opposite() -> None:
    answers = [replace(one, picture_right=one.card < 0.5) for one in made(500, seed=5)]
    assert fit_card(answers).scale == LEAST_SCALE


def ranked(card_id: str, similarity: float, bonus: float = 0.0, group: int = 1) -> RankedCard:
    card = RankedCard(Card(card_id, card_id), group, similarity, TemplateSource.OFFICIAL)
    return replace(card, bonus=bonus, agreement=0.4, difference=0.01)


def test_the_new_constants_give_the_confidences_that_were_fitted() -> None:
    cards = (ranked("a", 0.8), ranked("b", 0.79), ranked("c", 0.75), ranked("d", 0.4, group=2))
    ranking = Ranking(cards, margin=0.005, verified=True, rival_agreement=0.2)
    before = VERIFIED.confidence(ranking, 5)
    shares = VERIFIED.printing_shares(ranking, 5)
    unseen = (1.0 - sum(shares)) / 2
    odds = PrintingOdds(
        tuple(math.log(share / shares[0]) for share in (*shares[1:], unseen)), (0.0, 0.0, 0.0), (1, 1, 2)
    )
    answer = LabelledAnswer("p", AnswerKind.VERIFIED, before.card, before.printing, True, True, True, odds)
    adjustment = Adjustment(scale=0.7, shift=-0.4, printing_scale=1.5)
    predicted = adjustment.of(answer)
    after = adjustment.constants(VERIFIED).confidence(ranking, 5)
    assert before.card > after.card + 0.01
    assert (after.card, after.printing) == pytest.approx((predicted.card, predicted.printing))


def test_what_neighbours_say_is_not_scaled() -> None:
    odds = PrintingOdds((-2.0,), (1.0,), (1,))
    assert log_odds(odds.share_of_the_first(1.0)) == pytest.approx(1.0)
    assert log_odds(odds.share_of_the_first(2.0)) == pytest.approx(3.0)


def test_a_fit_brings_held_out_confidences_closer_to_the_truth() -> None:
    answers = with_pairs(made(600, seed=6, scale=0.5, shift=-1.0), seed=7, printing_scale=0.5)
    result = refit(answers, CALIBRATIONS, Targets())
    assert result.calibrations is not None
    assert result.after.log_loss_card < result.before.log_loss_card - 0.05
    assert result.after.ece_card < result.before.ece_card / 2
    assert result.after.log_loss_printing < result.before.log_loss_printing
    verified = result.calibrations.verified
    assert verified is not None
    assert verified.margin_weight < VERIFIED.margin_weight
    assert verified.compared_temperature > VERIFIED.compared_temperature
    assert (verified.accept_card, verified.accept_printing) == (0.98, 0.9)  # 600 labels prove no 99.9 %
    assert result.calibrations.plain == PLAIN


def test_thresholds_follow_their_targets_though_no_confidence_can_be_bettered() -> None:
    answers = made(4_000, seed=21)
    loose, strict = (
        refit(answers, CALIBRATIONS, Targets(picture=share, printing=share, unknown=0.9)).calibrations
        for share in (0.95, 0.99)
    )
    assert loose is not None
    assert strict is not None
    assert loose.verified is not None
    assert strict.verified is not None
    assert loose.verified.margin_weight == strict.verified.margin_weight == VERIFIED.margin_weight
    assert loose.verified.accept_card < strict.verified.accept_card


def test_no_picture_is_both_fitted_and_reported_on() -> None:
    """One picture, over and over and always wrong, cannot lower its own confidence."""
    answers = made(300, seed=8)
    stubborn = [LabelledAnswer("same", AnswerKind.VERIFIED, 0.9, 0.9, False, False, True) for _ in range(400)]
    result = refit([*answers, *stubborn], CALIBRATIONS, Targets())
    [kind] = result.kinds
    held_out = {one.card for one, _ in kind.after if one.picture == "same"}
    assert len(held_out) == 1
    assert held_out.pop() > 0.85
    # Fitted with it in, it would be far less sure.
    assert fit_card([*answers, *stubborn]).of(stubborn[0]).card < 0.6


def test_every_answer_is_reported_on_once() -> None:
    answers = made(203, seed=9, scale=0.4)
    [kind] = refit(answers, CALIBRATIONS, Targets()).kinds
    assert sorted(one.picture for one, _ in kind.after) == sorted(one.picture for one in answers)
    assert len({one.card for one, _ in kind.after}) > FOLDS


def test_a_fit_that_is_no_better_on_held_out_cards_changes_nothing() -> None:
    # As honest as can be: of nine answers at each probability just its share is right.
    answers = []
    for number in range(500):
        right = number % 10 != 0
        answers.append(LabelledAnswer(f"p{number}", AnswerKind.VERIFIED, 0.9, 0.9, right, right, True))
    result = refit(answers, CALIBRATIONS, Targets())
    assert result.calibrations is None
    [kind] = result.kinds
    assert kind.calibration is None
    assert any("no better" in one or "picture stays" in one for one in kind.remarks)
    assert result.after == result.before


def test_too_few_labels_are_refused_with_what_it_takes() -> None:
    with pytest.raises(LabelsError, match=rf"needs {LEAST_PICTURES} different cards.*verified has 12 "):
        refit(made(12, seed=10), CALIBRATIONS, Targets())


def test_the_same_card_again_and_again_counts_once() -> None:
    again = [replace(one, picture=f"p{number % 20}") for number, one in enumerate(made(400, seed=11))]
    with pytest.raises(LabelsError, match="verified has 20 "):
        refit(again, CALIBRATIONS, Targets())


def test_labels_without_wrong_answers_are_refused() -> None:
    right = [replace(one, picture_right=True) for one in made(200, seed=12)]
    with pytest.raises(LabelsError, match=rf"{LEAST_WRONG} wrongly.*200 rightly, 0 wrongly"):
        refit(right, CALIBRATIONS, Targets())


def test_a_kind_with_too_few_labels_keeps_its_constants_and_is_named() -> None:
    plain = [replace(one, kind=AnswerKind.PLAIN) for one in made(7, seed=13)]
    result = refit([*made(300, seed=14, scale=0.4), *plain], CALIBRATIONS, Targets())
    assert result.calibrations is not None
    assert result.calibrations.plain == PLAIN
    assert result.calibrations.verified != VERIFIED
    assert [line for line in result.left_out if line.startswith("plain has 7 ")]


def test_thresholds_follow_the_precision_where_labels_show_it() -> None:
    answers = [
        LabelledAnswer(f"p{number}", AnswerKind.VERIFIED, card, card, right, right, True)
        for number, (card, right) in enumerate(
            [(0.99, True)] * 200 + [(0.95, True)] * 100 + [(0.7, False)] * 50
        )
    ]
    shown, remarks = with_thresholds(VERIFIED, answers, Targets(picture=0.98, printing=0.97))
    assert (shown.accept_card, shown.accept_printing) == (0.95, 0.95)
    assert [line.split()[0] for line in remarks] == ["known_at"]
    kept, remarks = with_thresholds(VERIFIED, answers, Targets(picture=0.999, printing=0.97))
    assert kept.accept_card == VERIFIED.accept_card
    assert "accept_card stays" in remarks[0]
    assert str(answers_to_show(0.999)) in remarks[0]


def test_a_printing_is_never_accepted_below_the_least_probability() -> None:
    answers = [
        LabelledAnswer(f"p{number}", AnswerKind.VERIFIED, 0.99, 0.6, True, True, True)
        for number in range(300)
    ]
    shown, _ = with_thresholds(VERIFIED, answers, Targets(picture=0.95, printing=0.95))
    assert (shown.accept_card, shown.accept_printing) == (0.99, 0.95)


def test_a_picture_is_never_accepted_below_the_least_probability_of_a_printing() -> None:
    answers = [
        LabelledAnswer(f"p{number}", AnswerKind.VERIFIED, 0.4, 0.4, True, True, True) for number in range(300)
    ]
    shown, _ = with_thresholds(VERIFIED, answers, Targets(picture=0.95, printing=0.95))
    assert shown.accept_card == 0.95


def test_unknown_follows_from_enough_cards_of_no_gallery() -> None:
    def strangers(count: int) -> list[LabelledAnswer]:
        cards = np.linspace(0.01, 0.5, count)
        return [
            LabelledAnswer(f"p{number}", AnswerKind.VERIFIED, float(card), float(card), False, False, False)
            for number, card in enumerate(cards)
        ]

    fitted, _ = with_thresholds(VERIFIED, strangers(100), Targets(unknown=0.9))
    assert fitted.known_at == pytest.approx(np.quantile(np.linspace(0.01, 0.5, 100), 0.9), abs=1e-6)
    kept, remarks = with_thresholds(VERIFIED, strangers(LEAST_UNKNOWN - 1), Targets(unknown=0.9))
    assert kept.known_at == VERIFIED.known_at
    assert any("known_at stays" in line for line in remarks)


def test_how_many_answers_show_a_precision() -> None:
    assert answers_to_show(0.95) == 73
    assert answers_to_show(1.0) == 0


def test_log_loss_is_the_mean_of_what_each_answer_costs() -> None:
    expected = -(math.log(0.8) + math.log(0.7)) / 2
    assert log_loss([0.8, 0.3], [True, False]) == pytest.approx(expected)
