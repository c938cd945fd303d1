"""Which pairs of cards have their pictures compared."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.gallery_types import PictureToCompare
from app.domain.types import Vectors
from app.services import asked_pairs
from app.services.asked_pairs import ASKED_PAIRS, ASKED_SIMILARITY, AskedPairs, pairs_to_ask

CARDS = 150


def some_vectors(count: int = CARDS) -> Vectors:
    """Around one direction, so that most pairs are alike enough and some are not."""
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(count, 16)) + 1.6 * rng.normal(size=16)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def cards_of(count: int, compared: dict[int, float] | None = None) -> list[PictureToCompare]:
    return [PictureToCompare(f"{i:03}", "g", i, (compared or {}).get(i)) for i in range(count)]


def as_set(asked: AskedPairs) -> set[tuple[int, int]]:
    pairs = list(zip(asked.first.tolist(), asked.second.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    return set(pairs)


def in_halves(vectors: Vectors, first: int) -> list[AskedPairs]:
    """As two imports ask, the first of so many cards."""
    one = pairs_to_ask(cards_of(first), vectors[:first])
    return [one, pairs_to_ask(cards_of(len(vectors), one.asked_from), vectors)]


def expected_pairs(vectors: Vectors) -> set[tuple[int, int]]:
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -1)
    nearest = np.argsort(-similarities, axis=1)[:, :ASKED_PAIRS]
    return {
        (min(row, int(column)), max(row, int(column)))
        for row, columns in enumerate(nearest)
        for column in columns
        if similarities[row, column] >= ASKED_SIMILARITY
    }


def test_the_most_alike_pairs_of_every_card_are_asked_once() -> None:
    vectors = some_vectors()
    asked = pairs_to_ask(cards_of(CARDS), vectors)
    assert as_set(asked) == expected_pairs(vectors)
    exact = np.sum(vectors[asked.first] * vectors[asked.second], axis=1)
    np.testing.assert_allclose(asked.similarities, exact, atol=1e-6)
    assert set(asked.asked_from) == set(range(CARDS))


@pytest.mark.parametrize("cells", [1, 5 * CARDS])
def test_a_table_in_blocks_asks_the_same(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    vectors = some_vectors()
    whole = [as_set(asked) for asked in in_halves(vectors, 60)]
    monkeypatch.setattr(asked_pairs, "_CELLS", cells)
    assert [as_set(asked) for asked in in_halves(vectors, 60)] == whole


@pytest.mark.parametrize("first", [0, 1, 8, 75, CARDS - 1])
def test_two_imports_ask_whatever_one_would_and_no_pair_twice(first: int) -> None:
    vectors = some_vectors()
    before, after = (as_set(asked) for asked in in_halves(vectors, first))
    assert before | after >= expected_pairs(vectors)
    assert not before & after
    assert all(second >= first for _, second in after)


def test_a_card_from_a_small_gallery_asks_about_the_most_alike_of_many_new_cards_alone() -> None:
    """The old card is alike to all new ones, and each of these has nearer ones among the new."""
    kinds = 8
    middles = np.eye(kinds + 1)[0] + 0.8 * np.eye(kinds + 1)[1:]
    new = np.repeat(middles, ASKED_PAIRS + 2, axis=0)
    new += 0.01 * np.random.default_rng(1).normal(size=new.shape)
    vectors = np.concatenate([np.eye(kinds + 1)[:1], new])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    assert (vectors[1:] @ vectors[0]).min() > ASKED_SIMILARITY
    _, after = in_halves(vectors, 1)
    nearest = np.argsort(-(vectors[1:] @ vectors[0]))[:ASKED_PAIRS] + 1
    assert sorted(pair[1] for pair in as_set(after) if pair[0] == 0) == sorted(nearest.tolist())


def test_where_every_card_was_compared_nothing_is_asked() -> None:
    vectors = some_vectors()
    compared = pairs_to_ask(cards_of(CARDS), vectors).asked_from
    again = pairs_to_ask(cards_of(CARDS, compared), vectors)
    assert as_set(again) == set()
    assert again.asked_from == {}


def test_cards_of_two_games_are_not_asked_whichever_was_compared() -> None:
    vectors = some_vectors(2)
    vectors[1] = vectors[0]
    for floor in (None, ASKED_SIMILARITY):
        cards = [PictureToCompare("a", "one", 1, floor), PictureToCompare("b", "two", 2, None)]
        assert as_set(pairs_to_ask(cards, vectors)) == set()
        assert as_set(pairs_to_ask([cards[0], PictureToCompare("b", "one", 2, None)], vectors)) == {(0, 1)}
