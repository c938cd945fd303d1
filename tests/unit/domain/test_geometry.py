"""Geometry of quads."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.geometry import (
    convex_intersection_area,
    is_convex,
    order_clockwise,
    polygon_area,
    quad_iou,
    side_lengths,
    start_upright,
)
from app.domain.types import Quad


def rectangle(left: float, top: float, width: float, height: float) -> Quad:
    return np.array(
        [[left, top], [left + width, top], [left + width, top + height], [left, top + height]], np.float64
    )


def turned(quad: Quad, angle_deg: float) -> Quad:
    angle = np.radians(angle_deg)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (quad - quad.mean(axis=0)) @ matrix + quad.mean(axis=0)


def test_a_clockwise_quad_has_positive_area() -> None:
    assert polygon_area(rectangle(5, 5, 3, 4)) == pytest.approx(12)
    assert polygon_area(rectangle(5, 5, 3, 4)[::-1]) == pytest.approx(-12)


def test_side_lengths_start_with_the_first_side() -> None:
    assert side_lengths(rectangle(0, 0, 3, 4)).tolist() == [3, 4, 3, 4]


def test_crossed_dented_and_counter_clockwise_quads_are_not_convex() -> None:
    quad = rectangle(0, 0, 4, 4)
    assert is_convex(quad)
    assert not is_convex(quad[::-1])
    assert not is_convex(quad[[0, 2, 1, 3]])
    quad[2] = (1, 1)
    assert not is_convex(quad)


def test_corners_in_any_order_come_out_clockwise() -> None:
    quad = rectangle(0, 0, 3, 4)
    assert is_convex(order_clockwise(quad[[2, 0, 3, 1]]))


@pytest.mark.parametrize("shuffle", [[0, 1, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0], [1, 3, 0, 2]])
def test_an_upright_card_starts_at_its_top_left(shuffle: list[int]) -> None:
    quad = rectangle(10, 20, 63, 88)
    assert np.array_equal(start_upright(quad[shuffle]), quad)


def test_a_card_on_its_side_starts_where_a_quarter_clockwise_would_bring_the_top_left() -> None:
    quad = rectangle(10, 20, 88, 63)
    assert start_upright(quad)[0].tolist() == [10, 83]
    assert start_upright(quad)[1].tolist() == [10, 20]


@pytest.mark.parametrize("angle_deg", [-44, -20, 20, 44])
def test_a_slightly_turned_card_still_starts_at_its_own_top_left(angle_deg: float) -> None:
    quad = turned(rectangle(10, 20, 63, 88), angle_deg)
    assert np.allclose(start_upright(quad[[2, 0, 3, 1]]), quad)


def test_a_card_turned_by_more_than_45_degrees_counts_as_lying_on_its_side() -> None:
    quad = turned(rectangle(10, 20, 63, 88), 50)
    assert np.allclose(start_upright(quad), np.roll(quad, -2, axis=0))
    quad = turned(rectangle(10, 20, 63, 88), -50)
    assert np.allclose(start_upright(quad), quad)


def test_the_iou_of_a_quad_with_itself_is_one_and_with_a_far_one_zero() -> None:
    quad = rectangle(0, 0, 63, 88)
    assert quad_iou(quad, quad) == pytest.approx(1)
    assert quad_iou(quad, quad + 500) == 0


def test_the_iou_of_halves_is_a_third() -> None:
    assert quad_iou(rectangle(0, 0, 2, 1), rectangle(1, 0, 2, 1)) == pytest.approx(1 / 3)


def test_a_quad_inside_another_shares_its_whole_area() -> None:
    inner = turned(rectangle(10, 10, 3, 4), 30)
    outer = rectangle(0, 0, 30, 40)
    assert convex_intersection_area(inner, outer) == pytest.approx(12)
    assert convex_intersection_area(outer, inner) == pytest.approx(12)


def test_a_square_and_itself_turned_by_45_degrees_share_an_octagon() -> None:
    square = rectangle(0, 0, 2, 2)
    assert convex_intersection_area(square, turned(square, 45)) == pytest.approx(8 * (np.sqrt(2) - 1))
