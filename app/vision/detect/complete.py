"""Looks again where the grid of a page says that a card should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.geometry import start_upright
from app.domain.grid import Lattice, find_lattice
from app.vision.detect.candidates import Quads
from app.vision.detect.detail import print_shares
from app.vision.detect.layers import looks_clear
from app.vision.detect.planes import Planes
from app.vision.detect.pool import Floats64, score_quads
from app.vision.detect.shapes import angle_between, areas, coverage, turns
from app.vision.detect.sides import FINE, fit_sides

#: Where the grid itself vouches for the place, less edge is needed than of a card found by its outline.
_MIN_SCORE = 0.42
_MIN_PRINT_SHARE = 0.5
#: The cards of a page are parallel; perspective turns those at its rims by a few degrees.
_MAX_TURN = np.radians(12.0)
_MIN_MEMBERS = 3
#: How far, as a share of its side, a card may lie beside the place that its neighbours predict.
_REACH_SHARE = 0.05
#: A corner this far from where the neighbours put it, as a share of the side, makes a weak card doubtful.
_MAX_MISFIT = 0.12
_SURE_SCORE = 0.85
#: A side so much longer or shorter (its logarithm) is that of a frame of the print, or of a pocket.
_MAX_SIZE_MISFIT = 0.12
_MISFIT_COST = 0.3
_MAX_CELLS = 400


@dataclass(frozen=True, slots=True)
class Found:
    """Cards: quads (count, 4, 2) in working pixels and scores (count,)."""

    quads: Quads
    score: Floats64


def complete_grid(planes: Planes, cards: Found) -> Found:
    """Adds cards that stand in empty cells of the grid, and looks again at those that do not fit theirs.

    A card of the colour of its pocket has too little outline to be found by it, or is found with its pocket.
    An empty pocket has no print.
    """
    upright = np.array([start_upright(quad) for quad in cards.quads]).reshape(-1, 4, 2)
    lattice = find_lattice(list(upright))
    if lattice is None or not _is_regular(lattice, upright):
        return cards
    askew, wrong_size = _misfits(upright, lattice)
    doubtful = (askew & (cards.score < _SURE_SCORE)) | wrong_size
    sure = Found(upright[~doubtful], cards.score[~doubtful])
    again = _look_at(planes, _predict(upright, lattice, doubtful), sure.quads)
    better = _without_overlaps(
        Found(
            np.concatenate([again.quads, upright[doubtful]]),
            np.concatenate([again.score, cards.score[doubtful] - _MISFIT_COST]),
        )
    )
    return Found(np.concatenate([sure.quads, better.quads]), np.concatenate([sure.score, better.score]))


def _without_overlaps(cards: Found) -> Found:
    """The best of every set of cards that overlap."""
    covered = coverage(cards.quads)
    kept: list[int] = []
    for index in np.argsort(-cards.score, kind="stable"):
        if all(max(covered[index, other], covered[other, index]) < 0.2 for other in kept):
            kept.append(int(index))
    return Found(cards.quads[kept], cards.score[kept])


def _look_at(planes: Planes, predicted: Quads, cards: Quads) -> Found:
    """The cards that stand at predicted places where none is known yet."""
    predicted = predicted[_is_free(predicted, cards, planes.size)]
    usual = np.median(areas(cards)) if len(cards) else 0.0  # a gap between two pages is no pocket
    predicted = predicted[np.abs(areas(predicted) / max(usual, 1.0) - 1.0) < 0.4]
    if len(predicted) == 0:
        return Found(predicted, np.zeros(0))
    fitted = fit_sides(planes.color, predicted, _REACH_SHARE, FINE)
    score = score_quads(fitted)
    ratio = areas(fitted.quads) / np.maximum(areas(predicted), 1.0)
    kept = (score >= _MIN_SCORE) & (np.abs(np.log(np.maximum(ratio, 1e-6))) < 0.2)
    kept &= ~looks_clear(planes.color, fitted.quads)
    kept &= print_shares(planes.color, fitted.quads) >= _MIN_PRINT_SHARE
    return Found(fitted.quads[kept], score[kept])


def _is_regular(lattice: Lattice, quads: Quads) -> bool:
    """Whether so many cards, all parallel, fill so much of the lattice that it is a page, not chance."""
    spanned = int(np.prod(lattice.cells.max(axis=0) + 1))
    members = len(lattice.members)
    turn = turns(quads[lattice.members])
    parallel = bool(np.all(angle_between(turn, np.full(members, np.median(turn))) < _MAX_TURN))
    return parallel and members >= max(_MIN_MEMBERS, 0.6 * len(quads)) and members >= 0.4 * spanned


def _misfits(quads: Quads, lattice: Lattice) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Marks members with a corner off the place that their neighbours predict, and those of another size."""
    misfit = np.zeros(len(quads), dtype=bool)
    wrong_size = np.zeros(len(quads), dtype=bool)
    for place, member in enumerate(lattice.members):
        others = np.delete(np.arange(len(lattice.members)), place)
        expected = _interpolate(lattice.cells[place], lattice.cells[others], quads[lattice.members[others]])
        side = np.sqrt(max(float(areas(expected[None])[0]), 1.0))
        misfit[member] = np.abs(quads[member] - expected).max() > _MAX_MISFIT * side
        size = np.sqrt(max(float(areas(quads[member][None])[0]), 1.0))
        wrong_size[member] = abs(np.log(size / side)) > _MAX_SIZE_MISFIT
    return misfit, wrong_size


def _predict(quads: Quads, lattice: Lattice, doubtful: NDArray[np.bool_]) -> Quads:
    """Quads of the cells inside the grid's bounds that are empty or doubtful, from the sure members near."""
    rows, columns = lattice.cells[:, 1].max() + 1, lattice.cells[:, 0].max() + 1
    if rows * columns > _MAX_CELLS:
        return np.zeros((0, 4, 2))
    taken = np.zeros((rows, columns), dtype=bool)
    sure = ~doubtful[lattice.members]
    cells, members = lattice.cells[sure], quads[lattice.members[sure]]
    taken[cells[:, 1], cells[:, 0]] = True
    if not len(cells):
        return np.zeros((0, 4, 2))
    empty = np.argwhere(~taken)[:, ::-1]
    return np.array([_interpolate(cell, cells, members) for cell in empty]).reshape(-1, 4, 2)


def _interpolate(cell: NDArray[np.int64], cells: NDArray[np.int64], members: Quads) -> Quads:
    """Each corner as an affine function of the cell, fitted to the members with the nearest weighing most."""
    offset = (cells - cell).astype(np.float64)
    weight = 1.0 / (0.5 + (offset**2).sum(axis=1)) ** 2
    design = np.column_stack([np.ones(len(cells)), offset])
    weighted = design * weight[:, None]
    ridge = np.diag([0.0, 1e-6, 1e-6])
    solution = np.linalg.solve(design.T @ weighted + ridge, weighted.T @ members.reshape(-1, 8))
    return np.asarray(solution[0].reshape(4, 2), dtype=np.float64)


def _is_free(predicted: Quads, cards: Quads, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Marks places within the picture that no card covers yet."""
    if len(predicted) == 0:
        return np.zeros(0, dtype=bool)
    inside = ((predicted >= -2.0) & (predicted <= np.array(size) + 2.0)).all(axis=(1, 2))
    covered = coverage(np.concatenate([predicted, cards]))
    count = len(predicted)
    shared = np.maximum(covered[:count, count:], covered[count:, :count].T)
    return np.asarray(inside & (shared.max(axis=1, initial=0.0) < 0.15), dtype=bool)
