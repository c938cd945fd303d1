"""Which cards show one picture: alike to the encoder, and their reference pictures agree place by place.

Similarity alone finds few of them safely: a foil or another language looks less like its twin than two cards
of one set look like each other. So many pairs are asked, and patches of the pictures decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from app.domain.ports import Gallery, References
from app.domain.types import Vectors
from app.vision.local_features import GrayPicture, match_patches, read_features

#: Pairs less alike than this are not compared; at most so many for each card.
ASKED_SIMILARITY = 0.6
ASKED_PAIRS = 12
#: Similarity and agreement together from which on two cards show one picture: of 1,200 alike pairs of
#: invented cards that show two, none reached 1.46 (docs/experiments.md).
SAME_PICTURE = 1.5
_ROWS = 128  # of the table of similarities at once
_FEATURES = 2_000  # cards whose features are read at once

Pair = tuple[int, int, float]
"""Two cards by their places, the earlier first, and how alike they are."""


async def find_same_pictures(gallery: Gallery, references: References) -> list[tuple[str, str]]:
    """Pairs of card ids that show one picture, the earlier first, in a fixed order."""
    cards, vectors = await gallery.official_vectors()
    asked = await asyncio.to_thread(_alike, [game for _, game in cards], vectors)
    card_ids = [card_id for card_id, _ in cards]
    features = await _features(references, sorted({card_ids[place] for pair in asked for place in pair[:2]}))
    return await asyncio.to_thread(_agreeing, asked, card_ids, features)


async def _features(references: References, card_ids: Sequence[str]) -> dict[str, bytes]:
    """The features of the first reference picture of each card, where it has any."""
    found: dict[str, bytes] = {}
    for start in range(0, len(card_ids), _FEATURES):
        features = await references.features_of(card_ids[start : start + _FEATURES])
        found.update({card_id: some[0] for card_id, some in features.items()})
    return found


def _alike(games: Sequence[str | None], vectors: Vectors) -> list[Pair]:
    """The pairs to ask: of one game, alike, the most alike of each card."""
    numbers = np.unique([game or "" for game in games], return_inverse=True)[1]
    pairs: dict[tuple[int, int], float] = {}
    for start in range(0, len(vectors), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(vectors)))
        similarities = vectors[rows] @ vectors.T
        similarities[numbers[rows][:, None] != numbers[None, :]] = -1.0
        similarities[np.arange(len(rows)), rows] = -1.0
        for row, other, similarity in _nearest(similarities):
            first, second = sorted((int(rows[row]), other))
            pairs[first, second] = similarity
    return [(*pair, similarity) for pair, similarity in sorted(pairs.items())]


def _nearest(similarities: Vectors) -> Iterator[tuple[int, int, float]]:
    """Row, column and value of the greatest of each row that are large enough."""
    most = min(ASKED_PAIRS, similarities.shape[1])
    nearest = np.argpartition(-similarities, most - 1, axis=1)[:, :most]
    for row, columns in enumerate(nearest):
        for column in columns:
            if similarities[row, column] >= ASKED_SIMILARITY:
                yield row, int(column), float(similarities[row, column])


def _agreeing(
    asked: Sequence[Pair], card_ids: Sequence[str], features: Mapping[str, bytes]
) -> list[tuple[str, str]]:
    @lru_cache(maxsize=256)
    def picture(place: int) -> GrayPicture | None:
        data = features.get(card_ids[place])
        try:
            return None if data is None else read_features(data)
        except ValueError:  # the next import makes them anew only where they are missing
            return None

    same = []
    for first, second, similarity in asked:
        one, other = picture(first), picture(second)
        if one is None or other is None:
            continue
        if similarity + match_patches(one, other).agreement >= SAME_PICTURE:
            same.append((card_ids[first], card_ids[second]))
    return same
