"""Ranking folds templates into cards and cards into pictures before it measures any margin."""

from __future__ import annotations

import pytest

from app.domain.ranking import rank, split_by_query
from app.domain.types import Card, TemplateHit, TemplateSource


def hit(card_id: str, similarity: float, group: int, query: int = 0) -> TemplateHit:
    return TemplateHit(query, Card(card_id, card_id), group, similarity, TemplateSource.OFFICIAL)


def test_templates_of_one_card_count_once_with_their_best_similarity() -> None:
    ranking = rank([hit("a", 0.7, 1), hit("a", 0.9, 1), hit("b", 0.8, 2)])
    assert [(c.card.card_id, c.similarity) for c in ranking.cards] == [("a", 0.9), ("b", 0.8)]


def test_the_margin_ignores_printings_of_the_same_picture() -> None:
    ranking = rank([hit("a", 0.9, 1), hit("a-reprint", 0.89, 1), hit("b", 0.5, 2)])
    assert ranking.margin == pytest.approx(0.4)


def test_the_margin_is_taken_against_the_mean_of_the_next_ten_pictures() -> None:
    others = [hit(f"c{i}", 0.5, 10 + i) for i in range(9)] + [hit("d", 0.6, 30), hit("far", 0.0, 31)]
    assert rank([hit("a", 0.9, 1), *others]).margin == pytest.approx(0.9 - (9 * 0.5 + 0.6) / 10)


def test_a_single_picture_has_its_whole_similarity_as_margin() -> None:
    assert rank([hit("a", 0.9, 1)]).margin == pytest.approx(0.9)


def test_no_hits_give_no_leader_and_no_margin() -> None:
    ranking = rank([])
    assert ranking.best is None
    assert (ranking.margin, ranking.similarity) == (0.0, 0.0)


def test_ties_are_broken_by_card_id_whatever_the_order_of_hits() -> None:
    first = rank([hit("b", 0.9, 1), hit("a", 0.9, 2)])
    second = rank([hit("a", 0.9, 2), hit("b", 0.9, 1)])
    assert [c.card.card_id for c in first.cards] == [c.card.card_id for c in second.cards] == ["a", "b"]


def test_hits_of_a_scan_are_split_by_query_and_keep_their_order() -> None:
    hits = [hit("a", 0.9, 1, query=1), hit("b", 0.8, 2, query=0), hit("c", 0.7, 3, query=1)]
    split = split_by_query(hits, 3)
    assert [[h.card.card_id for h in one] for one in split] == [["b"], ["a", "c"], []]
