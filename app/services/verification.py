"""Compares crops with the reference pictures of the best candidates: is it that picture, and which printing?

Two looks. The first finds patches of the leading pictures in the crop and ranks the pictures anew. The
second lays the crop on the reference and compares it with every printing of the picture where these differ.
Both stop when their time is over, the clearest cards first, and say which cards they did not get to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ParamSpec, Protocol, TypeVar

import numpy as np

from app.domain.calibration import Calibrations
from app.domain.errors import InvalidInput, SearchTimeout
from app.domain.ports import References
from app.domain.ranking import Agreement, RankedCard, Ranking, with_agreements, with_differences
from app.domain.types import Degraded, RgbImage, StoredImage
from app.services.matching import Match
from app.vision.alignment import align, warp_onto
from app.vision.local_features import (
    FEATURES_SIZE_PX,
    Affine,
    gray_picture,
    match_patches,
    read_features,
)
from app.vision.printings import COMPARED_SIZE_PX, compare_printings, compared_reference
from app.vision.stored import decode_reference

#: For all cards of a page together; then what is left stays as the search gave it.
BUDGET_MS = 350.0
#: Leading pictures that are compared with a crop: where the search is sure, and where it is not.
CLEAR_PICTURES = 3
UNCLEAR_PICTURES = 8
#: Printings of one picture that are compared with each other.
MOST_PRINTINGS = 8

P = ParamSpec("P")
T = TypeVar("T")


class Beside(Protocol):
    """Runs pixel work beside the event loop and waits for it."""

    async def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``work``."""
        ...


@dataclass(frozen=True, slots=True)
class Verified:
    """One crop after the first look.

    Attributes:
        ranking: Pictures ranked anew.
        affine: How the leader's reference lies in the crop, in pixels of its features; None where nothing
            is known of that.
    """

    ranking: Ranking
    affine: Affine | None = None


class Clock:
    """How much of the time is left.

    Args:
        budget_ms: From now on.
    """

    def __init__(self, budget_ms: float) -> None:
        self._started = time.perf_counter()
        self._budget_ms = budget_ms

    @property
    def spent_ms(self) -> float:
        """Milliseconds since the start."""
        return (time.perf_counter() - self._started) * 1000.0

    def is_over(self) -> bool:
        """Whether nothing more should be begun."""
        return self.spent_ms >= self._budget_ms


