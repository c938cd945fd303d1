"""What is read out of a finder's answers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from app.domain.geometry import quad_iou
from app.domain.types import RgbImage
from app.vision.detect.votes import Finder, find_quads, read_answers, vote
from tests.unit.vision.detect.drawing import turned, upright_quad

SIZE_PX = (480, 640)


def maps_of(quads: list[NDArray[np.float64]], start: int = 0) -> NDArray[np.float32]:
    """Perfect answers; a later card lies on an earlier one. ``start`` numbers corners from another one."""
    rows, columns = SIZE_PX[0] // 8, SIZE_PX[1] // 8
    maps = np.zeros((9, rows, columns), np.float32)
    maps[0] = -8.0
    for row in range(rows):
        for column in range(columns):
            middle = np.array([column + 0.5, row + 0.5]) * 8
            for quad in quads:
                if inside(quad, middle):
                    shifted = np.roll(quad, start + row + column, axis=0)  # every cell as it likes
                    maps[0, row, column] = 8.0
                    maps[1:, row, column] = ((shifted - middle) / 64.0).ravel()
    return maps


def inside(quad: NDArray[np.float64], point: NDArray[np.float64]) -> bool:
    span, offset = np.roll(quad, -1, axis=0) - quad, point - quad
    return bool(np.all(span[:, 0] * offset[:, 1] - span[:, 1] * offset[:, 0] >= 0))


def found_in(maps: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return vote(read_answers(maps, (1.0, 1.0)))


@pytest.mark.parametrize("angle_deg", [0, 30, 45, 90, 170])
def test_a_card_is_read_back_wherever_each_cell_begins_to_count_its_corners(angle_deg: float) -> None:
    quad = turned(upright_quad(220, 140, 180), angle_deg)
    quads, scores = found_in(maps_of([quad]))
    assert len(quads) == 1
    assert quad_iou(quads[0], quad) > 0.99
    assert scores[0] > 0.9


def test_cards_that_overlap_are_told_apart() -> None:
    lower, upper = upright_quad(150, 100, 180), upright_quad(210, 170, 180)
    quads, _ = found_in(maps_of([lower, upper]))
    assert len(quads) == 2
    assert all(max(quad_iou(one, card) for one in quads) > 0.99 for card in (lower, upper))


def test_the_card_that_shows_least_has_the_lowest_score() -> None:
    cards = [upright_quad(100, 100, 180), upright_quad(130, 190, 180), upright_quad(400, 100, 180)]
    quads, scores = found_in(maps_of(cards))
    hidden = [i for i, quad in enumerate(quads) if quad_iou(quad, cards[0]) > 0.9]
    assert len(quads) == 3
    assert scores[hidden[0]] == scores.min()


def test_a_few_stray_cells_are_no_card() -> None:
    maps = maps_of([])
    maps[0, 10, 10:12] = 8.0
    maps[1:, 10, 10:12] = maps_of([upright_quad(40, 40, 180)])[1:, 10, 10:12]
    quads, _ = found_in(maps)
    assert len(quads) == 0


def test_nothing_is_found_where_no_cell_shows_a_card() -> None:
    quads, scores = found_in(maps_of([]))
    assert quads.shape == (0, 4, 2)
    assert scores.shape == (0,)


def test_a_finder_is_shown_sides_of_multiples_of_32_and_its_corners_are_put_back_to_scale() -> None:
    card = upright_quad(220, 140, 180)
    shown: list[tuple[int, ...]] = []

    def finder(picture: RgbImage) -> NDArray[np.float32]:
        shown.append(picture.shape)
        if max(picture.shape) < 640:
            return np.full((9, picture.shape[0] // 8, picture.shape[1] // 8), -8.0, np.float32)
        return maps_of([card])

    quads, _ = find_quads(np.zeros((960, 1280, 3), np.uint8), finder)
    assert all(height % 32 == 0 and width % 32 == 0 for height, width, _ in shown)
    assert shown[0] == (480, 640, 3)
    assert quad_iou(quads[0], 2 * card) > 0.98


def test_a_picture_smaller_than_every_level_is_looked_at_once() -> None:
    shown: list[tuple[int, ...]] = []

    def finder(picture: RgbImage) -> NDArray[np.float32]:
        shown.append(picture.shape)
        return np.full((9, picture.shape[0] // 8, picture.shape[1] // 8), -8.0, np.float32)

    find_quads(np.zeros((180, 130, 3), np.uint8), finder)
    assert shown == [(192, 160, 3)]


def sees(cards: list[NDArray[np.float64]], long_side_px: int, shown: list[int]) -> Finder:
    """A finder that answers for cards given in pixels of the whole picture, and notes how large it is."""

    def finder(picture: RgbImage) -> NDArray[np.float32]:
        shown.append(picture.shape[1])
        scale = picture.shape[1] / long_side_px
        rows, columns = picture.shape[0] // 8, picture.shape[1] // 8
        maps = np.zeros((9, rows, columns), np.float32)
        maps[0] = -8.0
        y, x = (np.indices((rows, columns)) + 0.5) * 8
        for card in cards:
            quad = card * scale
            (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
            cells = (x > left) & (x < right) & (y > top) & (y < bottom)
            maps[0][cells] = 8.0
            for index, (corner_x, corner_y) in enumerate(quad):
                maps[1 + 2 * index][cells] = (corner_x - x[cells]) / 64.0
                maps[2 + 2 * index][cells] = (corner_y - y[cells]) / 64.0
        return maps

    return finder


def test_many_small_cards_are_looked_at_closer() -> None:
    cards = [upright_quad(60 + 130 * column, 60 + 160 * row, 120) for column in range(9) for row in range(5)]
    shown: list[int] = []
    quads, scores = find_quads(np.zeros((960, 1280, 3), np.uint8), sees(cards, 1280, shown))
    assert shown == [640, 192, 1024]
    assert len(quads) == len(scores) == len(cards)
    assert all(max(quad_iou(one, card) for one in quads) > 0.95 for card in cards)


@pytest.mark.parametrize(("count", "height"), [(9, 300), (3, 120)])
def test_large_cards_and_few_are_not_looked_at_closer(count: int, height: float) -> None:
    cards = [upright_quad(60 + 240 * (n % 3), 20 + 310 * (n // 3), height) for n in range(count)]
    shown: list[int] = []
    quads, _ = find_quads(np.zeros((960, 1280, 3), np.uint8), sees(cards, 1280, shown))
    assert shown == [640, 192]
    assert len(quads) == count


def test_a_large_card_among_many_small_ones_is_kept() -> None:
    small = [upright_quad(40 + 100 * column, 20 + 120 * row, 90) for column in range(8) for row in range(3)]
    large = upright_quad(900, 420, 420)
    quads, _ = find_quads(np.zeros((960, 1280, 3), np.uint8), sees([*small, large], 1280, []))
    assert len(quads) == 25
    assert max(quad_iou(one, large) for one in quads) > 0.95


@pytest.mark.parametrize("wild", ["random", "nan", "scattered"])
def test_answers_that_make_no_sense_give_no_card(wild: str) -> None:
    rng = np.random.default_rng(3)
    maps = rng.normal(0, 3, (9, 60, 80)).astype(np.float32)
    if wild == "nan":
        maps[:, rng.random((60, 80)) < 0.5] = np.nan
    if wild == "scattered":  # every cell is sure of a card of its own
        maps = maps_of([])
        maps[0] = 8.0
        maps[1:] = rng.normal(0, 2, (8, 60, 80))
    quads, scores = found_in(maps)
    assert len(quads) == len(scores)
    assert np.isfinite(quads).all()
    assert len(quads) < 5
