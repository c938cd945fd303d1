"""Which cards of a page stand in which row and column, and in which order people read them.

Cards are joined to a lattice by their places relative to each other, each pair measured in its own cards'
widths and heights. So a page may be turned, seen in perspective, or have empty pockets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.types import GridCell, Quad

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Fewer cards than this in line are no grid.
_MIN_CARDS = 3
#: How far a card may stand from its place, in cards.
_TOLERANCE = 0.3
_MAX_STEPS = 3
#: Distance of neighbours in cards, least, most, and where none are seen to measure it: pockets are a little
#: wider than cards, graded slabs and loose layouts much wider.
_PITCH = (0.85, 1.9, 1.12)
#: Cards of one page differ in size by perspective alone.
_MAX_SIZE_RATIO = 1.45


@dataclass(frozen=True, slots=True)
class Lattice:
    """Cards that stand in rows and columns.

    Attributes:
        members: Indices (count,) of the cards that belong to it.
        cells: Column and row (count, 2) of each member, counted from zero.
    """

    members: Ints
    cells: Ints


@dataclass(frozen=True, slots=True)
class _Frames:
    """Centres of cards and their axes along the page's rows and columns, in pixels, (count, 2) each."""

    centers: Floats
    across: Floats
    down: Floats


def assign_grid(quads: Sequence[Quad]) -> list[GridCell | None]:
    """Row and column of each card, counted from the top left; None for cards that stand in no grid.

    Args:
        quads: One (4, 2) quad a card, clockwise from any corner.
    """
    cells: list[GridCell | None] = [None] * len(quads)
    lattice = find_lattice(quads)
    if lattice is not None:
        for member, (column, row) in zip(lattice.members, lattice.cells, strict=True):
            cells[member] = GridCell(row=int(row), column=int(column))
    return cells


def reading_order(quads: Sequence[Quad]) -> list[int]:
    """Indices of the cards in the order people read: rows from the top, in a row from the left."""
    if len(quads) < 2:
        return list(range(len(quads)))
    frames = _frames(quads)
    places = _page_places(frames)
    lattice = find_lattice(quads)
    if lattice is not None and len(lattice.members) == len(quads):
        places = np.empty((len(quads), 2))
        places[lattice.members] = lattice.cells
        return [int(index) for index in np.lexsort((places[:, 0], places[:, 1]))]
    heights = np.linalg.norm(frames.down, axis=1)
    return _order_by_rows(places, heights)


def find_lattice(quads: Sequence[Quad]) -> Lattice | None:
    """The largest set of cards that stand in rows and columns, or None where fewer than three do."""
    if len(quads) < _MIN_CARDS:
        return None
    frames = _frames(quads)
    component, steps = _join(frames)
    largest = np.bincount(component).argmax()
    members = np.flatnonzero(component == largest)
    cells = steps[members]
    members, cells = _one_card_a_cell(members, cells, frames)
    if len(members) < _MIN_CARDS:
        return None
    return Lattice(members.astype(np.int64), (cells - cells.min(axis=0)).astype(np.int64))


def _frames(quads: Sequence[Quad]) -> _Frames:
    """Centres and axes, with the axes of every card named after those of the page."""
    stack = np.stack([np.asarray(quad, dtype=np.float64) for quad in quads])
    first = (stack[:, 1] - stack[:, 0] + stack[:, 2] - stack[:, 3]) / 2
    second = (stack[:, 3] - stack[:, 0] + stack[:, 2] - stack[:, 1]) / 2
    turn = _page_turn(first)
    row = np.array([np.cos(turn), np.sin(turn)])
    swap = np.abs(first @ row) < np.abs(second @ row)
    across = np.where(swap[:, None], second, first)
    down = np.where(swap[:, None], first, second)
    column = np.array([-row[1], row[0]])
    across = across * np.where(across @ row < 0.0, -1.0, 1.0)[:, None]
    down = down * np.where(down @ column < 0.0, -1.0, 1.0)[:, None]
    return _Frames(stack.mean(axis=1), across, down)


def _page_turn(first: Floats) -> float:
    """Angle of the rows in radians, within 45 degrees of level: what most sides agree on, a quarter apart.

    Level where they agree on nothing, as loose cards do.
    """
    angles = np.arctan2(first[:, 1], first[:, 0])
    resultant = np.exp(4j * angles).mean()
    return float(np.angle(resultant) / 4.0) if abs(resultant) > 0.5 else 0.0


