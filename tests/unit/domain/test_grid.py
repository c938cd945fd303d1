"""Rows, columns and reading order of pages as people photograph them."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.grid import assign_grid, find_lattice, reading_order
from app.domain.types import GridCell, Quad


def page(
    rows: int,
    columns: int,
    angle_deg: float = 0.0,
    tilt: float = 0.0,
    pitch: tuple[float, float] = (70.0, 95.0),
    jitter: float = 0.0,
) -> list[Quad]:
    """Cards of 63 x 88 in reading order; ``tilt`` is how much the far side of the page is shortened."""
    rng = np.random.default_rng(7)
    quads = []
    for row in range(rows):
        for column in range(columns):
            corner = np.array([column * pitch[0], row * pitch[1]]) + rng.uniform(-jitter, jitter, 2)
            quads.append(corner + np.array([[0, 0], [63, 0], [63, 88], [0, 88]], np.float64))
    points = np.stack(quads) - np.stack(quads).mean(axis=(0, 1))
    angle = np.radians(angle_deg)
    points = points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    depth = 1.0 + tilt * points[..., 1] / np.abs(points[..., 1]).max()
    return list(points / depth[..., None] + 1000.0)


def cells_of(rows: int, columns: int) -> list[GridCell]:
    return [GridCell(row, column) for row in range(rows) for column in range(columns)]


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (2, 2), (5, 8), (1, 4), (3, 1)])
@pytest.mark.parametrize("angle_deg", [0.0, -12.0, 25.0, -40.0])
@pytest.mark.parametrize("tilt", [0.0, 0.2])
def test_every_card_of_a_page_gets_its_cell(shape: tuple[int, int], angle_deg: float, tilt: float) -> None:
    quads = page(*shape, angle_deg=angle_deg, tilt=tilt, jitter=3.0)
    shuffled = np.random.default_rng(0).permutation(len(quads))
    cells = assign_grid([quads[index] for index in shuffled])
    assert cells == [cells_of(*shape)[index] for index in shuffled]


@pytest.mark.parametrize("angle_deg", [0.0, -12.0, 25.0])
@pytest.mark.parametrize("tilt", [0.0, 0.2, -0.2])
def test_a_page_is_read_row_by_row(angle_deg: float, tilt: float) -> None:
    quads = page(5, 8, angle_deg=angle_deg, tilt=tilt, jitter=3.0)
    shuffled = np.random.default_rng(0).permutation(len(quads))
    order = reading_order([quads[index] for index in shuffled])
    assert [int(shuffled[index]) for index in order] == list(range(40))


def test_empty_pockets_leave_their_cells_empty() -> None:
    quads = page(3, 3)
    filled = [0, 2, 4, 6, 7]
    expected = [cells_of(3, 3)[index] for index in filled]
    assert assign_grid([quads[index] for index in filled]) == expected


def test_an_empty_first_column_is_not_counted() -> None:
    quads = page(3, 3)
    filled = [1, 2, 4, 5, 7, 8]
    assert assign_grid([quads[index] for index in filled]) == cells_of(3, 2)


def test_cards_upside_down_or_named_from_another_corner_stand_in_the_same_cells() -> None:
    quads = [np.roll(quad, index % 4, axis=0) for index, quad in enumerate(page(3, 3))]
    assert assign_grid(quads) == cells_of(3, 3)


def test_a_card_on_its_side_among_upright_ones_keeps_its_cell() -> None:
    quads = page(3, 3, pitch=(95.0, 100.0))
    center = quads[4].mean(axis=0)
    quads[4] = center + np.array([[-44, -31.5], [44, -31.5], [44, 31.5], [-44, 31.5]])
    assert assign_grid(quads) == cells_of(3, 3)


def test_slabs_far_apart_still_make_a_grid() -> None:
    assert assign_grid(page(2, 4, pitch=(100.0, 150.0))) == cells_of(2, 4)


def test_a_loose_card_beside_the_page_has_no_cell() -> None:
    loose = page(1, 1)[0] + (420.0, 230.0)
    cells = assign_grid([*page(3, 3), loose])
    assert cells[:9] == cells_of(3, 3)
    assert cells[9] is None


def test_a_much_larger_card_is_not_part_of_the_page() -> None:
    quads = page(3, 3)
    large = quads[8].mean(axis=0) + (quads[8] - quads[8].mean(axis=0)) * 2 + (140.0, 0.0)
    assert assign_grid([*quads, large])[9] is None


def test_one_or_two_cards_are_no_grid() -> None:
    assert assign_grid([]) == []
    assert assign_grid(page(1, 1)) == [None]
    assert assign_grid(page(1, 2)) == [None, None]
    assert find_lattice(page(1, 2)) is None


def test_loose_cards_in_every_turn_are_no_grid_and_are_read_from_the_top() -> None:
    rng = np.random.default_rng(4)
    quads = []
    for place in ([100, 100], [330, 140], [160, 400], [420, 390]):
        angle = rng.uniform(0, np.pi)
        matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        card = np.array([[-31.5, -44], [31.5, -44], [31.5, 44], [-31.5, 44]])
        quads.append(card @ matrix + place)
    assert assign_grid(quads) == [None] * 4
    assert reading_order(quads) == [0, 1, 2, 3]


def test_two_cards_are_read_from_the_left() -> None:
    left, right = page(1, 2)
    assert reading_order([right, left]) == [1, 0]
    assert reading_order([left]) == [0]
    assert reading_order([]) == []
