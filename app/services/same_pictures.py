"""Which cards show one picture: alike to the encoder, and their reference pictures agree place by place.

Similarity alone finds few of them safely: a foil or another language looks less like its twin than two cards
of one set look like each other. So many pairs are asked, and patches of the pictures decide. What was decided
once stays: only pairs with a card that was not compared yet are asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from app.domain.gallery_types import PictureComparison
from app.domain.ports import Gallery, References
from app.services.asked_pairs import AskedPairs, pairs_to_ask
from app.vision.local_features import GrayPicture, match_patches, read_features

#: Similarity and agreement together from which on two cards show one picture: of 1,200 alike pairs of
#: invented cards that show two, none reached 1.46 (docs/experiments.md).
SAME_PICTURE = 1.5
#: Pairs whose features are in memory at once, some 10 MB, and the threads that share them.
_PAIRS = 1_000
_THREADS = 2

Pair = tuple[str, str, float]
"""Two card ids, the earlier first, and how alike they are."""


async def find_same_pictures(
    gallery: Gallery, references: References, progress: Callable[[int, int], None] | None = None
) -> PictureComparison:
    """Compares the pictures of every card that was not compared yet with those most alike.

    A card whose picture should be compared but has no readable features is not counted as compared: it is
    asked about again when it has some.

    Args:
        gallery: The cards.
        references: Their features.
        progress: Told after some pairs how many of how many are done.

    Returns:
        What was found, for ``Gallery.refresh_artwork_groups``.
    """
    cards, vectors = await gallery.pictures_to_compare()
    asked = await asyncio.to_thread(pairs_to_ask, cards, vectors)
    card_ids = [card.card_id for card in cards]
    same: list[tuple[str, str]] = []
    unreadable: set[str] = set()
    for start in range(0, len(asked.first), _PAIRS):
        pairs = _pairs(asked, card_ids, start)
        pictures = await _pictures(references, pairs)
        unreadable.update(card_id for pair in pairs for card_id in pair[:2] if card_id not in pictures)
        same.extend(await _agreeing_in_threads(pairs, pictures))
        if progress is not None:
            progress(start + len(pairs), len(asked.first))
    asked_from = {
        card_ids[place]: similarity
        for place, similarity in asked.asked_from.items()
        if card_ids[place] not in unreadable
    }
    concerned = {*asked_from, *(card_id for pair in same for card_id in pair)}
    templates = {card.card_id: card.template_id for card in cards if card.card_id in concerned}
    return PictureComparison(tuple(same), asked_from, templates, len(asked.first))


def _pairs(asked: AskedPairs, card_ids: Sequence[str], start: int) -> list[Pair]:
    """The next ``_PAIRS`` from ``start`` on."""
    part = slice(start, start + _PAIRS)
    columns = (asked.first[part].tolist(), asked.second[part].tolist(), asked.similarities[part].tolist())
    return [(card_ids[first], card_ids[second], value) for first, second, value in zip(*columns, strict=True)]


async def _pictures(references: References, pairs: Sequence[Pair]) -> dict[str, GrayPicture]:
    """Of each card of the pairs its first reference picture, where it has one that can be read."""
    card_ids = sorted({card_id for pair in pairs for card_id in pair[:2]})
    return await asyncio.to_thread(_read, await references.features_of(card_ids))


def _read(features: Mapping[str, Sequence[bytes]]) -> dict[str, GrayPicture]:
    pictures = {}
    for card_id, some in features.items():
        try:
            pictures[card_id] = read_features(some[0])
        except ValueError:  # the next import makes them anew only where they are missing
            continue
    return pictures


async def _agreeing_in_threads(
    pairs: Sequence[Pair], pictures: Mapping[str, GrayPicture]
) -> list[tuple[str, str]]:
    """Threads share the pairs, whose order stays."""
    share = -(-len(pairs) // _THREADS)
    parts = [pairs[start : start + share] for start in range(0, len(pairs), share)]
    found = await asyncio.gather(*(asyncio.to_thread(_agreeing, part, pictures) for part in parts))
    return [pair for part in found for pair in part]


def _agreeing(pairs: Sequence[Pair], pictures: Mapping[str, GrayPicture]) -> list[tuple[str, str]]:
    same = []
    for first, second, similarity in pairs:
        one, other = pictures.get(first), pictures.get(second)
        if one is None or other is None:
            continue
        if similarity + match_patches(one, other).agreement >= SAME_PICTURE:
            same.append((first, second))
    return same
