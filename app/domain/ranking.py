"""From template hits to an answer: templates per card, cards per artwork group, then the margin.

The order matters. With three templates a card, the second best template usually belongs to the winner
itself, and the second best card may show the same picture; a margin taken before both are folded together
says nothing about doubt.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.reading_evidence import Verdict
from app.domain.types import Card, TemplateHit, TemplateSource

#: Fewer pictures say nothing about how well a wrong one would agree: the constants of verified answers were
#: fitted where a handful were compared.
LEAST_COMPARED = 4
#: About how well strangers agree. Added to both sides of a ratio: below it differences mean nothing. Less
#: suits clear photos, more suits hard ones (docs/experiments.md, experiment 41).
AGREEMENT_BY_CHANCE = 0.1
#: How many runners-up the winner is measured against: their mean is steadier than rank 2 alone, and
#: separates unknown cards better than the raw similarity does.
MARGIN_RUNNERS_UP = 10


@dataclass(frozen=True, slots=True)
class RankedCard:
    """One printing with its best template among the hits, and what its reference picture added.

    Attributes:
        card: The printing.
        artwork_group_id: Cards of one group show the same picture.
        similarity: Of its best template.
        source: Of that template.
        inliers: Patches of the picture that the crop shows in place; None where nobody looked.
        agreement: How well they fit, 0 to 1; None likewise.
        difference: How far this printing of the picture is from the crop beyond the nearest one, 0 or more;
            None where they were not compared.
        bonus: What agreement, difference, text and neighbours add to the similarity, or take away.
        neighbours: Share of the sure cards around it that are of its set, 0 to 1; None where none was asked.
        text: What the text read off the crop says about it; None where none was read.
    """

    card: Card
    artwork_group_id: int
    similarity: float
    source: TemplateSource
    inliers: int | None = None
    agreement: float | None = None
    difference: float | None = None
    bonus: float = 0.0
    neighbours: float | None = None
    text: Verdict | None = None

    @property
    def standing(self) -> float:
        """What cards are ranked by, in the unit of a similarity."""
        return self.similarity + self.bonus


@dataclass(frozen=True, slots=True)
class Ranking:
    """Cards for one query, best first, and how clearly the first picture leads.

    Attributes:
        cards: Every card among the hits, best first; ties in the order of ``card_id``.
        margin: Similarity of the best artwork group above the mean of the next ten groups (or above zero
            where there is no other), at least 0.
        in_space: Whether the similarities are those of a gallery with a space.
        verified: Whether the leader's reference picture was compared with the crop.
        rival_agreement: How well the best of the other pictures that were compared agrees with the crop:
            the clearer a photo, the better does any picture of the same frame.
    """

    cards: tuple[RankedCard, ...]
    margin: float
    in_space: bool = False
    verified: bool = False
    rival_agreement: float = 0.0

    @property
    def best(self) -> RankedCard | None:
        """The leader, or None where nothing was found."""
        return self.cards[0] if self.cards else None

    @property
    def similarity(self) -> float:
        """Greatest similarity of the leader's picture; 0 where nothing was found.

        Of all its printings: which of them it is says nothing about the picture.
        """
        return max((one.similarity for one in self.members()), default=0.0)

    @property
    def agreement(self) -> float:
        """Agreement of the leader's picture; 0 where nobody looked."""
        return (self.cards[0].agreement or 0.0) if self.cards else 0.0

    @property
    def agreement_lead(self) -> float:
        """Logarithm of how many times better the leader's picture agrees than the best of the others.

        Both fall together as a photo gets worse, and their ratio stays.
        """
        return math.log(self.agreement + AGREEMENT_BY_CHANCE) - math.log(
            self.rival_agreement + AGREEMENT_BY_CHANCE
        )

    def members(self) -> tuple[RankedCard, ...]:
        """The cards that show the leader's picture, best first."""
        best = self.best
        return tuple(one for one in self.cards if best and one.artwork_group_id == best.artwork_group_id)

    def leaders(self, most: int) -> tuple[RankedCard, ...]:
        """The best card of each of the best pictures."""
        first: dict[int, RankedCard] = {}
        for one in self.cards:
            first.setdefault(one.artwork_group_id, one)
        return tuple(first.values())[:most]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a crop agrees with one reference picture: patches in place, and how well they fit, 0 to 1."""

    inliers: int
    agreement: float


def rank(hits: Sequence[TemplateHit]) -> Ranking:
    """Folds the template hits of one query into cards and measures the margin between pictures."""
    best: dict[str, RankedCard] = {}
    for hit in hits:
        known = best.get(hit.card.card_id)
        if known is None or hit.similarity > known.similarity:
            best[hit.card.card_id] = RankedCard(hit.card, hit.artwork_group_id, hit.similarity, hit.source)
    cards = _in_order(best.values())
    return Ranking(cards, _margin(cards), any(hit.in_space for hit in hits))


def with_twins(ranking: Ranking, twins: Mapping[int, int]) -> Ranking:
    """Puts pictures that turned out to be the same into one group.

    Args:
        ranking: As the search gave it.
        twins: From the artwork group of a picture to that of the picture it is.
    """
    if not twins:
        return ranking
    cards = [
        replace(one, artwork_group_id=twins.get(one.artwork_group_id, one.artwork_group_id))
        for one in ranking.cards
    ]
    return replace(ranking, cards=tuple(cards), margin=_margin(cards))


def with_agreements(
    ranking: Ranking,
    agreements: Mapping[int, Agreement],
    worth: float,
    *,
    compared: int | None = None,
) -> Ranking:
    """Ranks pictures anew by how well the crop agrees with them.

    Args:
        ranking: As the search gave it.
        agreements: By artwork group. Groups that are missing count as agreeing as badly as the worst.
        worth: The similarity that an agreement of 1 is worth.
        compared: Pictures that were compared, where some of them turned out to be the same.
    """
    if not ranking.cards or ranking.cards[0].artwork_group_id not in agreements:
        # Pictures that could not be compared would fall behind any that could.
        return ranking
    worst = min(one.agreement for one in agreements.values())
    cards = []
    for card in ranking.cards:
        found = agreements.get(card.artwork_group_id)
        if found is None:
            cards.append(replace(card, bonus=worth * worst))
        else:
            bonus = worth * found.agreement
            cards.append(replace(card, inliers=found.inliers, agreement=found.agreement, bonus=bonus))
    ordered = _in_order(cards)
    leader = ordered[0].artwork_group_id
    others = [one.agreement for group, one in agreements.items() if group != leader]
    verified = (len(agreements) if compared is None else compared) >= LEAST_COMPARED
    rival = max(others, default=0.0) if verified else 0.0
    return replace(ranking, cards=ordered, margin=_margin(ordered), verified=verified, rival_agreement=rival)


def with_differences(ranking: Ranking, differences: Mapping[str, float], worth: float) -> Ranking:
    """Ranks the printings of the leader's picture anew by what the crop shows where they differ.

    Args:
        ranking: Its leader stays the picture that leads.
        differences: By card id. Nothing speaks against printings of the picture that are missing.
        worth: The similarity that a difference of 1 costs.
    """
    if not differences:
        return ranking
    least = min(differences.values())  # the best printing keeps its standing beside other pictures
    members = {one.card.card_id for one in ranking.members()}
    cards = [
        replace(
            one,
            difference=differences.get(one.card.card_id),
            bonus=one.bonus - worth * (differences.get(one.card.card_id, least) - least),
        )
        if one.card.card_id in members
        else one
        for one in ranking.cards
    ]
    return _reordered(ranking, cards)


def with_texts(ranking: Ranking, verdicts: Mapping[str, Verdict], worth: float) -> Ranking:
    """Ranks the printings of the leader's picture anew by the text that was read off the crop.

    Args:
        ranking: Its leader stays the picture that leads.
        verdicts: By card id. On printings of the picture that are missing the text is silent.
        worth: The similarity by which a printing that the text agrees with stands above one on which it is
            silent, and that above one that it contradicts.
    """
    if not verdicts:
        return ranking
    most = max(one.worth for one in verdicts.values())  # the best printing keeps its standing
    members = {one.card.card_id for one in ranking.members()}
    cards = []
    for one in ranking.cards:
        if one.card.card_id not in members:
            cards.append(one)
            continue
        verdict = verdicts.get(one.card.card_id, Verdict.SILENT)
        cost = worth * max(0.0, most - verdict.worth)
        cards.append(replace(one, text=verdict, bonus=one.bonus - cost))
    return _reordered(ranking, cards)


def with_neighbours(ranking: Ranking, shares: Mapping[str, float], worth: float) -> Ranking:
    """Ranks the printings of the leader's picture anew by the sets of the sure cards around.

    Args:
        ranking: Its leader stays the picture that leads.
        shares: Of the sure cards around, by set.
        worth: The similarity that a share of 1 is worth.
    """
    members = {one.card.card_id for one in ranking.members()}
    cards = []
    for one in ranking.cards:
        share = shares.get(one.card.set_id or "", 0.0)
        is_member = one.card.card_id in members
        cards.append(replace(one, neighbours=share, bonus=one.bonus + worth * share) if is_member else one)
    return _reordered(ranking, cards)


def with_nudges(ranking: Ranking, nudges: Mapping[str, float]) -> Ranking:
    """Ranks the printings of the leader's picture anew by what else is known about them.

    Args:
        ranking: Its leader stays the picture that leads.
        nudges: Similarity by which printings rise, by card id.
    """
    if not nudges:
        return ranking
    cards = [replace(one, bonus=one.bonus + nudges.get(one.card.card_id, 0.0)) for one in ranking.cards]
    return _reordered(ranking, cards)


def _reordered(ranking: Ranking, cards: Sequence[RankedCard]) -> Ranking:
    """With the printings of the leading picture in their new order, before all others."""
    members = {one.card.card_id for one in ranking.members()}
    leading = _in_order(one for one in cards if one.card.card_id in members)
    rest = _in_order(one for one in cards if one.card.card_id not in members)
    return replace(ranking, cards=(*leading, *rest))


def _in_order(cards: Iterable[RankedCard]) -> tuple[RankedCard, ...]:
    return tuple(sorted(cards, key=lambda ranked: (-ranked.standing, ranked.card.card_id)))


def _margin(cards: Sequence[RankedCard]) -> float:
    """Similarity of the first picture above the mean of the next ten; cards in the order of a ranking."""
    groups: dict[int, float] = {}
    for ranked in cards:
        groups[ranked.artwork_group_id] = max(groups.get(ranked.artwork_group_id, -1.0), ranked.similarity)
    similarities = list(groups.values())
    if not similarities:
        return 0.0
    runners_up = sorted(similarities[1:], reverse=True)[:MARGIN_RUNNERS_UP]
    reference = sum(runners_up) / len(runners_up) if runners_up else 0.0
    return max(0.0, similarities[0] - reference)


def split_by_query(hits: Sequence[TemplateHit], queries: int) -> list[list[TemplateHit]]:
    """Sorts the hits of a whole scan into one list a query."""
    split: list[list[TemplateHit]] = [[] for _ in range(queries)]
    for hit in hits:
        split[hit.query_index].append(hit)
    return split
