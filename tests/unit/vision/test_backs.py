"""Backs: told from fronts by their symmetry, and half-seen ones by a whole one in the same picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.domain.types import Quad, RgbImage
from app.synthesis.cards import draw_card, draw_card_back
from app.synthesis.catalogue import invent_catalogue
from app.vision.backs import find_backs

PAGE_HEIGHT_PX = 1000


def place(height_px: float = 176, top_px: float = 10) -> Quad:
    return np.array([[10, top_px], [136, top_px], [136, top_px + height_px], [10, top_px + height_px]])


def symmetric_back() -> RgbImage:
    """A back whose lower half is its upper half turned round."""
    back = draw_card_back(2)
    half = len(back) // 2
    back[half:] = back[:half][::-1, ::-1]
    return back


def scaled(crop: RgbImage) -> RgbImage:
    return np.asarray(cv2.resize(crop, (378, 528)), np.uint8)


def test_a_back_that_looks_the_same_either_way_up_is_told_from_fronts() -> None:
    fronts = [draw_card(card) for card in invent_catalogue(4, 12)]
    crops = [*fronts, symmetric_back()]
    found = find_backs(crops, [place()] * len(crops), PAGE_HEIGHT_PX)
    assert found.tolist() == [False] * len(fronts) + [True]


def test_no_crops_are_no_backs() -> None:
    assert find_backs([], [], PAGE_HEIGHT_PX).shape == (0,)


@pytest.mark.parametrize("upper", [True, False])
def test_half_a_back_is_known_by_a_whole_one_and_only_then(upper: bool) -> None:
    back, front = symmetric_back(), draw_card(invent_catalogue(5, 1)[0])
    half = scaled(back[:300] if upper else back[-300:])
    half_place = place(height_px=100)
    assert find_backs([back, half, front], [place(), half_place, place()], PAGE_HEIGHT_PX).tolist() == [
        True,
        True,
        False,
    ]
    assert not find_backs([half, front], [half_place, place()], PAGE_HEIGHT_PX).any()


def test_what_lies_below_the_picture_is_not_compared() -> None:
    back = symmetric_back()
    cut = back.copy()
    cut[320:] = draw_card(invent_catalogue(6, 1)[0])[320:]
    quads_px = [place(), place(top_px=PAGE_HEIGHT_PX - 176 * 320 / 528)]
    assert find_backs([back, cut], quads_px, PAGE_HEIGHT_PX).tolist() == [True, True]
    assert find_backs([back, cut], [place(), place()], PAGE_HEIGHT_PX).tolist() == [True, False]


def test_an_even_area_is_no_back_and_makes_none_of_its_neighbours() -> None:
    even = np.full((528, 378, 3), 128, np.uint8)
    front = draw_card(invent_catalogue(7, 1)[0])
    assert not find_backs([even, front, even], [place()] * 3, PAGE_HEIGHT_PX).any()
