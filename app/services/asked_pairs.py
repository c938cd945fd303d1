"""Which pairs of cards have their pictures compared: the most alike ones of every card.

Only cards that were not compared yet are rows of the table of similarities. A card that was compared keeps
how alike its last pair was, and is asked again about new cards that would have been among its pairs: so what
comes in several imports is asked about at least whatever it would have been asked about in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.gallery_types import PictureToCompare
from app.domain.types import Vectors

#: Pairs less alike than this are not compared; at most so many for each card.
ASKED_SIMILARITY = 0.6
ASKED_PAIRS = 12
#: Cells of the table of similarities at once, 16 MB.
_CELLS = 4_000_000

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AskedPairs:
    """The pairs to compare, by places in the list of cards, in a fixed order.

    Attributes:
        first: Of each pair the earlier card, (pairs,), rising.
        second: And the later one, (pairs,).
        similarities: How alike they are to the encoder, (pairs,).
        asked_from: Of each card that was not compared yet, by its place, how alike its last pair is.
    """

    first: Places
    second: Places
    similarities: Vectors
    asked_from: dict[int, float]


def pairs_to_ask(cards: Sequence[PictureToCompare], vectors: Vectors) -> AskedPairs:
    """Chooses the pairs: of one game, alike, one of them a card that was not compared yet.

    Args:
        cards: All cards of the gallery.
        vectors: One of each, float32 (cards, dimension), unit length.
    """
    games = np.unique([card.game or "" for card in cards], return_inverse=True)[1]
    # Cards that are rows themselves need nobody to ask for them.
    floors = np.array([np.inf if card.asked_from is None else card.asked_from for card in cards], np.float32)
    due = np.flatnonzero(np.isinf(floors))
    found = [_no_pairs()]
    wanted = [_no_pairs()]
    asked_from: dict[int, float] = {}
    for start in range(0, len(due), max(1, _CELLS // max(1, len(cards)))):
        rows = due[start : start + max(1, _CELLS // len(cards))]
        similarities = vectors[rows] @ vectors.T
        similarities[games[rows][:, None] != games[None, :]] = -1.0
        similarities[np.arange(len(rows)), rows] = -1.0
        nearest, last = _nearest(similarities, rows)
        found.append(nearest)
        asked_from.update(zip(rows.tolist(), last.tolist(), strict=True))
        wanted.append(_alike_to_compared(similarities, rows, floors))
    return _once([*found, _most_alike_of_each(wanted)], len(cards), asked_from)


_Pairs = tuple[Places, Places, Vectors]
"""Cards, others, and how alike each is to its other."""


def _no_pairs() -> _Pairs:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)


def _nearest(similarities: Vectors, rows: Places) -> tuple[_Pairs, Vectors]:
    """The most alike others of each row, and how alike a later card must be to be among them."""
    cards = similarities.shape[1]
    most = min(ASKED_PAIRS, cards)
    columns = np.argpartition(similarities, cards - most, axis=1)[:, cards - most :]
    values = np.take_along_axis(similarities, columns, axis=1)
    alike = values >= ASKED_SIMILARITY
    full = alike.all(axis=1) & (most == ASKED_PAIRS)
    last = np.where(full, values.min(axis=1), np.float32(ASKED_SIMILARITY))
    return (np.repeat(rows, most)[alike.ravel()], columns[alike], values[alike]), last


def _alike_to_compared(similarities: Vectors, rows: Places, floors: Vectors) -> _Pairs:
    """Compared cards and the rows that might be among their most alike."""
    row, column = np.nonzero(similarities >= floors[None, :])
    return column, rows[row], similarities[row, column]


def _most_alike_of_each(parts: Sequence[_Pairs]) -> _Pairs:
    """Of each card its most alike others: one from a small gallery would want most of a large one."""
    card, other, value = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((other, -value, card))
    card, other, value = card[order], other[order], value[order]
    rank = np.arange(len(card)) - np.searchsorted(card, card)
    kept = rank < ASKED_PAIRS
    return card[kept], other[kept], value[kept]


def _once(parts: Sequence[_Pairs], cards: int, asked_from: dict[int, float]) -> AskedPairs:
    card, other, value = (np.concatenate(part) for part in zip(*parts, strict=True))
    keys = np.minimum(card, other) * max(1, cards) + np.maximum(card, other)
    keys, places = np.unique(keys, return_index=True)
    return AskedPairs(keys // max(1, cards), keys % max(1, cards), value[places], asked_from)
