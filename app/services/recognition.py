"""Which card each crop shows: search and verification, in the order that asks the encoder least."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.domain.calibration import Calibrations
from app.domain.types import CardFilter
from app.services.matching import Match, Matcher, MatchTimings
from app.services.reading import ReadScan
from app.services.verification import Beside, Verifier


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the gallery says about every card of a scan.

    Attributes:
        scan: The scan; crops that turned out to lie on their side are cut out anew.
        matches: One for each of its cards.
        timings: Time spent embedding and searching.
        verify_ms: And comparing.
    """

    scan: ReadScan
    matches: list[Match]
    timings: MatchTimings
    verify_ms: float


class Recogniser:
    """Searches and verifies.

    Where nobody has fitted when a search alone is clear, pictures are compared before a crop is embedded the
    other way up: that takes a tenth of the time, and a picture that agrees says which way is up.

    Args:
        matcher: Searches.
        verifier: Compares pictures.
        calibrations: When an answer is clear.
    """

    def __init__(self, matcher: Matcher, verifier: Verifier, calibrations: Calibrations) -> None:
        self._matcher = matcher
        self._verifier = verifier
        self._calibrations = calibrations

    async def recognise(self, scan: ReadScan, card_filter: CardFilter, beside: Beside) -> Recognised:
        """Which cards a scan shows.

        Args:
            scan: As it was read.
            card_filter: Narrows the gallery.
            beside: Runs pixel work beside the event loop.

        Raises:
            As ``Matcher.match``.
        """
        timings, verify_ms = MatchTimings(), 0.0
        found = await self._matcher.look([card.crop for card in scan.cards], card_filter, timings)
        matches, open_ones = found, list(range(len(found)))
        if not self._calibrations.knows_searches():
            matches, verify_ms = await self._verified(scan, found, open_ones, beside)
            open_ones = [index for index in open_ones if not self._is_clear(matches[index])]
            # Both ways up are weighed by the same kind of evidence.
            matches = _replaced(matches, open_ones, [found[index] for index in open_ones])
        scan, matches = await self._turned(scan, matches, open_ones, card_filter, timings, beside)
        matches, more_ms = await self._verified(scan, matches, open_ones, beside, verify_ms)
        return Recognised(scan, matches, timings, verify_ms + more_ms)

    async def _turned(
        self,
        scan: ReadScan,
        matches: Sequence[Match],
        open_ones: Sequence[int],
        card_filter: CardFilter,
        timings: MatchTimings,
        beside: Beside,
    ) -> tuple[ReadScan, list[Match]]:
        """Those that are open tried otherwise, and cut out anew where they lie on their side."""
        lying, some = scan.lying(), [matches[index] for index in open_ones]
        await self._matcher.turn(
            some,
            [scan.cards[index].crop for index in open_ones],
            card_filter,
            timings,
            [place for place, index in enumerate(open_ones) if index in lying],
        )
        turned = _replaced(matches, open_ones, some)
        sideways = [index for index, match in enumerate(turned) if match.sideways]
        if sideways:
            scan = await beside(scan.on_their_sides, sideways)
        return scan, turned

    async def _verified(
        self,
        scan: ReadScan,
        matches: Sequence[Match],
        open_ones: Sequence[int],
        beside: Beside,
        before_ms: float = 0.0,
    ) -> tuple[list[Match], float]:
        if not open_ones:
            return list(matches), 0.0
        some, spent_ms = await self._verifier.verify(
            [scan.cards[index].crop for index in open_ones],
            [matches[index] for index in open_ones],
            beside,
            lambda place: scan.closer(open_ones[place]),
            before_ms,
        )
        return _replaced(matches, open_ones, some), spent_ms

    def _is_clear(self, match: Match) -> bool:
        ranking = match.ranking
        return ranking.verified and self._calibrations.is_clear(ranking)


def _replaced(matches: Sequence[Match], places: Collection[int], others: Sequence[Match]) -> list[Match]:
    anew = dict(zip(places, others, strict=True))
    return [anew.get(place, match) for place, match in enumerate(matches)]
