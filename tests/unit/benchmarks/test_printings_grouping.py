"""Artwork groups are judged by the pairs that they put together."""

from __future__ import annotations

from benchmarks.printings.collection import Subject
from benchmarks.printings.grouping import judge_groups, pair_shares
from benchmarks.printings.measuring import Tally
from benchmarks.printings.tables import format_tally


def shares(true: dict[str, str], found: dict[str, int]) -> list[tuple[int, int]]:
    return [(share.hits, share.of) for share in pair_shares(true, found)]


def test_groups_that_are_right_hold_all_pairs_and_no_others() -> None:
    assert shares({"a": "x", "b": "x", "c": "y"}, {"a": 1, "b": 1, "c": 2}) == [(1, 1), (1, 1)]


def test_a_group_that_is_split_misses_pairs_and_one_that_is_chained_adds_false_ones() -> None:
    true = {"a": "x", "b": "x", "c": "x", "d": "y"}
    assert shares(true, {"a": 1, "b": 1, "c": 2, "d": 3}) == [(1, 3), (1, 1)]
    assert shares(true, {"a": 1, "b": 1, "c": 1, "d": 1}) == [(3, 3), (3, 6)]


def test_cards_that_the_gallery_lacks_do_not_count() -> None:
    assert shares({"a": "x", "b": "x"}, {"a": 1}) == [(0, 0), (0, 0)]


class ChainingGallery:
    """Puts every card into one group."""

    async def artwork_groups_of(self, card_ids):
        return dict.fromkeys(card_ids, 1)


async def test_a_gallery_that_chains_its_cards_is_found_out_and_tabulated() -> None:
    known = [
        Subject(name, "", lambda: None, printings, (), True)
        for printings in (frozenset("ab"), frozenset("c"))
        for name in printings
    ]
    groups = await judge_groups(ChainingGallery(), known)
    assert (groups.largest, groups.largest_true) == (3, 2)
    assert [(share.hits, share.of) for share in groups.shares] == [(1, 1), (1, 3)]
    assert "| 3 / 2 |" in format_tally(Tally(groups=groups))
    assert groups.as_json()["largest"] == 3
