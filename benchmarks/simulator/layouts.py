"""Where the cards of a scene lie on their plane, in millimetres about its middle."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from benchmarks.simulator.geometry import CARD_HEIGHT_MM, CARD_WIDTH_MM, Points, box_quad, card_quad_mm
from benchmarks.simulator.levels import LevelRanges, Range, draw_uniform

SceneKind = Literal["page_3x3", "page_4x3", "page_2x2", "flatbed", "loose", "single"]

#: How much wider and higher a pocket is than a card, in millimetres, welds included.
POCKET_SPARE_MM: Range = (2.5, 5.5)

#: How far a page reaches beyond its pockets: left, where it is bound, and elsewhere, in millimetres.
BINDING_MM: Range = (12.0, 24.0)
PAGE_EDGE_MM: Range = (2.0, 6.0)

#: Gap between cards that somebody laid out on the glass of a scanner, in millimetres.
FLATBED_GAP_MM: Range = (3.0, 12.0)

#: Area of a table that loose cards lie on, in areas of all of them.
LOOSE_SPREAD: Range = (1.6, 2.6)

#: Share of its area that a loose card loses to one lying on it.
OVERLAP_SHARE: Range = (0.03, 0.16)

_PLACING_TRIES = 300


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one card lies: its middle in millimetres (2,), its turn, and whether another card lies on it."""

    card_index: int
    centre_mm: Points
    turn_rad: float
    overlapped: bool = False

    @property
    def quad_mm(self) -> Points:
        """The card's corners (4, 2), from its own top left, clockwise."""
        return card_quad_mm(self.centre_mm, self.turn_rad)


@dataclass(frozen=True, slots=True)
class Layout:
    """Cards on a plane, the lowest first.

    Attributes:
        placements: One for each card.
        pockets_mm: Corners (4, 2) of every pocket of a page, filled or not; empty for other scenes.
        page_mm: Corners (4, 2) of the page, None where there is none.
    """

    placements: tuple[Placement, ...]
    pockets_mm: tuple[Points, ...] = ()
    page_mm: Points | None = None

    @property
    def outline_mm(self) -> Points:
        """All points (n, 2) that the picture must show."""
        if self.page_mm is not None:
            return self.page_mm
        return np.concatenate([placement.quad_mm for placement in self.placements])


def lay_out(kind: SceneKind, count: int, ranges: LevelRanges, rng: np.random.Generator) -> Layout:
    """Lays ``count`` cards out.

    Raises:
        ValueError: no such kind of scene, no card, or more cards than the scene holds.
    """
    if count < 1:
        raise ValueError("a scene needs at least one card")
    arrange = _arrangements().get(kind)
    if arrange is None:
        raise ValueError(f"no scene {kind!r}; there are {', '.join(_arrangements())}")
    return arrange(count, ranges, rng)


Arrange = Callable[[int, LevelRanges, np.random.Generator], Layout]


def _arrangements() -> Mapping[str, Arrange]:
    return {
        "page_3x3": lambda count, ranges, rng: _page(3, 3, count, ranges, rng),
        "page_4x3": lambda count, ranges, rng: _page(4, 3, count, ranges, rng),
        "page_2x2": lambda count, ranges, rng: _page(2, 2, count, ranges, rng),
        "flatbed": _flatbed,
        "loose": _loose,
        "single": _single,
    }


def _page(columns: int, rows: int, count: int, ranges: LevelRanges, rng: np.random.Generator) -> Layout:
    """A binder page; where cards are fewer than pockets, random pockets stay empty."""
    if count > columns * rows:
        raise ValueError(f"a page of {columns} x {rows} pockets cannot hold {count} cards")
    spare = rng.uniform(*POCKET_SPARE_MM, 2)
    pitch = np.array([CARD_WIDTH_MM, CARD_HEIGHT_MM]) + spare
    size = pitch * [columns, rows]
    corners = [pitch * [column, row] - size / 2 for row in range(rows) for column in range(columns)]
    pockets = tuple(box_quad(x, y, pitch[0], pitch[1]) for x, y in corners)
    filled = np.sort(rng.choice(columns * rows, count, replace=False))
    placements = []
    for index, slot in enumerate(filled):
        # A card sinks to the bottom of its pocket and a little to one side.
        slack = np.array([rng.uniform(-0.4, 0.4), rng.uniform(-0.1, 0.4)]) * spare
        # Only upside down: a pocket is too narrow for a card on its side. Whole pages lie on theirs instead.
        turn = math.pi if rng.random() < ranges.turned_frequency / 2 else 0.0
        centre = corners[slot] + pitch / 2 + slack
        placements.append(Placement(index, centre, turn + math.radians(float(rng.normal(0, 0.5)))))
    edge, binding = draw_uniform(PAGE_EDGE_MM, rng), draw_uniform(BINDING_MM, rng)
    left, top = -size / 2 - [binding, edge]
    page = box_quad(left, top, size[0] + binding + edge, size[1] + 2 * edge)
    return Layout(tuple(placements), pockets, page)


