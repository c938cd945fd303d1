"""From crops to ranked cards: embed, search (again with fewer after a timeout), turn round where unclear."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.calibration import Calibrations
from app.domain.errors import Busy, MemoryTight, SearchTimeout
from app.domain.ports import Encoder, Gallery
from app.domain.ranking import Ranking, rank, split_by_query
from app.domain.types import CardFilter, Degraded, RgbImage, TemplateHit, Vectors


@dataclass(frozen=True, slots=True)
class Match:
    """What the gallery says about one crop.

    Attributes:
        ranking: Cards found, best first.
        upside_down: True where the crop matched better turned by 180 degrees.
        sideways: True where it did so cut out anew, with what was its left side on top; ``upside_down`` is
            said of that crop then.
        degraded: What was skipped or cut on the way.
        to_crop: How the leader's reference lies in the upright crop, both as shares of width and height,
            (3, 3); None where nothing is known of that.
    """

    ranking: Ranking
    upside_down: bool = False
    sideways: bool = False
    degraded: tuple[Degraded, ...] = ()
    to_crop: NDArray[np.float64] | None = field(default=None, compare=False)

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


def _other_ways(index: int, crop: RgbImage, *, is_squarish: bool) -> list[_Way]:
    turned = np.ascontiguousarray(crop[::-1, ::-1])
    ways = [_Way(index, turned, upside_down=True)]
    if is_squarish:
        height, width = crop.shape[:2]
        # Stretched as it is, it will do to ask the gallery; who goes on with it cuts it out anew.
        laid = cv2.resize(np.rot90(crop, -1), (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        ways.append(_Way(index, laid, upside_down=False, sideways=True))
        ways.append(_Way(index, np.ascontiguousarray(laid[::-1, ::-1]), upside_down=True, sideways=True))
    return ways


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
        self, crops: Sequence[RgbImage], card_filter: CardFilter, squarish: Collection[int] = ()
    ) -> tuple[list[Match], MatchTimings]:
        """Ranks the gallery's cards for every crop.

        Crops whose answer is not clear are tried the other way up, all in one more batch and one more search.

        Args:
            crops: Rectified cards.
            card_filter: Narrows the gallery.
            squarish: Crops, by their place, of cards that may have been taken for lying on their side: these
                are tried both ways up with their left side on top, too.

        Raises:
            GalleryEmpty, GalleryMismatch: nothing in the gallery could have been found.
            DatabaseUnavailable: the database cannot be reached at all.
        """
        timings = MatchTimings()
        upright = await self._look_up(crops, card_filter, timings)
        matches = [Match(rank(hits), degraded=upright.degraded) for hits in upright.hits]
        if (
            not any(match.ranking.cards for match in matches)
            and Degraded.SEARCH_TIMEOUT not in upright.degraded
        ):
            await self._refuse_useless_gallery()
        unclear = [i for i, match in enumerate(matches) if not self._is_clear(match.ranking)]
        if Degraded.SEARCH_TIMEOUT in upright.degraded:
            return matches, timings
        if unclear:
            ways = [way for i in unclear for way in _other_ways(i, crops[i], is_squarish=i in squarish)]
            try:
                turned = await self._look_up([way.crop for way in ways], card_filter, timings)
            except (Busy, MemoryTight):
                # The first look's answers stand; the second was only to make some of them better.
                turned = SearchAnswer([[] for _ in ways], (Degraded.SEARCH_TIMEOUT,))
            for way, hits in zip(ways, turned.hits, strict=True):
                matches[way.index] = self._better_way(matches[way.index], way, rank(hits), turned.degraded)
        return matches, timings

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

    def _is_clear(self, ranking: Ranking) -> bool:
        return self._evidence(ranking) >= self._calibrations.of(ranking).accept_card

    def _better_way(self, best: Match, way: _Way, turned: Ranking, degraded: tuple[Degraded, ...]) -> Match:
        if Degraded.SEARCH_TIMEOUT in degraded:
            notes = (*best.degraded, Degraded.ORIENTATION_SKIPPED)
            return replace(best, degraded=tuple(dict.fromkeys(notes)))
        notes = tuple(dict.fromkeys((*best.degraded, *degraded)))
        if self._evidence(turned) > self._evidence(best.ranking):
            return Match(turned, upside_down=way.upside_down, sideways=way.sideways, degraded=notes)
        return replace(best, degraded=notes)

    def _evidence(self, ranking: Ranking) -> float:
        if not ranking.cards:
            return -1.0
        return self._calibrations.of(ranking).card_probability(ranking)
