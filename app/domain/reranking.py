"""Rankings anew, after pictures, printings, text or neighbours were looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.ranking import RankedCard, Ranking, in_order, margin_of, shared_by_printings
from app.domain.reading_evidence import Verdict
from app.domain.types import TemplateSource

#: Fewer pictures say nothing about how well a wrong one would agree: the constants of verified answers were
#: fitted where a handful were compared.
LEAST_COMPARED = 4


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a crop agrees with one reference picture.

    Attributes:
        inliers: Patches in place.
        agreement: How well they fit, 0 to 1.
        of_picture: Likewise with the gallery's own pictures alone; None where no other was compared.
    """

    inliers: int
    agreement: float
    of_picture: float | None = None


def with_twins(ranking: Ranking, twins: Mapping[int, int]) -> Ranking:
    """Puts pictures that turned out to be the same into one group.

    Args:
        ranking: As the search gave it.
        twins: From the artwork group of a picture to that of the picture it is.
    """
    if not twins:
        return ranking
    cards = in_order(
        shared_by_printings(
            replace(one, artwork_group_id=twins.get(one.artwork_group_id, one.artwork_group_id))
            for one in ranking.cards
        )
    )
    return replace(ranking, cards=cards, margin=margin_of(cards))


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
            of_picture = found.agreement if found.of_picture is None else found.of_picture
            if found.agreement > of_picture:  # a photo that people named carries it, whatever was searched
                card = replace(card, source=TemplateSource.CORRECTION, official=card.picture_similarity)
            card = replace(card, inliers=found.inliers, agreement=found.agreement, bonus=bonus)
            cards.append(replace(card, picture_agreement=of_picture))
    ordered = in_order(cards)
    leader = ordered[0].artwork_group_id
    others = [one.agreement for group, one in agreements.items() if group != leader]
    verified = (len(agreements) if compared is None else compared) >= LEAST_COMPARED
    rival = max(others, default=0.0) if verified else 0.0
    return replace(
        ranking, cards=ordered, margin=margin_of(ordered), verified=verified, rival_agreement=rival
    )


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
    leading = in_order(one for one in cards if one.card.card_id in members)
    rest = in_order(one for one in cards if one.card.card_id not in members)
    return replace(ranking, cards=(*leading, *rest))
