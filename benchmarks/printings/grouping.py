"""How well a gallery's artwork groups are those that the cards truly have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from app.domain.ports import Gallery
from app.services.evaluate import Share
from benchmarks.printings.collection import Subject


@dataclass(frozen=True, slots=True)
class Grouping:
    """Artwork groups of a gallery beside the true ones.

    Attributes:
        shares: Of the pairs of cards of one picture those in one group, and the other way round.
        largest: Cards in the largest group found.
        largest_true: Cards in the largest true group.
    """

    shares: Sequence[Share]
    largest: int
    largest_true: int

    def as_json(self) -> dict[str, object]:
        """For programs."""
        shares = {share.name: share.as_json() for share in self.shares}
        return {"shares": shares, "largest": self.largest, "largest_true": self.largest_true}


async def judge_groups(gallery: Gallery, known: Sequence[Subject]) -> Grouping:
    """Compares a gallery's groups with what its cards show; of real cards that is itself a guess."""
    found = await gallery.artwork_groups_of([one.card_id for one in known])
    true = {one.card_id: one.printings for one in known}
    return Grouping(
        shares=pair_shares(true, found),
        largest=max(Counter(found.values()).values(), default=0),
        largest_true=max(map(len, true.values()), default=0),
    )


def pair_shares(true: Mapping[str, Hashable], found: Mapping[str, Hashable]) -> list[Share]:
    """Recall and precision of the pairs that a grouping puts together.

    Args:
        true: Each card's true group.
        found: Each card's group as found; cards that are in one mapping alone do not count.
    """
    cards = true.keys() & found.keys()
    both = _pairs(Counter((true[card], found[card]) for card in cards))
    return [
        Share("pairs of one picture in one group", both, _pairs(Counter(true[card] for card in cards))),
        Share("pairs of one group with one picture", both, _pairs(Counter(found[card] for card in cards))),
    ]


def _pairs(sizes: Mapping[Hashable, int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.values())
