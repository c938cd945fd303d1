"""Answers explained from what is stored: the crop and the reference pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar
from uuid import UUID

import cv2
import numpy as np
import pytest

from app.domain.errors import DatabaseUnavailable
from app.domain.types import (
    Candidate,
    Confidence,
    CropQuality,
    Identification,
    RgbImage,
    Status,
    StoredImage,
    TemplateSource,
)
from app.services.explaining import MOST_OTHERS, Explainer, explain_crop
from app.services.reading import as_jpeg
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.views import photographed_view

SEED = 7305
WIDTH_PX, HEIGHT_PX = 378, 528
AMPLE_MS = 60_000.0

P = ParamSpec("P")
T = TypeVar("T")


async def beside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return work(*args, **kwargs)


@pytest.fixture(scope="module")
def reprints() -> list[InventedCard]:
    """Two printings of one picture in the same frame: another symbol and number."""
    cards = invent_catalogue(SEED, 20, reprint_share=0.5, foil_share=0, language_share=0)
    again = next(
        card for card in cards if card.artwork_id in {one.artwork_id for one in cards[: cards.index(card)]}
    )
    return [next(card for card in cards if card.artwork_id == again.artwork_id), again]


@pytest.fixture(scope="module")
def drawn(reprints) -> dict[str, RgbImage]:
    return {card.card.card_id: draw_card(card, HEIGHT_PX) for card in reprints}


def stored(picture: RgbImage) -> StoredImage:
    return as_jpeg(picture, 92)


def photo(picture: RgbImage, seed: int) -> StoredImage:
    return stored(photographed_view(picture, np.random.default_rng((SEED, seed)), strength=0.4))


class Kept:
    """References and scans of one card each; counts what it is asked for."""

    def __init__(self, drawn: dict[str, RgbImage], crop: StoredImage | None, *, away: bool = False) -> None:
        self._drawn, self._crop, self._away = drawn, crop, away
        self.asked: list[str] = []

    async def pictures_of(self, card_ids: list[str]) -> dict[str, StoredImage]:
        self.asked += card_ids
        if self._away:
            raise DatabaseUnavailable("away")
        return {one: stored(self._drawn[one]) for one in card_ids if one in self._drawn}

    async def detection_image(self, _: UUID) -> StoredImage | None:
        return self._crop


def answer(
    cards: list[InventedCard], alike: tuple[str, ...] = (), groups: tuple[int, ...] = ()
) -> Identification:
    return Identification(
        detection_id=UUID(int=1),
        quad_px=np.zeros((4, 2)),
        rotation=0,
        grid=None,
        status=Status.REVIEW,
        card=cards[0].card if cards else None,
        confidence=Confidence(0.9, 0.6),
        candidates=tuple(
            Candidate(one.card, group, 0.9, 0.5, TemplateSource.OFFICIAL)
            for one, group in zip(cards, groups or (1,) * len(cards), strict=True)
        ),
        ambiguous_with=alike,
        quality=CropQuality(0.9, 0.0, HEIGHT_PX),
    )


def test_patches_lie_in_the_crop_where_the_card_was_moved_to(reprints, drawn) -> None:
    leader = reprints[0].card.card_id
    right_px, down_px = 15, -11
    move = np.array([[1, 0, right_px], [0, 1, down_px]], np.float64)
    moved = cv2.warpAffine(drawn[leader], move, (WIDTH_PX, HEIGHT_PX), borderMode=cv2.BORDER_REPLICATE)
    explanation = explain_crop(stored(np.asarray(moved)), [leader], {leader: stored(drawn[leader])})
    assert explanation is not None
    assert explanation.card_id == leader
    together = [pair for pair in explanation.patches if pair.together]
    assert len(together) > 40
    moves = np.array([np.subtract(pair.in_crop, pair.on_reference) for pair in together])
    assert np.median(moves, axis=0) == pytest.approx((right_px / WIDTH_PX, down_px / HEIGHT_PX), abs=0.004)
    assert [pair.together for pair in explanation.patches] == sorted(
        (pair.together for pair in explanation.patches), reverse=True
    )
    assert explanation.differences == ()


def test_places_where_the_printings_differ_favour_the_one_that_was_photographed(reprints, drawn) -> None:
    one, other = (card.card.card_id for card in reprints)
    pictures = {card_id: stored(picture) for card_id, picture in drawn.items()}
    for shown, sign in ((one, 1.0), (other, -1.0)):
        explanation = explain_crop(photo(drawn[shown], 1), [one, other], pictures)
        assert explanation is not None
        (difference,) = explanation.differences
        assert difference.card_id == other
        assert difference.regions
        largest = difference.regions[0]
        assert largest.favours is not None
        assert sign * largest.favours > 0.3
        # Where the pixels of both really differ most lies inside of the box.
        apart = cv2.GaussianBlur(np.abs(drawn[one].astype(np.float32) - drawn[other]).mean(axis=2), (0, 0), 6)
        row, column = np.unravel_index(int(apart.argmax()), apart.shape)
        left, top, right, bottom = largest.box
        assert left < column / WIDTH_PX < right
        assert top < row / HEIGHT_PX < bottom
        assert largest.in_crop is not None
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        assert np.array(largest.in_crop) == pytest.approx(corners, abs=0.06)


def test_a_photo_that_does_not_lie_on_the_reference_leaves_the_places_in_it_open(reprints, drawn) -> None:
    one, other = (card.card.card_id for card in reprints)
    pictures = {card_id: stored(picture) for card_id, picture in drawn.items()}
    even = stored(np.full((HEIGHT_PX, WIDTH_PX, 3), 90, np.uint8))
    explanation = explain_crop(even, [one, other], pictures)
    assert explanation is not None
    assert not any(pair.together for pair in explanation.patches)
    (difference,) = explanation.differences
    assert difference.regions
    assert {(region.in_crop, region.favours) for region in difference.regions} == {(None, None)}


def test_without_a_picture_of_the_leading_printing_there_is_nothing_to_explain(reprints, drawn) -> None:
    one, other = (card.card.card_id for card in reprints)
    crop = photo(drawn[one], 1)
    assert explain_crop(crop, [one, other], {other: stored(drawn[other])}) is None
    assert explain_crop(crop, [one], {one: StoredImage("image/jpeg", b"no picture")}) is None


def test_printings_without_a_picture_are_passed_over(reprints, drawn) -> None:
    one, other = (card.card.card_id for card in reprints)
    pictures = {one: stored(drawn[one]), other: StoredImage("image/jpeg", b"")}
    explanation = explain_crop(photo(drawn[one], 1), [one, other, "none"], pictures)
    assert explanation is not None
    assert explanation.differences == ()


async def test_the_leader_is_told_apart_from_listed_printings_of_its_picture_and_from_those_in_doubt(
    reprints, drawn
) -> None:
    others = invent_catalogue(SEED + 1, 2, reprint_share=0, foil_share=0, language_share=0)
    kept = Kept(drawn, photo(drawn[reprints[0].card.card_id], 1))
    card = answer([reprints[0], others[0], reprints[1]], ("a", "b", "c"), groups=(1, 2, 1))
    (explained,) = await Explainer(kept, kept).explain([card], beside, AMPLE_MS)
    one, other = (card.card.card_id for card in reprints)
    assert kept.asked == [one, other, "a", "b"]
    assert len(kept.asked) == 1 + MOST_OTHERS
    assert explained.explanation is not None
    assert [difference.card_id for difference in explained.explanation.differences] == [other]


async def test_what_cannot_be_had_leaves_the_answer_without_an_explanation(reprints, drawn) -> None:
    card, crop = answer(reprints), photo(drawn[reprints[0].card.card_id], 1)
    for explainer, asked in (
        (Explainer(*[Kept(drawn, None)] * 2), card),  # its crop has been forgotten
        (Explainer(*[Kept(drawn, crop, away=True)] * 2), card),
        (Explainer(*[Kept(drawn, crop)] * 2, budget_ms=0.0), card),
        (Explainer(*[Kept(drawn, crop)] * 2), answer([])),  # nothing was found
    ):
        assert await explainer.explain([asked], beside, AMPLE_MS) == (asked,)
    (explained,) = await Explainer(*[Kept(drawn, crop)] * 2).explain([card], beside, AMPLE_MS)
    assert explained.explanation is not None
    (hurried,) = await Explainer(*[Kept(drawn, crop)] * 2).explain([card], beside, left_ms=0.0)
    assert hurried == card