def _flatbed(count: int, ranges: LevelRanges, rng: np.random.Generator) -> Layout:
    """Rows of cards on the glass of a scanner."""
    turns = [_draw_turn(ranges, rng) for _ in range(count)]
    sideways = any(turn % 2 for turn in turns)
    cell = np.array([CARD_HEIGHT_MM if sideways else CARD_WIDTH_MM, CARD_HEIGHT_MM])
    cell += rng.uniform(*FLATBED_GAP_MM, 2)
    columns = min(count, max(1, round(math.sqrt(count * cell[1] / cell[0]))))
    placements = []
    for index, turn in enumerate(turns):
        centre = cell * [index % columns, index // columns] + rng.normal(0, 0.4, 2)
        placements.append(
            Placement(index, centre, turn * math.pi / 2 + math.radians(float(rng.normal(0, 0.7))))
        )
    return Layout(_centred(placements))


def _loose(count: int, ranges: LevelRanges, rng: np.random.Generator) -> Layout:
    """Cards thrown on a table, in any turn; some lie on another's edge where the level has covered cards."""
    area = count * CARD_WIDTH_MM * CARD_HEIGHT_MM * draw_uniform(LOOSE_SPREAD, rng)
    aspect = float(rng.uniform(0.7, 1.4))
    half = np.array([math.sqrt(area * aspect), math.sqrt(area / aspect)]) / 2
    placements: list[Placement] = []
    for index in range(count):
        # Half of the covered cards are covered by another card, the others by a finger.
        wants_overlap = bool(rng.random() < ranges.covered_frequency / 2)
        found = _overlapping(index, placements, rng) if wants_overlap else None
        if found is None:
            placements.append(_free_place(index, placements, half, rng))
        else:
            placement, below = found
            lower = placements[below]
            placements[below] = Placement(lower.card_index, lower.centre_mm, lower.turn_rad, overlapped=True)
            placements.append(placement)
    return Layout(_centred(placements))


def _single(count: int, ranges: LevelRanges, rng: np.random.Generator) -> Layout:
    if count != 1:
        raise ValueError(f"a single card's scene cannot hold {count} cards")
    return Layout((Placement(0, np.zeros(2), _draw_turn(ranges, rng) * math.pi / 2),))


def _draw_turn(ranges: LevelRanges, rng: np.random.Generator) -> int:
    """Draws how many quarters a card is turned clockwise: 0 for most."""
    return int(rng.integers(1, 4)) if rng.random() < ranges.turned_frequency else 0


def _free_place(index: int, placements: list[Placement], half: Points, rng: np.random.Generator) -> Placement:
    """Finds a place where no other card lies, looking ever farther out."""
    reach = half.copy()
    while True:
        for _ in range(_PLACING_TRIES):
            placement = Placement(index, rng.uniform(-reach, reach), float(rng.uniform(0, 2 * math.pi)))
            if not any(_overlap_share(placement, other) > 0.0 for other in placements):
                return placement
        reach *= 1.1


def _overlapping(
    index: int, placements: list[Placement], rng: np.random.Generator
) -> tuple[Placement, int] | None:
    """Finds a place on the edge of one free card and on no other; None where there is none."""
    free = [place for place, placement in enumerate(placements) if not placement.overlapped]
    if not free:
        return None
    below = int(rng.choice(free))
    for _ in range(_PLACING_TRIES):
        offset = rng.uniform(-CARD_HEIGHT_MM, CARD_HEIGHT_MM, 2)
        centre = placements[below].centre_mm + offset
        placement = Placement(index, centre, float(rng.uniform(0, 2 * math.pi)))
        shares = [_overlap_share(placement, other) for other in placements]
        if OVERLAP_SHARE[0] <= shares[below] <= OVERLAP_SHARE[1] and sum(shares) == shares[below]:
            return placement, below
    return None


def _overlap_share(first: Placement, second: Placement) -> float:
    """Returns the area that two cards share, in cards."""
    if float(np.linalg.norm(first.centre_mm - second.centre_mm)) > math.hypot(CARD_WIDTH_MM, CARD_HEIGHT_MM):
        return 0.0
    area, _ = cv2.intersectConvexConvex(first.quad_mm.astype(np.float32), second.quad_mm.astype(np.float32))
    return float(area) / (CARD_WIDTH_MM * CARD_HEIGHT_MM)


def _centred(placements: list[Placement]) -> tuple[Placement, ...]:
    """Moves placements so that the box around them is centred on the origin."""
    corners = np.concatenate([placement.quad_mm for placement in placements])
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    return tuple(
        Placement(one.card_index, one.centre_mm - middle, one.turn_rad, one.overlapped) for one in placements
    )
