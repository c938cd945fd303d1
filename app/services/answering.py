"""From matches to answers: probabilities, status, candidates, and which printings look the same."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import numpy as np

from app.domain.calibration import Calibration, Calibrations
from app.domain.errors import SearchTimeout
from app.domain.orientation import quad_rotation
from app.domain.ports import Gallery
from app.domain.ranking import Ranking
from app.domain.reranking import LEAST_COMPARED
from app.domain.types import Candidate, CardFilter, Confidence, Degraded, GridCell, Identification, Status
from app.services.matching import Match
from app.services.reading import ReadCard, ReadScan
from app.vision.alignment import correct_quad

#: A printing that was compared and is less likely than this is no longer in doubt.
ALIKE_SHARE = 0.05


class Answerer:
    """Puts into words what the gallery said about each crop."""

    def __init__(self, gallery: Gallery, calibrations: Calibrations) -> None:
        self._gallery = gallery
        self._calibrations = calibrations

    async def answer(
        self, scan: ReadScan, matches: Sequence[Match], candidates: int, card_filter: CardFilter
    ) -> tuple[Identification, ...]:
        """One identification a card, in the order of the scan.

        Args:
            scan: What was read.
            matches: What the gallery says, one for each card of the scan.
            candidates: How many to list for each card.
            card_filter: Printings outside it are no alternatives.
        """
        printings = await self._printings(matches, card_filter)
        return tuple(
            self._identification(card, cell, match, printings, candidates)
            for card, cell, match in zip(scan.cards, scan.grid, matches, strict=True)
        )

    async def _printings(
        self, matches: Sequence[Match], card_filter: CardFilter
    ) -> dict[int, list[str]] | None:
        """Card ids of each leader's artwork group; None where the database did not tell in time."""
        leaders = [match.ranking.best for match in matches]
        group_ids = sorted({leader.artwork_group_id for leader in leaders if leader is not None})
        try:
            return await self._gallery.group_members(group_ids, card_filter) if group_ids else {}
        except SearchTimeout:
            return None

    def _identification(
        self,
        read: ReadCard,
        cell: GridCell | None,
        match: Match,
        printings: dict[int, list[str]] | None,
        candidates: int,
    ) -> Identification:
        best = match.ranking.best
        siblings = printings.get(best.artwork_group_id, []) if best and printings else []
        calibration = self._calibrations.of(match.ranking)
        # A picture that turned out to be the leader's brings printings that the gallery has in other groups.
        group_size = len({*siblings, *(one.card.card_id for one in match.ranking.members())})
        confidence = _trusted(calibration.confidence(match.ranking, group_size), match)
        status = calibration.status(confidence) if best else Status.UNKNOWN
        degraded = match.degraded
        if best is not None and printings is None:
            # How many printings share the picture is not known, so the printing cannot be vouched for.
            status = Status.REVIEW if status is Status.ACCEPTED else status
            degraded = (*degraded, Degraded.PRINTINGS_SKIPPED)
        if not match.ranking.verified and len(match.ranking.leaders(LEAST_COMPARED)) < LEAST_COMPARED:
            # Beside so few pictures any card leads clearly, one of another game too.
            status = Status.REVIEW if status is Status.ACCEPTED else status
        card = best.card if best is not None and status is not Status.UNKNOWN else None
        quad_px = np.roll(read.quad_px, 2, axis=0) if match.upside_down else read.quad_px
        if match.to_crop is not None and confidence.card >= calibration.accept_card:
            quad_px = correct_quad(quad_px, match.to_crop)  # a border as dark as the page is not seen
        return Identification(
            detection_id=uuid.uuid4(),
            quad_px=quad_px,
            rotation=quad_rotation(quad_px),
            grid=cell,
            status=status,
            card=card,
            confidence=confidence,
            candidates=_candidates(match, calibration, confidence, candidates, group_size),
            ambiguous_with=_alike(match.ranking, siblings, calibration, group_size) if card else (),
            quality=read.quality,
            degraded=degraded,
            score=read.score,
            kind=self._calibrations.kind_of(match.ranking),
        )


def _trusted(confidence: Confidence, match: Match) -> Confidence:
    """Less where people have put such answers right."""
    card = confidence.card * match.trust_card
    return Confidence(card=card, printing=confidence.printing * match.trust_card * match.trust_printing)


def _alike(
    ranking: Ranking, siblings: Sequence[str], calibration: Calibration, group_size: int
) -> tuple[str, ...]:
    """Printings of the leader's picture that the pixels do not rule out, the likeliest first.

    Those that were never compared with the crop stay in doubt.
    """
    members = ranking.members()
    shares = calibration.printing_shares(ranking, group_size)
    found = {one.card.card_id: (one, share) for one, share in zip(members, shares, strict=True)}
    in_doubt = []
    for card_id in dict.fromkeys((*siblings, *found)):
        one, share = found.get(card_id, (None, 1.0))
        if one is not members[0] and (one is None or one.difference is None or share >= ALIKE_SHARE):
            in_doubt.append((-share if one else 0.0, card_id))
    return tuple(card_id for _, card_id in sorted(in_doubt))


def _candidates(
    match: Match, calibration: Calibration, confidence: Confidence, most: int, group_size: int
) -> tuple[Candidate, ...]:
    """The leader and the ``most`` - 1 likeliest others, each with the probability that is left for it.

    Printings of the leader's picture stand before all others in a ranking, however unlikely they are.
    """
    candidates = [
        Candidate(
            card=ranked.card,
            artwork_group_id=ranked.artwork_group_id,
            similarity=min(1.0, max(0.0, ranked.similarity)),
            confidence=calibration.candidate_probability(match.ranking, ranked, confidence, group_size),
            template_source=ranked.source,
            inliers=ranked.inliers,
            agreement=ranked.agreement,
            difference=ranked.difference,
            neighbours=ranked.neighbours,
        )
        for ranked in match.ranking.cards[: most + len(match.ranking.members())]
    ]
    others = sorted(candidates[1:], key=lambda one: -one.confidence)
    return (*candidates[:1], *others)[:most]
