"""Candidates compared with their reference pictures, within their time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ParamSpec, TypeVar

import cv2
import numpy as np
import pytest

from app.domain.calibration import UNCALIBRATED, Calibration, Calibrations
from app.domain.errors import SearchTimeout
from app.domain.ranking import Ranking, rank
from app.domain.types import Degraded, RgbImage, StoredImage, TemplateHit, TemplateSource
from app.services.matching import Match
from app.services.reading import as_jpeg
from app.services.verification import Verifier
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.views import photographed_view
from app.vision.local_features import make_features

SEED = 7303
PLAIN = Calibration(-8.0, 20.0, 6.0, 0.02, 0.98, 0.9, 0.3)
VERIFIED = Calibration(-8.0, 20.0, 6.0, 0.02, 0.98, 0.9, 0.3, standing_agreement=0.6, difference_nats=7.5)
AMPLE_MS = 60_000.0
CALIBRATIONS = Calibrations(PLAIN, UNCALIBRATED, VERIFIED)

P = ParamSpec("P")
T = TypeVar("T")


async def beside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return work(*args, **kwargs)


class Pictures:
    """The references of some cards; ``away`` makes the database answer too late."""

    def __init__(self, drawn: dict[str, RgbImage], *, away: bool = False) -> None:
        self._drawn = drawn
        self._away = away
        self.learnt: dict[str, RgbImage] = {}
        self.asked: list[str] = []

    async def learnt_features_of(self, card_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        return {one: (make_features(self.learnt[one]),) for one in card_ids if one in self.learnt}

    async def features_of(self, card_ids: list[str]) -> dict[str, tuple[bytes, ...]]:
        self.asked += card_ids
        if self._away:
            raise SearchTimeout("too late")
        return {one: (make_features(self._drawn[one]),) for one in card_ids if one in self._drawn}

    async def pictures_of(self, card_ids: list[str]) -> dict[str, StoredImage]:
        return {one: as_jpeg(self._drawn[one], 90) for one in card_ids if one in self._drawn}


@pytest.fixture(scope="module")
def cards() -> list[InventedCard]:
    return invent_catalogue(SEED, 30, reprint_share=0.5, foil_share=0, language_share=0)


@pytest.fixture(scope="module")
def drawn(cards) -> dict[str, RgbImage]:
    return {card.card.card_id: draw_card(card, 528) for card in cards}


def found(cards: list[InventedCard], *similarities: float) -> Ranking:
    """A search that gave these cards; printings of one picture share a group."""
    artworks = list(dict.fromkeys(card.artwork_id for card in cards))
    return rank(
        [
            TemplateHit(0, card.card, artworks.index(card.artwork_id), similarity, TemplateSource.OFFICIAL)
            for card, similarity in zip(cards, similarities, strict=True)
        ]
    )


def photo(picture: RgbImage, seed: int) -> RgbImage:
    return photographed_view(picture, np.random.default_rng((SEED, seed)), strength=0.5)


async def test_a_photo_that_people_named_counts_as_a_picture_of_its_card(cards, drawn) -> None:
    """One that an artist has painted over is unlike its reference picture, and like another photo of it."""
    match = Match(found(cards[:5], 0.52, 0.50, 0.49, 0.48, 0.47))
    paint = draw_card(invent_catalogue(SEED + 1, 1)[0], 528)
    altered = cv2.addWeighted(drawn[cards[1].card.card_id], 0.4, paint, 0.6, 0.0).astype(np.uint8)
    pictures = Pictures(drawn)
    pictures.learnt = {cards[1].card.card_id: photo(altered, 2)}

    async def agreement(*, learnt: bool) -> float:
        verifier = Verifier(pictures, CALIBRATIONS, AMPLE_MS, learnt=learnt)
        (verified,), _ = await verifier.verify([photo(altered, 3)], [match], beside)
        assert verified.ranking.best is not None
        assert verified.ranking.best.card == cards[1].card
        return verified.ranking.agreement

    assert await agreement(learnt=True) > await agreement(learnt=False) + 0.05


async def test_a_photo_named_after_another_card_does_not_unseat_a_picture_that_agrees(cards, drawn) -> None:
    right, named = cards[0].card, cards[1].card
    hits = found(cards[:6], 0.52, 0.50, 0.49, 0.48, 0.47, 0.46).cards
    learnt = [
        replace(one, similarity=0.9, source=TemplateSource.CORRECTION, official=0.5) for one in hits[1:2]
    ]
    ranking = Ranking((*learnt, hits[0], *hits[2:]), margin=0.4)
    pictures = Pictures(drawn)
    pictures.learnt = {named.card_id: photo(drawn[right.card_id], 4)}
    asked = Calibrations(PLAIN, UNCALIBRATED, replace(VERIFIED, agreement_weight=10.0, margin_weight=0.0))
    crop = photo(drawn[right.card_id], 4)  # to the last pixel the photo that was named wrongly
    (verified,), _ = await Verifier(pictures, asked, AMPLE_MS).verify([crop], [Match(ranking)], beside)
    best = verified.ranking.best
    assert best is not None
    assert (best.card, best.source) == (right, TemplateSource.OFFICIAL)


async def test_what_photos_alone_say_has_to_be_three_nats_surer(cards, drawn) -> None:
    """By how much it is depends on the weight of agreement alone, here."""
    named = cards[1].card
    match = Match(found(cards[:6], 0.52, 0.50, 0.49, 0.48, 0.47, 0.46))
    paint = draw_card(invent_catalogue(SEED + 1, 1)[0], 528)
    altered = cv2.addWeighted(drawn[named.card_id], 0.1, paint, 0.9, 0.0).astype(np.uint8)
    pictures = Pictures(drawn)
    pictures.learnt = {named.card_id: photo(altered, 2)}

    async def answer(weight: float, *, learnt: bool = True) -> Ranking:
        weighed = replace(VERIFIED, agreement_weight=weight, margin_weight=0.0, similarity_weight=0.0)
        verifier = Verifier(pictures, Calibrations(PLAIN, UNCALIBRATED, weighed), AMPLE_MS, learnt=learnt)
        (verified,), _ = await verifier.verify([photo(altered, 3)], [match], beside)
        return verified.ranking

    by_photos, by_pictures = await answer(1000.0), await answer(1000.0, learnt=False)
    nats = by_photos.agreement_lead - by_pictures.agreement_lead
    assert (by_photos.cards[0].card, by_pictures.cards[0].card) == (named, cards[0].card)
    assert (await answer(3.05 / nats)).cards[0].card == named
    assert (await answer(2.95 / nats)).cards[0].card == cards[0].card


async def test_the_card_on_the_photo_leads_though_another_was_more_similar(cards, drawn) -> None:
    match = Match(found(cards[:5], 0.52, 0.50, 0.49, 0.48, 0.47))
    crop = photo(drawn[cards[1].card.card_id], 1)
    (verified,), milliseconds = await Verifier(Pictures(drawn), CALIBRATIONS, AMPLE_MS).verify(
        [crop], [match], beside
    )
    best = verified.ranking.best
    assert best is not None
    assert best.card == cards[1].card
    assert verified.ranking.verified
    assert best.inliers is not None
    assert best.inliers > 15
    assert verified.ranking.agreement > verified.ranking.rival_agreement
    assert verified.degraded == ()
    assert milliseconds > 0


async def test_a_photo_taken_upside_down_is_compared_the_right_way_up(cards, drawn) -> None:
    match = Match(found(cards[:3], 0.52, 0.50, 0.49), upside_down=True)
    crop = np.ascontiguousarray(photo(drawn[cards[0].card.card_id], 2)[::-1, ::-1])
    (verified,), _ = await Verifier(Pictures(drawn), CALIBRATIONS, AMPLE_MS).verify([crop], [match], beside)
    assert verified.ranking.agreement > 0.3


def two_ways(cards: list[InventedCard], *, best_is_right: bool) -> Match:
    """A crop that shows ``cards[0]`` upright, as two searches saw it: the better one may be mistaken."""
    wrong = Match(found(cards[5:10], 0.52, 0.50, 0.49, 0.48, 0.47), upside_down=True)
    right = Match(found(cards[:5], 0.44, 0.43, 0.42, 0.41, 0.40))
    first, second = (right, wrong) if best_is_right else (wrong, right)
    return replace(first, other_way=second)


@pytest.mark.parametrize("best_is_right", [False, True])
async def test_which_way_up_a_card_lies_is_for_the_pictures_to_say(cards, drawn, best_is_right: bool) -> None:
    asked = Calibrations(PLAIN, UNCALIBRATED, replace(VERIFIED, agreement_weight=10.0, margin_weight=0.0))
    crop = photo(drawn[cards[0].card.card_id], 2)
    (verified,), _ = await Verifier(Pictures(drawn), asked, AMPLE_MS).verify(
        [crop], [two_ways(cards, best_is_right=best_is_right)], beside
    )
    assert verified.ranking.best is not None
    assert (verified.ranking.best.card, verified.upside_down) == (cards[0].card, False)
    assert verified.ranking.agreement > 0.3
    assert verified.other_way is None


async def test_a_card_that_is_clear_is_not_compared_the_other_way_up(cards, drawn) -> None:
    asked = Calibrations(PLAIN, UNCALIBRATED, replace(VERIFIED, bias=5.0, agreement_weight=10.0))
    pictures = Pictures(drawn)
    match = two_ways(cards, best_is_right=True)
    await Verifier(pictures, asked, AMPLE_MS).verify(
        [photo(drawn[cards[0].card.card_id], 2)], [match], beside
    )
    others = {one.card.card_id for one in match.other_way.ranking.cards} if match.other_way else set()
    assert others
    assert not others & set(pictures.asked)


async def test_the_printing_on_the_photo_leads_though_its_reprint_was_more_similar(cards, drawn) -> None:
    again = next(card for card in reversed(cards) if card.artwork_id == cards[-1].artwork_id)
    first = next(card for card in cards if card.artwork_id == again.artwork_id)
    assert first is not again
    for own, other in ((first, again), (again, first)):
        match = Match(found([other, own, cards[0]], 0.705, 0.70, 0.3))
        crop = photo(drawn[own.card.card_id], 3)
        (verified,), _ = await Verifier(Pictures(drawn), CALIBRATIONS, AMPLE_MS).verify(
            [crop], [match], beside
        )
        best = verified.ranking.best
        assert best is not None
        assert best.card == own.card
        assert best.difference is not None


async def test_without_time_left_the_search_stands_and_the_reply_says_so(cards, drawn) -> None:
    match = Match(found(cards[:3], 0.52, 0.50, 0.49))
    crop = photo(drawn[cards[1].card.card_id], 1)
    hurried = Verifier(Pictures(drawn), CALIBRATIONS, budget_ms=0.0)
    (verified,), _ = await hurried.verify([crop], [match], beside)
    assert verified.ranking == match.ranking
    assert verified.degraded == (Degraded.VERIFICATION_SKIPPED,)


async def test_a_database_that_answers_too_late_leaves_the_search_standing(cards, drawn) -> None:
    match = Match(found(cards[:2], 0.52, 0.50))
    crop = photo(drawn[cards[0].card.card_id], 1)
    (verified,), _ = await Verifier(Pictures(drawn, away=True), CALIBRATIONS, AMPLE_MS).verify(
        [crop], [match], beside
    )
    assert verified.ranking == match.ranking
    assert Degraded.VERIFICATION_SKIPPED in verified.degraded


async def test_a_gallery_without_features_is_searched_as_before(cards) -> None:
    match = Match(found(cards[:2], 0.52, 0.50))
    crop = np.full((528, 378, 3), 90, np.uint8)
    (verified,), _ = await Verifier(Pictures({}), CALIBRATIONS, AMPLE_MS).verify([crop], [match], beside)
    assert not verified.ranking.verified
    assert verified.degraded == (Degraded.VERIFICATION_SKIPPED,)


async def test_features_that_cannot_be_read_are_passed_over(cards, drawn) -> None:
    class Broken(Pictures):
        async def features_of(self, card_ids: list[str]) -> dict[str, tuple[bytes, ...]]:
            return {one: (b"not a picture", bytes(100)) for one in card_ids}

    match = Match(found(cards[:5], 0.52, 0.50, 0.49, 0.48, 0.47))
    crop = photo(drawn[cards[0].card.card_id], 1)
    (verified,), _ = await Verifier(Broken(drawn), CALIBRATIONS, AMPLE_MS).verify([crop], [match], beside)
    assert verified.ranking == match.ranking
    assert verified.degraded == (Degraded.VERIFICATION_SKIPPED,)


async def test_a_database_that_hangs_costs_no_more_than_the_time_there_is(cards, drawn) -> None:
    class Hanging(Pictures):
        async def features_of(self, card_ids: list[str]) -> dict[str, tuple[bytes, ...]]:
            await asyncio.sleep(30)
            return {}

    match = Match(found(cards[:5], 0.52, 0.50, 0.49, 0.48, 0.47))
    crop = photo(drawn[cards[0].card.card_id], 1)
    async with asyncio.timeout(10):
        (verified,), _ = await Verifier(Hanging(drawn), CALIBRATIONS, 50.0).verify([crop], [match], beside)
    assert verified.degraded == (Degraded.VERIFICATION_SKIPPED,)


async def test_printings_that_could_not_be_fetched_are_said_to_be_skipped(cards, drawn) -> None:
    class Half(Pictures):
        async def pictures_of(self, card_ids: list[str]) -> dict[str, StoredImage]:
            raise SearchTimeout("too late")

    again = next(card for card in reversed(cards) if card.artwork_id == cards[-1].artwork_id)
    first = next(card for card in cards if card.artwork_id == again.artwork_id)
    others = [card for card in cards if card.artwork_id != first.artwork_id][:4]
    match = Match(found([first, again, *others], 0.7, 0.69, 0.3, 0.3, 0.3, 0.3))
    crop = photo(drawn[first.card.card_id], 3)
    (verified,), _ = await Verifier(Half(drawn), CALIBRATIONS, AMPLE_MS).verify([crop], [match], beside)
    assert verified.ranking.verified
    assert verified.degraded == (Degraded.PRINTINGS_SKIPPED,)


async def test_an_encoder_without_constants_for_it_is_not_verified(cards, drawn) -> None:
    match = Match(found(cards[:5], 0.52, 0.50, 0.49, 0.48, 0.47))
    crop = photo(drawn[cards[1].card.card_id], 1)
    nobody = Verifier(Pictures(drawn), Calibrations(PLAIN, UNCALIBRATED), AMPLE_MS)
    assert await nobody.verify([crop], [match], beside) == ([match], 0.0)


async def test_a_reference_that_was_cut_otherwise_is_laid_on_the_first_before_they_are_compared(
    cards, drawn
) -> None:
    same_frame = [
        (one, two)
        for one in cards
        for two in cards
        if one is not two and one.artwork_id == two.artwork_id and one.frame == two.frame
    ]
    for first, own in same_frame[:4]:
        off = np.roll(drawn[own.card.card_id], 4, axis=1)
        pictures = {**drawn, own.card.card_id: off}
        others = [card for card in cards if card.artwork_id != own.artwork_id][:4]
        match = Match(found([first, own, *others], 0.7, 0.7, 0.3, 0.3, 0.3, 0.3))
        crop = photo(drawn[own.card.card_id], 5)
        (verified,), _ = await Verifier(Pictures(pictures), CALIBRATIONS, AMPLE_MS).verify(
            [crop], [match], beside
        )
        best = verified.ranking.best
        assert best is not None
        assert best.card == own.card
    assert same_frame


async def test_nothing_found_is_nothing_to_verify(drawn) -> None:
    nothing = Match(Ranking((), 0.0))
    crop = np.full((528, 378, 3), 90, np.uint8)
    (verified,), _ = await Verifier(Pictures(drawn), CALIBRATIONS, AMPLE_MS).verify([crop], [nothing], beside)
    assert verified == nothing
    assert await Verifier(Pictures(drawn), CALIBRATIONS, AMPLE_MS).verify([], [], beside) == (
        [],
        pytest.approx(0, abs=50),
    )
