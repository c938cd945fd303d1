"""From template hits to an answer: templates per card, cards per artwork group, then the margin.

The order matters. With three templates a card, the second best template usually belongs to the winner
itself, and the second best card may show the same picture; a margin taken before both are folded together
says nothing about doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.types import Card, TemplateHit, TemplateSource

#: How many runners-up the winner is measured against: their mean is steadier than rank 2 alone, and
#: separates unknown cards better than the raw similarity does.
MARGIN_RUNNERS_UP = 10


@dataclass(frozen=True, slots=True)
class RankedCard:
    """One printing with its best template among the hits."""

    card: Card
    artwork_group_id: int
    similarity: float
    source: TemplateSource


@dataclass(frozen=True, slots=True)
class Ranking:
    """Cards for one query, best first, and how clearly the first picture leads.

    Attributes:
        cards: Every card among the hits, best first; ties in the order of ``card_id``.
        margin: Similarity of the best artwork group above the mean of the next ten groups (or above zero
            where there is no other), at least 0.
        in_space: Whether the similarities are those of a gallery with a space.
    """

    cards: tuple[RankedCard, ...]
    margin: float
    in_space: bool = False

    @property
    def best(self) -> RankedCard | None:
        """The leader, or None where nothing was found."""
        return self.cards[0] if self.cards else None

    @property
    def similarity(self) -> float:
        """Similarity of the leader; 0 where nothing was found."""
        return self.cards[0].similarity if self.cards else 0.0


def rank(hits: Sequence[TemplateHit]) -> Ranking:
    """Folds the template hits of one query into cards and measures the margin between pictures."""
    best: dict[str, RankedCard] = {}
    for hit in hits:
        known = best.get(hit.card.card_id)
        if known is None or hit.similarity > known.similarity:
            best[hit.card.card_id] = RankedCard(hit.card, hit.artwork_group_id, hit.similarity, hit.source)
    cards = sorted(best.values(), key=lambda ranked: (-ranked.similarity, ranked.card.card_id))
    return Ranking(tuple(cards), _margin(cards), any(hit.in_space for hit in hits))


def _margin(cards: Sequence[RankedCard]) -> float:
    groups: dict[int, float] = {}
    for ranked in cards:
        groups.setdefault(ranked.artwork_group_id, ranked.similarity)
    similarities = list(groups.values())
    if not similarities:
        return 0.0
    runners_up = similarities[1 : 1 + MARGIN_RUNNERS_UP]
    reference = sum(runners_up) / len(runners_up) if runners_up else 0.0
    return max(0.0, similarities[0] - reference)


def split_by_query(hits: Sequence[TemplateHit], queries: int) -> list[list[TemplateHit]]:
    """Sorts the hits of a whole scan into one list a query."""
    split: list[list[TemplateHit]] = [[] for _ in range(queries)]
    for hit in hits:
        split[hit.query_index].append(hit)
    return split