def _page_places(frames: _Frames) -> Floats:
    """Centres (count, 2) in pixels with the page turned level."""
    row = frames.across.sum(axis=0)
    row = row / max(np.linalg.norm(row), 1e-9)
    return np.asarray(frames.centers @ np.array([[row[0], -row[1]], [row[1], row[0]]]), dtype=np.float64)


def _order_by_rows(places: Floats, heights: Floats) -> list[int]:
    """Takes the topmost card and what stands beside it as the next row, until none is left."""
    left = list(np.argsort(places[:, 1], kind="stable"))
    order: list[int] = []
    while left:
        top = left[0]
        row = [
            index
            for index in left
            if places[index, 1] - places[top, 1] < 0.5 * min(heights[top], heights[index])
        ]
        order.extend(int(index) for index in sorted(row, key=lambda index: places[index, 0]))
        left = [index for index in left if index not in row]
    return order


def _join(frames: _Frames) -> tuple[Ints, Ints]:
    """Joins cards whose distance is a whole number of steps, surest pairs first.

    Returns:
        For each card the number of its component (count,), and its column and row in it (count, 2).
    """
    component = np.arange(len(frames.centers))
    cells = np.zeros((len(frames.centers), 2), dtype=np.int64)
    for one, other, step in _links(frames):
        if component[one] == component[other]:
            continue
        moved = component == component[other]
        cells[moved] += cells[one] + step - cells[other]
        component[moved] = component[one]
    return component, cells


def _links(frames: _Frames) -> list[tuple[int, int, Ints]]:
    """Pairs of cards of like size a whole number of steps apart, nearest and most exact first."""
    distance = _distances_in_cards(frames)
    size = np.sqrt(np.abs(frames.across[:, 0] * frames.down[:, 1] - frames.across[:, 1] * frames.down[:, 0]))
    ratio = size[:, None] / size[None, :]
    alike = (ratio < _MAX_SIZE_RATIO) & (ratio > 1 / _MAX_SIZE_RATIO)
    pitch = np.array([_pitch(distance[..., axis], distance[..., 1 - axis], alike) for axis in (0, 1)])
    places = distance / pitch
    steps = np.round(places).astype(np.int64)
    error = np.abs(places - steps).max(axis=2)
    reach = np.abs(steps).sum(axis=2)
    fits = alike & (error < _TOLERANCE) & (reach > 0) & (np.abs(steps).max(axis=2) <= _MAX_STEPS)
    pairs = [(int(one), int(other)) for one, other in zip(*np.nonzero(fits), strict=True) if one < other]
    pairs.sort(key=lambda pair: float(reach[pair] + error[pair]))
    return [(one, other, steps[one, other]) for one, other in pairs]


def _distances_in_cards(frames: _Frames) -> Floats:
    """From each card to each other, in widths and heights of the two, (count, count, 2)."""
    across = (frames.across[:, None] + frames.across[None, :]) / 2
    down = (frames.down[:, None] + frames.down[None, :]) / 2
    gap = frames.centers[None, :] - frames.centers[:, None]
    determinant = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    determinant = np.where(np.abs(determinant) < 1e-9, 1e-9, determinant)
    columns = (gap[..., 0] * down[..., 1] - gap[..., 1] * down[..., 0]) / determinant
    rows = (across[..., 0] * gap[..., 1] - across[..., 1] * gap[..., 0]) / determinant
    return np.stack([columns, rows], axis=-1)


def _pitch(along: Floats, aside: Floats, alike: NDArray[np.bool_]) -> float:
    """Distance of direct neighbours along one axis, in cards."""
    low, high, usual = _PITCH
    direct = alike & (along > low) & (along < high) & (np.abs(aside) < _TOLERANCE)
    nearest = np.where(direct, along, np.inf).min(axis=1)
    nearest = nearest[np.isfinite(nearest)]
    return float(np.median(nearest)) if len(nearest) else usual


def _one_card_a_cell(
    members: NDArray[np.intp], cells: Ints, frames: _Frames
) -> tuple[NDArray[np.intp], Ints]:
    """Keeps, of cards that claim one cell, the one of the most usual size."""
    size = np.linalg.norm(frames.across[members], axis=1)
    order = np.argsort(np.abs(np.log(size / np.median(size))), kind="stable")
    _, first = np.unique(cells[order], axis=0, return_index=True)
    kept = np.sort(order[first])
    return members[kept], cells[kept]
