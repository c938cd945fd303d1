"""From template hits to an answer: templates per card, cards per artwork group, then the margin.

The order matters. With three templates a card, the second best template usually belongs to the winner
itself, and the second best card may show the same picture; a margin taken before both are folded together
says nothing about doubt.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.domain.learnt_likeness import at_their_worth
from app.domain.reading_evidence import Verdict
from app.domain.types import Card, TemplateHit, TemplateSource

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
        official: Similarity of the best of its templates that were not learnt, where ``source`` is a
            correction; -1 where none was found.
        learnt: Similarity of the best of its templates that were; -1 where none was found.
        picture_agreement: Of the gallery's own pictures alone; None where nobody looked.
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
    official: float = -1.0
    learnt: float = -1.0
    picture_agreement: float | None = None

    @property
    def picture_similarity(self) -> float:
        """Of the best of its templates that were not learnt; -1 where none was found."""
        return self.official if self.source is TemplateSource.CORRECTION else self.similarity

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

    def unlearnt(self) -> Ranking:
        """What the gallery's own pictures say for the leader, its place left as it is."""
        members = set(self.members())
        cards = tuple(
            replace(
                one,
                similarity=one.picture_similarity,
                source=TemplateSource.OFFICIAL,
                agreement=one.picture_agreement,
            )
            if one in members
            else one
            for one in self.cards
        )
        return replace(self, cards=cards, margin=margin_of(cards))

    def without_learnt(self) -> Ranking:
        """What the search would have found had nothing been learnt."""
        cards = in_order(
            replace(one, similarity=one.picture_similarity, source=TemplateSource.OFFICIAL, learnt=-1.0)
            if one.source is TemplateSource.CORRECTION or one.learnt > -1.0
            else one
            for one in self.cards
            if one.picture_similarity > -1.0
        )
        return replace(self, cards=cards, margin=margin_of(cards))

    def to_compare(self, pictures: int, learnt: int) -> tuple[RankedCard, ...]:
        """The cards of the pictures that are worth comparing with the crop, best first.

        Args:
            pictures: How many whose own templates are the most alike, as if nothing had been learnt.
            learnt: How many more that something learnt has put before these.
        """
        own: dict[int, float] = {}
        for one in self.cards:
            own[one.artwork_group_id] = max(own.get(one.artwork_group_id, -1.0), one.picture_similarity)
        found = [group for group, similarity in own.items() if similarity > -1.0]
        chosen = set(sorted(found, key=lambda group: -own[group])[:pictures])
        ahead = (one.artwork_group_id for one in self.leaders(len(chosen)))
        chosen.update([group for group in ahead if group not in chosen][:learnt])
        return tuple(one for one in self.cards if one.artwork_group_id in chosen)


def rank(hits: Sequence[TemplateHit]) -> Ranking:
    """Folds the template hits of one query into cards and measures the margin between pictures."""
    best: dict[str, RankedCard] = {}
    for hit in at_their_worth(hits):
        known = best.get(hit.card.card_id)
        learnt = hit.similarity if hit.source is TemplateSource.CORRECTION else -1.0
        one = RankedCard(hit.card, hit.artwork_group_id, hit.similarity, hit.source, learnt=learnt)
        if known is not None:
            official = max(one.picture_similarity, known.picture_similarity)
            best_one = one if one.similarity > known.similarity else known
            one = replace(best_one, official=official, learnt=max(learnt, known.learnt))
        best[hit.card.card_id] = one
    cards = in_order(shared_by_printings(best.values()))
    return Ranking(cards, margin_of(cards), any(hit.in_space for hit in hits))


def shared_by_printings(cards: Iterable[RankedCard]) -> list[RankedCard]:
    """Cards with what was learnt about one printing given to all printings of its picture.

    A photo is more like any photo of the same picture by that camera than like the gallery's own: which of
    the printings was photographed hardly shows. So photos say which picture it is, and the gallery's own
    templates say which printing; one of which none was found is as likely as the weakest that was.
    """
    by_group: dict[int, list[RankedCard]] = {}
    for one in cards:
        by_group.setdefault(one.artwork_group_id, []).append(one)
    return [one for group in by_group.values() for one in _shared(group)]


def _shared(group: Sequence[RankedCard]) -> Sequence[RankedCard]:
    if len(group) < 2 or all(one.source is not TemplateSource.CORRECTION for one in group):
        return group
    most = max(one.similarity for one in group)
    own = [one.picture_similarity for one in group if one.picture_similarity > -1.0]
    lift, weakest = (most - max(own), min(own)) if own else (0.0, most)
    shared = []
    for one in group:
        official = one.picture_similarity
        similarity = (weakest if official == -1.0 else official) + lift
        if lift > 0.0 or official == -1.0:
            one = replace(one, similarity=similarity, source=TemplateSource.CORRECTION, official=official)
        elif one.source is TemplateSource.CORRECTION:
            one = replace(one, similarity=similarity, source=TemplateSource.OFFICIAL, official=-1.0)
        shared.append(one)
    return shared


def in_order(cards: Iterable[RankedCard]) -> tuple[RankedCard, ...]:
    """Cards by falling standing, ties by ``card_id``."""
    return tuple(sorted(cards, key=lambda ranked: (-ranked.standing, ranked.card.card_id)))


def margin_of(cards: Sequence[RankedCard]) -> float:
    """Similarity of the first picture above the mean of the next ten; cards in the order of a ranking.

    What was learnt about the first one counts; that other cards' photos are alike says nothing against it.
    """
    if not cards:
        return 0.0
    first = cards[0].artwork_group_id
    similarity = max(one.similarity for one in cards if one.artwork_group_id == first)
    others: dict[int, float] = {}
    for ranked in cards:
        if ranked.artwork_group_id != first:
            known = others.get(ranked.artwork_group_id, -1.0)
            others[ranked.artwork_group_id] = max(known, ranked.picture_similarity)
    runners_up = sorted((one for one in others.values() if one > -1.0), reverse=True)[:MARGIN_RUNNERS_UP]
    reference = sum(runners_up) / len(runners_up) if runners_up else 0.0
    return max(0.0, similarity - reference)


def split_by_query(hits: Sequence[TemplateHit], queries: int) -> list[list[TemplateHit]]:
    """Sorts the hits of a whole scan into one list a query."""
    split: list[list[TemplateHit]] = [[] for _ in range(queries)]
    for hit in hits:
        split[hit.query_index].append(hit)
    return split
