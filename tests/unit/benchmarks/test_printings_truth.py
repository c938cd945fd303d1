"""Which photos show the printing is worked out from clean pictures."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.printings.truth import deciding_side_px, is_decidable, least_deciding_side_px
from benchmarks.simulator.geometry import box_quad
from benchmarks.simulator.single import SinglePhoto

CARD = np.full((528, 378, 3), 90, dtype=np.uint8)
#: As large in the picture as it is drawn, with a margin of ten pixels.
QUAD_PX = box_quad(10, 10, 378, 528)
NOTHING = np.zeros((548, 398), dtype=np.bool_)


def with_box(left: int, top: int, width: int, height: int, grey: int = 200):
    card = CARD.copy()
    card[top : top + height, left : left + width] = grey
    return card


def photo(quad_px=QUAD_PX, covered=NOTHING) -> SinglePhoto:
    return SinglePhoto(CARD, quad_px, covered)


def test_a_region_is_as_large_as_its_shorter_side_in_the_photographed_picture() -> None:
    other = with_box(100, 200, 60, 24)
    assert deciding_side_px(CARD, other, QUAD_PX, NOTHING) == pytest.approx(24, abs=1.5)
    half = box_quad(10, 10, 189, 264)
    assert deciding_side_px(CARD, other, half, NOTHING) == pytest.approx(12, abs=1.5)


def test_printings_that_look_the_same_leave_nothing_to_decide_by() -> None:
    assert deciding_side_px(CARD, CARD, QUAD_PX, NOTHING) == 0.0


def test_a_change_of_shade_that_white_balance_makes_as_well_is_no_difference() -> None:
    assert deciding_side_px(CARD, with_box(50, 50, 200, 200, grey=110), QUAD_PX, NOTHING) == 0.0


def test_what_is_covered_does_not_count() -> None:
    covered = NOTHING.copy()
    covered[200:260, 100:190] = True
    assert deciding_side_px(CARD, with_box(100, 200, 60, 24), QUAD_PX, covered) == 0.0
    covered[:, 140:] = False
    assert deciding_side_px(CARD, with_box(100, 200, 60, 24), QUAD_PX, covered) == pytest.approx(24, abs=1.5)


def test_letters_of_a_line_are_one_region_and_specks_far_apart_are_not() -> None:
    line, specks = CARD.copy(), CARD.copy()
    for place in range(8):
        line[300:316, 40 + place * 10 : 46 + place * 10] = 220
        specks[300 : 300 + 5, 40 + place * 30 : 45 + place * 30] = 220
    assert deciding_side_px(CARD, line, QUAD_PX, NOTHING) == pytest.approx(16, abs=1.5)
    assert deciding_side_px(CARD, specks, QUAD_PX, NOTHING) < 8


def test_a_printing_must_be_told_from_every_other_one() -> None:
    large, small = with_box(100, 200, 60, 24), with_box(20, 20, 8, 8)
    sides_px = [least_deciding_side_px(photo(), CARD, others) for others in ([], [large], [large, small])]
    assert sides_px[1] > sides_px[2] > 0
    assert [is_decidable(side_px) for side_px in sides_px] == [True, True, False]
    assert is_decidable(None) is None
