"""What the sure cards of a picture say about the others: pages are often sorted by set.

Evidence, never proof: it only shifts printings of one picture against each other, only where the pixels
leave them open, and by no more than ``NEIGHBOURS_NATS``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from app.domain.calibration import Calibrations
from app.domain.ranking import Ranking
from app.domain.reranking import with_neighbours
from app.domain.types import Status
from app.services.matching import Match

#: The most that neighbours count: where all are of one set, its printing is e to this power times likelier.
NEIGHBOURS_NATS = 1.5
#: Counted beside the sure cards as if they were of no set, so that one or two sure cards say little.
STRANGERS = 3


def in_context(matches: Sequence[Match], calibrations: Calibrations) -> list[Match]:
    """Ranks open printings anew by the sets of the sure cards of the same picture.

    Args:
        matches: One for each card of a picture, verified or not.
        calibrations: Say which are sure.
    """
    sure = [_is_sure(match.ranking, calibrations) for match in matches]
    sets = Counter(
        match.ranking.cards[0].card.set_id for match, is_sure in zip(matches, sure, strict=True) if is_sure
    )
    around = sum(sets.values()) + STRANGERS
    shares = {set_id: count / around for set_id, count in sets.items() if set_id}
    if not shares:
        return list(matches)
    return [
        match if is_sure or len(match.ranking.members()) < 2 else _moved(match, shares, calibrations)
        for match, is_sure in zip(matches, sure, strict=True)
    ]


def _moved(match: Match, shares: dict[str, float], calibrations: Calibrations) -> Match:
    temperature = calibrations.of(match.ranking).temperature(match.ranking)
    return replace(match, ranking=with_neighbours(match.ranking, shares, NEIGHBOURS_NATS * temperature))


def _is_sure(ranking: Ranking, calibrations: Calibrations) -> bool:
    if ranking.best is None:
        return False
    calibration = calibrations.of(ranking)
    confidence = calibration.confidence(ranking, len(ranking.members()))
    return calibration.status(confidence) is Status.ACCEPTED
