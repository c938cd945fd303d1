from __future__ import annotations

from app.db.artwork_groups import groups_by_leader


def test_cards_alike_follow_the_first_of_them() -> None:
    assert groups_by_leader(["a", "b", "c"], [("a", "b")]) == {"a": "a", "b": "a", "c": "c"}


def test_a_card_like_a_member_but_not_like_the_leader_stays_apart() -> None:
    assert groups_by_leader(["a", "b", "c"], [("a", "b"), ("b", "c")]) == {"a": "a", "b": "a", "c": "c"}


def test_a_card_like_two_leaders_follows_the_earlier_whatever_the_order_of_pairs() -> None:
    pairs = [("b", "c"), ("a", "c")]
    expected = {"a": "a", "b": "b", "c": "a"}
    assert groups_by_leader(["a", "b", "c"], pairs) == expected
    assert groups_by_leader(["a", "b", "c"], pairs[::-1]) == expected
