"""Boxes around the places where two printings differ."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.types import RgbImage
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import invent_catalogue
from app.vision.printings import compared_crop, compared_reference
from app.vision.regions import MOST_REGIONS, difference_boxes

SEED = 7304
HEIGHT_PX, WIDTH_PX = 528, 378
Pixels = tuple[int, int, int, int]


@pytest.fixture(scope="module")
def card() -> RgbImage:
    return draw_card(invent_catalogue(SEED, 1)[0], HEIGHT_PX)


def changed(card: RgbImage, *boxes: Pixels) -> RgbImage:
    """The card with other pixels in some boxes (left, top, right, bottom)."""
    other = card.copy()
    for left, top, right, bottom in boxes:
        noise = np.random.default_rng((SEED, left, top)).integers(
            0, 2, ((bottom - top) // 4, (right - left) // 4)
        )
        other[top:bottom, left:right] = 255 * np.kron(noise, np.ones((4, 4), int))[..., None]
    return other


def test_each_changed_place_has_a_box_of_its_own_the_largest_difference_first(card) -> None:
    large, small = (40, 60, 120, 140), (280, 460, 304, 484)
    found = difference_boxes(
        compared_reference(card), compared_reference(changed(card, small, large)), crop=None
    )
    assert len(found) == 2
    for one, wanted in zip(found, (large, small), strict=True):
        pixels = np.multiply(one.box, (WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX))
        assert pixels == pytest.approx(wanted, abs=24)  # evened out over 12 px around
        assert one.favours is None
    assert found[0].share > found[1].share
    assert sum(one.share for one in found) == pytest.approx(1.0, abs=0.03)


def test_a_place_favours_the_printing_that_the_crop_shows_there(card) -> None:
    symbol, number = (40, 60, 72, 92), (280, 460, 312, 492)
    one, other = card, changed(card, symbol, number)
    mixed = changed(card, number)  # the symbol of the one, the number of the other
    boxes = difference_boxes(compared_reference(one), compared_reference(other), compared_crop(mixed))
    assert len(boxes) == 2
    by_height = sorted(boxes, key=lambda found: found.box[1])
    assert by_height[0].favours == pytest.approx(1.0, abs=0.2)
    assert by_height[1].favours == pytest.approx(-1.0, abs=0.2)


def test_cards_that_look_the_same_have_no_box(card) -> None:
    assert difference_boxes(compared_reference(card), compared_reference(card), compared_crop(card)) == []


def test_more_places_than_anyone_looks_at_are_not_listed(card) -> None:
    places = [(left, top, left + 24, top + 24) for left in (40, 160, 280) for top in (60, 220, 380)]
    found = difference_boxes(compared_reference(card), compared_reference(changed(card, *places)), crop=None)
    assert len(found) == MOST_REGIONS < len(places)