class Verifier:
    """Verifies what a search found.

    Args:
        references: Reference pictures and their features.
        calibrations: What agreement and difference count, and when a search is sure.
        budget_ms: For all cards of a page together.
        compares_printings: False ranks pictures alone, to measure what the rest is worth.
    """

    def __init__(
        self,
        references: References,
        calibrations: Calibrations,
        budget_ms: float = BUDGET_MS,
        *,
        compares_printings: bool = True,
    ) -> None:
        self._references = references
        self._calibrations = calibrations
        self._budget_ms = budget_ms
        self._compares_printings = compares_printings

    async def verify(
        self, crops: Sequence[RgbImage], matches: Sequence[Match], beside: Beside
    ) -> tuple[list[Match], float]:
        """Ranks the candidates of every crop anew.

        Args:
            crops: Rectified cards, the way round the detector saw them.
            matches: What the search said about them.
            beside: Runs pixel work beside the event loop.

        Returns:
            The matches, those that were not verified with ``Degraded.VERIFICATION_SKIPPED``, and how long
            it took in milliseconds.
        """
        clock = Clock(self._budget_ms)
        leaders = [self._leaders(match.ranking) for match in matches]
        wanted = sorted({one.card.card_id for some in leaders for one in some})
        try:
            features = await self._references.features_of(wanted) if wanted else {}
        except SearchTimeout:
            features = {}
        upright = [_upright(crop, match) for crop, match in zip(crops, matches, strict=True)]
        verified = await beside(self._first_look, upright, matches, leaders, features, clock)
        printings = [self._printings(one) for one in verified]
        wanted = sorted({one.card.card_id for some in printings for one in some})
        try:
            pictures = await self._references.pictures_of(wanted) if wanted else {}
        except SearchTimeout:
            pictures = {}
        rankings = await beside(self._second_look, upright, verified, printings, pictures, clock)
        return [_noted(match, one) for match, one in zip(matches, rankings, strict=True)], clock.spent_ms

    def _leaders(self, ranking: Ranking) -> tuple[RankedCard, ...]:
        calibration = self._calibrations.of_gallery(in_space=ranking.in_space, verified=False)
        sure = calibration.card_probability(ranking) >= calibration.accept_card
        return ranking.leaders(CLEAR_PICTURES if sure else UNCLEAR_PICTURES)

    def _printings(self, verified: Verified) -> tuple[RankedCard, ...]:
        """Printings to tell apart: none where there is one alone, or nothing to lay the crop on."""
        if verified.affine is None or not self._compares_printings:
            return ()
        members = verified.ranking.members()[:MOST_PRINTINGS]
        return members if len(members) > 1 else ()

    def _first_look(
        self,
        crops: Sequence[RgbImage],
        matches: Sequence[Match],
        leaders: Sequence[Sequence[RankedCard]],
        features: Mapping[str, tuple[bytes, ...]],
        clock: Clock,
    ) -> list[Verified]:
        verified = [Verified(match.ranking) for match in matches]
        # The fewer pictures lead, the surer the card and the cheaper the look.
        for index in sorted(range(len(crops)), key=lambda index: len(leaders[index])):
            if clock.is_over():
                break
            weights = self._calibrations.of_gallery(
                in_space=matches[index].ranking.in_space, verified=True
            ).standing
            agreements, affines = agreements_of(crops[index], leaders[index], features)
            ranking = with_agreements(matches[index].ranking, agreements, weights)
            best = ranking.best
            affine = affines.get(best.artwork_group_id) if best is not None else None
            verified[index] = Verified(ranking, affine)
        return verified

    def _second_look(
        self,
        crops: Sequence[RgbImage],
        verified: Sequence[Verified],
        printings: Sequence[Sequence[RankedCard]],
        pictures: Mapping[str, StoredImage],
        clock: Clock,
    ) -> list[Ranking]:
        rankings = [one.ranking for one in verified]
        for index in sorted(range(len(crops)), key=lambda index: len(printings[index])):
            affine = verified[index].affine
            if not printings[index] or affine is None or clock.is_over():
                continue
            weights = self._calibrations.of(rankings[index]).standing
            differences = differences_of(crops[index], affine, printings[index], pictures)
            rankings[index] = with_differences(rankings[index], differences, weights)
        return rankings


def agreements_of(
    crop: RgbImage, leaders: Sequence[RankedCard], features: Mapping[str, tuple[bytes, ...]]
) -> tuple[dict[int, Agreement], dict[int, Affine]]:
    """How a crop agrees with each leading picture, and how these lie in it, by artwork group."""
    seen = gray_picture(crop, FEATURES_SIZE_PX)
    agreements: dict[int, Agreement] = {}
    affines: dict[int, Affine] = {}
    for leader in leaders:
        pictures = [read_features(data) for data in features.get(leader.card.card_id, ())]
        if not pictures:
            continue
        best = max((match_patches(seen, one) for one in pictures), key=lambda match: match.agreement)
        agreements[leader.artwork_group_id] = Agreement(best.inliers, best.agreement)
        if best.affine is not None:
            affines[leader.artwork_group_id] = best.affine
    return agreements, affines


def differences_of(
    crop: RgbImage,
    affine: Affine,
    printings: Sequence[RankedCard],
    pictures: Mapping[str, StoredImage],
) -> dict[str, float]:
    """Error of each printing where they differ, by card id; empty where they cannot be compared."""
    references: dict[str, RgbImage] = {}
    for one in printings:
        stored = pictures.get(one.card.card_id)
        if stored is None:
            continue
        try:
            references[one.card.card_id] = decode_reference(stored.data)
        except InvalidInput:
            continue
    if len(references) < 2:
        return {}
    alignment = align(crop, next(iter(references.values())), affine, FEATURES_SIZE_PX)
    if alignment is None:
        return {}
    aligned = warp_onto(crop, alignment.to_crop, COMPARED_SIZE_PX)
    evidence = compare_printings(aligned, [compared_reference(one) for one in references.values()])
    if evidence.weight == 0.0:
        return {}
    return dict(zip(references, map(float, evidence.errors), strict=True))


def _upright(crop: RgbImage, match: Match) -> RgbImage:
    return np.ascontiguousarray(crop[::-1, ::-1]) if match.upside_down else crop


def _noted(match: Match, ranking: Ranking) -> Match:
    if ranking.verified or not ranking.cards:
        return replace(match, ranking=ranking)
    degraded = tuple(dict.fromkeys((*match.degraded, Degraded.VERIFICATION_SKIPPED)))
    return replace(match, ranking=ranking, degraded=degraded)
