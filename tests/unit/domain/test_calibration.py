"""Confidence rises with evidence, splits among printings, and decides the status."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calibration import PICTURES_ALONE, UNCALIBRATED, Calibration, Calibrations
from app.domain.calibration_file import load_calibrations, save_calibrations
from app.domain.errors import ConfigurationError
from app.domain.ranking import RankedCard, Ranking
from app.domain.reranking import with_differences
from app.domain.types import Card, Confidence, Status, TemplateSource

CALIBRATION = Calibration(-8.0, 20.0, 6.0, 0.02, 0.98, 0.9, 0.3)
UNIT = st.floats(0, 1)


def ranked(card_id: str, similarity: float, group: int = 1) -> RankedCard:
    return RankedCard(Card(card_id, card_id), group, similarity, TemplateSource.OFFICIAL)


@given(UNIT, UNIT, UNIT, UNIT)
def test_more_evidence_never_lowers_confidence(s1: float, s2: float, m1: float, m2: float) -> None:
    weaker = CALIBRATION.card_probability(Ranking((ranked("a", min(s1, s2)),), min(m1, m2)))
    stronger = CALIBRATION.card_probability(Ranking((ranked("a", max(s1, s2)),), max(m1, m2)))
    assert 0 <= weaker <= stronger <= 1


@given(UNIT, UNIT, UNIT, UNIT)
def test_a_picture_that_agrees_better_and_its_rivals_worse_is_surer(
    a1: float, a2: float, r1: float, r2: float
) -> None:
    calibration = replace(CALIBRATION, agreement_weight=5.0)

    def probability(agreement: float, rival: float) -> float:
        card = replace(ranked("a", 0.3), agreement=agreement)
        return calibration.card_probability(Ranking((card,), 0.1, verified=True, rival_agreement=rival))

    weaker, stronger = probability(min(a1, a2), max(r1, r2)), probability(max(a1, a2), min(r1, r2))
    assert 0 <= weaker <= stronger <= 1


def test_the_lead_of_an_agreement_is_none_where_nobody_looked_and_below_zero_behind_a_rival() -> None:
    leader = replace(ranked("a", 0.3), agreement=0.4)
    assert Ranking((ranked("a", 0.3),), 0.1).agreement_lead == 0.0
    assert Ranking((leader,), 0.1, verified=True, rival_agreement=0.4).agreement_lead == 0.0
    assert Ranking((leader,), 0.1, verified=True, rival_agreement=0.5).agreement_lead < 0.0
    assert Ranking((leader,), 0.1, verified=True, rival_agreement=0.15).agreement_lead == pytest.approx(
        math.log(2)
    )


def test_the_shares_of_the_printings_of_one_picture_add_up_to_one() -> None:
    ranking = Ranking((ranked("a", 0.9), ranked("b", 0.88), ranked("c", 0.4, group=2)), margin=0.5)
    shares = CALIBRATION.printing_shares(ranking, group_size=2)
    assert len(shares) == 2
    assert sum(shares) == pytest.approx(1.0)
    assert shares[0] > shares[1]
    assert sum(CALIBRATION.printing_shares(ranking, group_size=3)) < 1.0


def test_printings_that_were_compared_are_told_apart_by_a_temperature_of_their_own() -> None:
    calibration = replace(CALIBRATION, compared_temperature=0.01)
    alone = Ranking((ranked("a", 0.9), ranked("b", 0.88)), margin=0.5)
    both = tuple(replace(one, difference=0.0) for one in alone.cards)
    assert calibration.printing_shares(alone, 2) == CALIBRATION.printing_shares(alone, 2)
    compared = calibration.printing_shares(replace(alone, cards=both), 2)
    assert compared[0] == pytest.approx(1 / (1 + math.exp(-2)))
    assert compared[0] > calibration.printing_shares(alone, 2)[0]


@pytest.mark.parametrize("without", [0, 1])
def test_a_printing_without_a_picture_is_told_apart_only_by_what_the_search_said(without: int) -> None:
    """Whatever differences say about others, they are silent on it: it neither wins by them nor loses."""
    calibration = replace(CALIBRATION, compared_temperature=0.001)
    cards = [replace(ranked(name, s), difference=0.0) for name, s in (("a", 0.9), ("b", 0.88))]
    cards[without] = replace(cards[without], difference=None)
    first, second = calibration.printing_shares(Ranking(tuple(cards), margin=0.5), 2)
    assert first == pytest.approx(1 / (1 + math.exp(-0.02 / CALIBRATION.printing_temperature)))
    assert second == pytest.approx(1 - first)


def test_the_clearer_a_photo_is_the_more_a_small_difference_of_printings_says() -> None:
    calibration = replace(CALIBRATION, compared_temperature=0.01, unclear_temperature=0.04)
    shares = []
    for agreement in (0.2, 0.9):
        cards = [replace(ranked(name, s), agreement=agreement) for name, s in (("a", 0.9), ("b", 0.88))]
        both = tuple(replace(one, difference=0.0) for one in cards)
        compared = Ranking(both, 0.5, verified=True)
        assert calibration.temperature(compared) == pytest.approx(0.01 + 0.04 * (1 - agreement))
        assert calibration.difference_worth(compared) == 0.0  # nobody has fitted what one is worth
        shares.append(calibration.printing_shares(compared, 2)[0])
    assert shares[0] < shares[1]


def test_differences_and_text_count_in_nats_whatever_the_temperature() -> None:
    calibration = replace(CALIBRATION, compared_temperature=0.01, difference_nats=3.0, text_nats=2.0)
    cards = (replace(ranked("a", 0.9), difference=0.0, agreement=0.5), ranked("b", 0.9))
    told = with_differences(Ranking(cards, 0.5), {"a": 0.0, "b": 0.5}, 3.0 * 0.01)
    likely, unlikely = calibration.printing_shares(told, 2)
    assert math.log(likely / unlikely) == pytest.approx(3.0 * 0.5)
    assert calibration.difference_worth(told) == pytest.approx(3.0 * 0.01)
    assert calibration.text_worth(told) == pytest.approx(2.0 * 0.01)
    assert calibration.text_worth(Ranking((ranked("a", 0.9),), 0.5)) == pytest.approx(2.0 * 0.02)


def test_comparing_printings_says_nothing_about_other_pictures() -> None:
    calibration = replace(CALIBRATION, compared_temperature=0.001)
    rival = ranked("c", 0.85, group=2)
    leader, compared = ranked("a", 0.9), replace(ranked("a", 0.9), difference=0.0)
    confidence = Confidence(card=0.6, printing=0.6)
    plain, checked = (
        calibration.candidate_probability(Ranking((one, rival), 0.1), rival, confidence, 1)
        for one in (leader, compared)
    )
    assert plain == checked > 0


def test_two_printings_that_look_alike_share_the_confidence() -> None:
    ranking = Ranking((ranked("a", 0.9), ranked("b", 0.9)), margin=0.5)
    confidence = CALIBRATION.confidence(ranking, group_size=2)
    assert confidence.printing == pytest.approx(confidence.card / 2)


def test_printings_that_were_not_among_the_hits_still_cost_confidence() -> None:
    ranking = Ranking((ranked("a", 0.9),), margin=0.5)
    assert CALIBRATION.confidence(ranking, group_size=4).printing == pytest.approx(
        CALIBRATION.confidence(ranking, group_size=1).printing / 4
    )


def test_a_printing_is_never_surer_than_its_picture() -> None:
    ranking = Ranking((ranked("a", 0.9), ranked("b", 0.5, group=2)), margin=0.4)
    confidence = CALIBRATION.confidence(ranking, group_size=1)
    assert confidence.printing <= confidence.card


def test_candidates_behind_the_leader_share_what_it_leaves_and_stay_below_it() -> None:
    ranking = Ranking((ranked("a", 0.6), ranked("b", 0.59, 2), ranked("c", 0.3, 3)), margin=0.1)
    leader = CALIBRATION.confidence(ranking, 1)
    shares = [CALIBRATION.candidate_probability(ranking, card, leader, 1) for card in ranking.cards]
    assert shares[0] == leader.printing
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1.0


def test_two_printings_that_look_alike_are_as_likely_as_each_other() -> None:
    ranking = Ranking((ranked("a", 0.9), ranked("b", 0.9), ranked("c", 0.3, 3)), margin=0.5)
    leader = CALIBRATION.confidence(ranking, 2)
    first, second, other = (
        CALIBRATION.candidate_probability(ranking, card, leader, 2) for card in ranking.cards
    )
    assert first == second == leader.printing
    assert first + second + other <= 1.0


def test_printings_that_nobody_compared_are_not_ruled_out_by_what_others_showed() -> None:
    ruled_out = replace(ranked("b", 0.9), difference=3.0, bonus=-0.5)
    ranking = Ranking((replace(ranked("a", 0.9), difference=0.1), ruled_out), margin=0.5)
    assert CALIBRATION.printing_shares(ranking, group_size=2)[0] > 0.99
    assert CALIBRATION.printing_shares(ranking, group_size=4)[0] == pytest.approx(1 / 3)


def test_the_picture_is_as_sure_whichever_of_its_printings_leads() -> None:
    printings = ranked("a", 0.5), ranked("foil", 0.4)
    for order in (printings, printings[::-1]):
        assert CALIBRATION.card_probability(Ranking(order, 0.2)) == CALIBRATION.card_probability(
            Ranking(printings, 0.2)
        )


def test_nothing_found_is_no_confidence() -> None:
    assert CALIBRATION.confidence(Ranking((), 0.0), 1) == Confidence(0.0, 0.0)


@pytest.mark.parametrize(
    ("card", "printing", "status"),
    [
        (0.99, 0.95, Status.ACCEPTED),
        (0.99, 0.5, Status.REVIEW),
        (0.9, 0.9, Status.REVIEW),
        (0.29, 0.29, Status.UNKNOWN),
    ],
)
def test_status_follows_from_both_confidences(card: float, printing: float, status: Status) -> None:
    assert CALIBRATION.status(Confidence(card, printing)) is status


def test_calibrations_survive_being_written_and_read(tmp_path: Path) -> None:
    in_space = replace(CALIBRATION, bias=-9.0)
    verified = replace(CALIBRATION, agreement_weight=3.0, standing_agreement=0.5)
    for calibrations in (
        Calibrations(CALIBRATION, in_space),
        Calibrations(CALIBRATION, UNCALIBRATED, verified),
        Calibrations(CALIBRATION, in_space, verified, replace(verified, bias=-3.0)),
    ):
        save_calibrations(calibrations, tmp_path)
        assert load_calibrations(tmp_path) == calibrations


def test_what_an_encoder_has_no_calibration_for_gets_the_cautious_one(tmp_path: Path) -> None:
    assert load_calibrations(tmp_path) == Calibrations(
        UNCALIBRATED, UNCALIBRATED, PICTURES_ALONE, PICTURES_ALONE
    )
    save_calibrations(Calibrations(CALIBRATION, UNCALIBRATED), tmp_path)
    assert load_calibrations(tmp_path) == Calibrations(CALIBRATION, UNCALIBRATED)


def test_verified_answers_have_constants_of_their_own_where_the_encoder_has_any() -> None:
    verified = replace(CALIBRATION, bias=-5.0)
    found = Ranking((ranked("a", 0.9),), margin=0.5, verified=True)
    assert Calibrations(CALIBRATION, UNCALIBRATED, verified).of(found) is verified
    assert Calibrations(CALIBRATION, UNCALIBRATED, verified).of(replace(found, verified=False)) is CALIBRATION
    assert Calibrations(CALIBRATION, UNCALIBRATED).of(found) is CALIBRATION
    assert Calibrations(CALIBRATION, UNCALIBRATED, verified).of(replace(found, in_space=True)) is UNCALIBRATED


def test_a_gallery_with_a_space_has_constants_of_its_own() -> None:
    calibrations = Calibrations(CALIBRATION, UNCALIBRATED)
    found = Ranking((ranked("a", 0.9),), margin=0.5)
    assert calibrations.of(found) is CALIBRATION
    assert calibrations.of(replace(found, in_space=True)) is UNCALIBRATED


@pytest.mark.parametrize(
    "change", [{"margin_weight": -1.0}, {"known_at": 0.999}, {"bias": "high"}, {"bias": None}]
)
def test_a_calibration_that_makes_no_sense_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    save_calibrations(Calibrations(CALIBRATION, CALIBRATION), tmp_path)
    path = tmp_path / "calibration.json"
    good = json.loads(path.read_text())
    for bad in ({**good, **change}, {**good, "in_space": {**good["in_space"], **change}}):
        path.write_text(json.dumps(bad))
        with pytest.raises(ConfigurationError):
            load_calibrations(tmp_path)


@pytest.mark.parametrize("part", [None, "verified"])
def test_constants_of_another_form_of_the_model_are_refused_by_name(tmp_path: Path, part: str | None) -> None:
    save_calibrations(Calibrations(CALIBRATION, UNCALIBRATED, CALIBRATION), tmp_path)
    values = json.loads((tmp_path / "calibration.json").read_text())
    (values if part is None else values[part])["rival_weight"] = 11.6
    (tmp_path / "calibration.json").write_text(json.dumps(values))
    with pytest.raises(ConfigurationError, match="rival_weight: of another version"):
        load_calibrations(tmp_path)
