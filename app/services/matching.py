"""From crops to ranked cards: embed, search (again with fewer after a timeout), turn round where unclear."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.calibration import Calibrations, log_odds, logistic
from app.domain.errors import Busy, MemoryTight, SearchTimeout
from app.domain.ports import Encoder, Gallery
from app.domain.ranking import Ranking, rank, split_by_query
from app.domain.types import CardFilter, Degraded, RgbImage, TemplateHit, TemplateSource, Vectors

#: Cards tried on their side in one search, both ways up: a page of them holds no more memory than the scan.
SIDEWAYS_AT_ONCE = 12
#: What a photo that people named says less about which way up a card lies than a picture does: photos of one
#: camera are like each other the wrong way up, too, where hardly any picture is.
LEARNT_WAY_NATS = 3.0


@dataclass(frozen=True, slots=True)
class Match:
    """What the gallery says about one crop.

    Attributes:
        ranking: Cards found, best first.
        upside_down: True where the crop matched better turned by 180 degrees.
        sideways: True where it did so cut out anew, with what was its left side on top; ``upside_down`` is
            said of that crop then.
        degraded: What was skipped or cut on the way.
        trust_card: Share of such answers whose picture people found right, 0 to 1.
        trust_printing: Likewise for the printing, where the picture was right.
        to_crop: How the leader's reference lies in the upright crop, both as shares of width and height,
            (3, 3); None where nothing is known of that.
        other_way: What the gallery says about the same crop the other way up, where both were tried: a search
            alone may be mistaken about it.
    """

    ranking: Ranking
    upside_down: bool = False
    sideways: bool = False
    degraded: tuple[Degraded, ...] = ()
    trust_card: float = 1.0
    trust_printing: float = 1.0
    to_crop: NDArray[np.float64] | None = field(default=None, compare=False)
    other_way: Match | None = None

    def upright(self, crop: RgbImage) -> RgbImage:
        """The crop the way up it matched, as rows of its own."""
        return np.ascontiguousarray(crop[::-1, ::-1]) if self.upside_down else crop


@dataclass(slots=True)
class MatchTimings:
    """Milliseconds spent embedding and searching."""

    embed_ms: float = 0.0
    search_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """Hits of one search, and how much of it the database managed."""

    hits: list[list[TemplateHit]]
    degraded: tuple[Degraded, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Way:
    """A crop turned otherwise than the detector saw it."""

    index: int
    crop: RgbImage
    upside_down: bool
    sideways: bool = False


def _upside_down(index: int, crop: RgbImage) -> list[_Way]:
    return [_Way(index, np.ascontiguousarray(crop[::-1, ::-1]), upside_down=True)]


def _sideways(index: int, crop: RgbImage) -> list[_Way]:
    """Stretched as it is, it will do to ask the gallery; who goes on with it cuts it out anew."""
    height, width = crop.shape[:2]
    laid = cv2.resize(np.rot90(crop, -1), (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    turned = np.ascontiguousarray(laid[::-1, ::-1])
    return [
        _Way(index, laid, upside_down=False, sideways=True),
        _Way(index, turned, upside_down=True, sideways=True),
    ]


def _timed_out(degraded: Collection[Degraded]) -> bool:
    return Degraded.SEARCH_TIMEOUT in degraded


class Matcher:
    """Answers crops from a gallery."""

    def __init__(
        self, encoder: Encoder, gallery: Gallery, calibrations: Calibrations, top_k: int, top_k_retry: int
    ) -> None:
        self._encoder = encoder
        self._gallery = gallery
        self._calibrations = calibrations
        self._top_k = top_k
        self._top_k_retry = top_k_retry

    async def match(
        self, crops: Sequence[RgbImage], card_filter: CardFilter, lying: Collection[int] = ()
    ) -> tuple[list[Match], MatchTimings]:
        """Ranks the gallery's cards for every crop.

        Crops whose answer is not clear are tried the other way up, all in one more batch and one more search;
        what is not clear then and may stand upright instead of lying on its side is tried so, too.

        Args:
            crops: Rectified cards.
            card_filter: Narrows the gallery.
            lying: Crops, by their place, of cards that seem to lie on their side in the picture: seen
                steeply, a card that stands upright looks so.

        Raises:
            GalleryEmpty, GalleryMismatch: nothing in the gallery could have been found.
            DatabaseUnavailable: the database cannot be reached at all.
        """
        timings = MatchTimings()
        matches = await self.look(crops, card_filter, timings)
        await self.turn(matches, crops, card_filter, timings, lying)
        return matches, timings

    async def look(
        self, crops: Sequence[RgbImage], card_filter: CardFilter, timings: MatchTimings
    ) -> list[Match]:
        """The first step of ``match``: every crop the way round that the detector saw it."""
        found = await self._look_up(crops, card_filter, timings)
        matches = [Match(rank(hits), degraded=found.degraded) for hits in found.hits]
        if not any(match.ranking.cards for match in matches) and not _timed_out(found.degraded):
            await self._refuse_useless_gallery()
        return matches

    async def turn(
        self,
        matches: list[Match],
        crops: Sequence[RgbImage],
        card_filter: CardFilter,
        timings: MatchTimings,
        lying: Collection[int] = (),
    ) -> None:
        """The second step: turns, in place, what is not clear. Nothing where the first ran out of time."""
        if any(_timed_out(match.degraded) for match in matches):
            return
        unclear = self._unclear(matches, range(len(matches)))
        await self._try_otherwise(matches, crops, unclear, _upside_down, card_filter, timings)
        unclear = self._unclear(matches, lying)
        for start in range(0, len(unclear), SIDEWAYS_AT_ONCE):
            some = unclear[start : start + SIDEWAYS_AT_ONCE]
            await self._try_otherwise(matches, crops, some, _sideways, card_filter, timings)

    def _unclear(self, matches: Sequence[Match], among: Iterable[int]) -> list[int]:
        return [i for i in among if not self._calibrations.is_clear(matches[i].ranking)]

    async def _try_otherwise(
        self,
        matches: list[Match],
        crops: Sequence[RgbImage],
        indices: Sequence[int],
        other_ways: Callable[[int, RgbImage], list[_Way]],
        card_filter: CardFilter,
        timings: MatchTimings,
    ) -> None:
        """Asks for crops turned otherwise and keeps, in place, what says more."""
        if not indices:
            return
        ways = [way for index in indices for way in other_ways(index, crops[index])]
        try:
            turned = await self._look_up([way.crop for way in ways], card_filter, timings)
        except (Busy, MemoryTight):
            # The first look's answers stand; the others were only to make some of them better.
            turned = SearchAnswer([[] for _ in ways], (Degraded.SEARCH_TIMEOUT,))
        for way, hits in zip(ways, turned.hits, strict=True):
            matches[way.index] = self._better_way(matches[way.index], way, rank(hits), turned.degraded)

    async def _look_up(
        self, crops: Sequence[RgbImage], card_filter: CardFilter, timings: MatchTimings
    ) -> SearchAnswer:
        started = time.perf_counter()
        vectors = await self._encoder.encode(crops)
        embedded = time.perf_counter()
        answer = await self._search(vectors, card_filter)
        timings.embed_ms += (embedded - started) * 1000.0
        timings.search_ms += (time.perf_counter() - embedded) * 1000.0
        return answer

    async def _search(self, vectors: Vectors, card_filter: CardFilter) -> SearchAnswer:
        queries = len(vectors)
        if not queries:
            return SearchAnswer([])
        try:
            hits = await self._gallery.search(vectors, self._top_k, card_filter)
            return SearchAnswer(split_by_query(hits, queries))
        except SearchTimeout:
            pass
        try:
            hits = await self._gallery.search(vectors, self._top_k_retry, card_filter)
            return SearchAnswer(split_by_query(hits, queries), (Degraded.TOPK_REDUCED,))
        except SearchTimeout:
            return SearchAnswer(
                [[] for _ in range(queries)], (Degraded.TOPK_REDUCED, Degraded.SEARCH_TIMEOUT)
            )

    async def _refuse_useless_gallery(self) -> None:
        try:
            await self._gallery.check()
        except SearchTimeout:
            # Counting can be cut off as well; then nothing is known against the gallery.
            return

    def _better_way(self, best: Match, way: _Way, turned: Ranking, degraded: tuple[Degraded, ...]) -> Match:
        if _timed_out(degraded):
            notes = (*best.degraded, Degraded.ORIENTATION_SKIPPED)
            return replace(best, degraded=tuple(dict.fromkeys(notes)))
        notes = tuple(dict.fromkeys((*best.degraded, *degraded)))
        evidence = self._evidence_of_way(turned)
        # The detector's word on which side is the long one stands against what says next to nothing.
        bar = self._calibrations.of(turned).known_at if way.sideways else 0.0
        found = Match(turned, upside_down=way.upside_down, sideways=way.sideways, degraded=notes)
        is_turned = way.sideways == best.sideways  # the same crop, then
        if evidence > self._evidence_of_way(best.ranking) and evidence >= bar:
            return replace(found, other_way=replace(best, other_way=None) if is_turned else None)
        return replace(best, degraded=notes, other_way=found if is_turned else best.other_way)

    def _evidence_of_way(self, ranking: Ranking) -> float:
        """How likely the leader is, and with it the way up: learnt photos have to say it clearly."""
        evidence = self._evidence(ranking)
        if ranking.best is None or ranking.best.source is not TemplateSource.CORRECTION:
            return evidence
        by_pictures = self._evidence(ranking.without_learnt())
        return max(by_pictures, logistic(log_odds(evidence) - LEARNT_WAY_NATS))

    def _evidence(self, ranking: Ranking) -> float:
        if not ranking.cards:
            return -1.0
        return self._calibrations.of(ranking).card_probability(ranking)
