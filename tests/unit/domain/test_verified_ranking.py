"""Rankings after the reference pictures were compared with the crop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.ranking import RankedCard, Ranking
from app.domain.reranking import Agreement, with_agreements, with_differences, with_twins
from app.domain.types import Card, TemplateSource

AGREEMENT_WORTH, DIFFERENCE_WORTH = 0.5, 0.1


def ranked(card_id: str, similarity: float, group: int) -> RankedCard:
    return RankedCard(Card(card_id, card_id), group, similarity, TemplateSource.OFFICIAL)


RANKING = Ranking(
    (ranked("a1", 0.70, 1), ranked("b1", 0.68, 2), ranked("a2", 0.66, 1), ranked("c1", 0.50, 3)), margin=0.1
)


def ids(ranking: Ranking) -> list[str]:
    return [one.card.card_id for one in ranking.cards]


def test_the_picture_that_agrees_best_leads_though_another_is_more_similar() -> None:
    agreements = {1: Agreement(7, 0.2), 2: Agreement(40, 0.6)}
    verified = with_agreements(RANKING, agreements, AGREEMENT_WORTH, compared=4)
    assert ids(verified)[0] == "b1"
    assert verified.verified
    assert verified.rival_agreement == 0.2
    assert verified.agreement == 0.6
    assert verified.cards[0].inliers == 40


def test_the_margin_is_that_of_the_new_leader_and_never_below_zero() -> None:
    verified = with_agreements(RANKING, {1: Agreement(7, 0.2), 2: Agreement(40, 0.6)}, AGREEMENT_WORTH)
    assert verified.margin == pytest.approx(0.68 - (0.70 + 0.50) / 2)
    far = with_agreements(RANKING, {1: Agreement(0, 0.0), 3: Agreement(60, 0.9)}, AGREEMENT_WORTH)
    assert far.margin == 0.0


def test_a_picture_that_nobody_compared_counts_as_the_worst_of_the_others() -> None:
    verified = with_agreements(RANKING, {1: Agreement(7, 0.2), 2: Agreement(8, 0.1)}, AGREEMENT_WORTH)
    unseen = next(one for one in verified.cards if one.card.card_id == "c1")
    assert unseen.standing == pytest.approx(0.5 + 0.5 * 0.1)
    assert unseen.inliers is None


def test_few_pictures_compared_are_no_verification() -> None:
    two = with_agreements(RANKING, {1: Agreement(40, 0.6), 2: Agreement(7, 0.2)}, AGREEMENT_WORTH)
    assert not two.verified


def test_a_leader_that_could_not_be_compared_keeps_its_place() -> None:
    assert with_agreements(RANKING, {2: Agreement(40, 0.6), 3: Agreement(9, 0.3)}, 0.5) is RANKING


def test_an_answer_that_only_a_photo_carries_is_one_of_learning() -> None:
    """Whatever the search found: what was learnt decided, and has to be surer for it."""
    agreements = {1: Agreement(7, 0.2, 0.2), 2: Agreement(40, 0.6, 0.1), 3: Agreement(9, 0.1)}
    leader, *others = with_agreements(RANKING, agreements, AGREEMENT_WORTH).cards
    assert (leader.card.card_id, leader.source) == ("b1", TemplateSource.CORRECTION)
    assert (leader.picture_similarity, leader.picture_agreement) == (0.68, 0.1)
    assert {one.source for one in others} == {TemplateSource.OFFICIAL}


def test_pictures_that_are_the_same_become_one_and_no_rivals() -> None:
    joined = with_twins(RANKING, {2: 1})
    assert [one.card.card_id for one in joined.members()] == ["a1", "b1", "a2"]
    assert joined.margin == pytest.approx(0.70 - 0.50)
    assert with_twins(RANKING, {}) is RANKING


def test_without_any_comparison_a_ranking_stays_as_it_was() -> None:
    assert with_agreements(RANKING, {}, AGREEMENT_WORTH) is RANKING
    assert with_differences(RANKING, {}, DIFFERENCE_WORTH) is RANKING


def test_a_printing_that_fits_better_leads_its_picture_and_no_other_picture_overtakes_it() -> None:
    agreeing = with_agreements(RANKING, {1: Agreement(60, 1.0)}, 0.0)
    told_apart = with_differences(agreeing, {"a1": 1.2, "a2": 0.2}, DIFFERENCE_WORTH)
    assert ids(told_apart) == ["a2", "a1", "b1", "c1"]
    best = told_apart.best
    assert best is not None
    assert (best.difference, best.standing) == (0.2, pytest.approx(0.66))


def test_nothing_speaks_against_a_printing_without_a_picture() -> None:
    cards = [replace(ranked(card_id, 0.7, 1), agreement=0.5) for card_id in "abc"]
    ranking = Ranking(tuple(cards), margin=0.1)
    told_apart = with_differences(ranking, {"a": 0.2, "b": 0.6}, DIFFERENCE_WORTH)
    standings = {one.card.card_id: one.standing for one in told_apart.cards}
    assert standings["a"] == standings["c"] > standings["b"]


def test_leaders_are_the_best_cards_of_the_best_pictures() -> None:
    assert [one.card.card_id for one in RANKING.leaders(2)] == ["a1", "b1"]
    assert [one.card.card_id for one in RANKING.members()] == ["a1", "a2"]
