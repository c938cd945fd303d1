"""How the cards of a scene lie: in pockets, on a scanner's glass, loose, in a heap, in a case, or alone."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.synthesis.canvas import Placement
from app.synthesis.cases import rack
from app.synthesis.degrade import happens, uniform
from app.synthesis.heaps import cascade, hand, heap, throw
from app.synthesis.holders import BINDING_MM, CARD_MM, BinderPage
from app.synthesis.levels import PhotoRanges
from app.synthesis.rigid import RigidHolder


class SceneKind(enum.StrEnum):
    """What is photographed; pages are named by their columns and rows."""

    PAGE_3X3 = "page_3x3"
    PAGE_4X3 = "page_4x3"
    PAGE_2X2 = "page_2x2"
    FLATBED = "flatbed"
    TABLE = "table"
    STREWN = "strewn"
    HEAP = "heap"
    CASCADE = "cascade"
    HAND = "hand"
    CASE = "case"
    SINGLE = "single"

    @property
    def most_cards(self) -> int:
        """How many cards there is room for."""
        most = {
            "page_3x3": 9,
            "page_4x3": 12,
            "page_2x2": 4,
            "flatbed": 9,
            "table": 20,
            "strewn": 30,
            "heap": 30,
            "cascade": 30,
            "hand": 12,
            "case": 60,
            "single": 1,
        }
        return most[self.value]


#: Columns and rows.
_POCKETS = {SceneKind.PAGE_3X3: (3, 3), SceneKind.PAGE_4X3: (4, 3), SceneKind.PAGE_2X2: (2, 2)}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies on the plane, in millimetres.

    Attributes:
        cards: One place for each card, in the given order.
        spare: Places where another card could be: empty holders, and pockets that are empty or show a back.
        outline_mm: What must be in the picture, (count, 2).
        page: The binder page, if there is one.
        holders: What each card, then each spare place, stands in, if it is a case.
    """

    cards: tuple[Placement, ...]
    spare: tuple[Placement, ...]
    outline_mm: NDArray[np.float64]
    page: BinderPage | None = None
    holders: tuple[RigidHolder, ...] = ()


def arrange(kind: SceneKind, count: int, ranges: PhotoRanges, rng: np.random.Generator) -> Layout:
    """Finds a place for every card.

    Args:
        kind: What is photographed.
        count: How many cards.
        ranges: How often cards are turned, and how untidy it is.
        rng: Source of chance.

    Raises:
        ValueError: there is no room for so many cards, or a single card is asked for without one.
    """
    if count > kind.most_cards:
        raise ValueError(f"a {kind.value} scene has room for {kind.most_cards} cards, got {count}")
    if kind is SceneKind.SINGLE and count == 0:
        raise ValueError("a single scene needs a card")
    if kind in _POCKETS:
        columns, rows = _POCKETS[kind]
        return _pockets(BinderPage.at_random(rows, columns, rng), count, ranges, rng)
    if kind is SceneKind.FLATBED:
        return _flatbed(count, ranges, rng)
    if kind is SceneKind.TABLE or count == 0:
        return _table(count, ranges, rng)
    if kind is SceneKind.STREWN:
        return _strewn(count, ranges, rng)
    if kind is SceneKind.CASE:
        return _case(count, rng)
    if kind is SceneKind.SINGLE:
        places, margin_mm = [Placement((0.0, 0.0), CARD_MM, _turn(ranges, rng, 6.0))], 6.0
    else:
        lay = {SceneKind.HEAP: heap, SceneKind.CASCADE: cascade, SceneKind.HAND: hand}[kind]
        places, margin_mm = lay(count, rng), 5.0
    return Layout(tuple(places), (), _around(places, margin_mm))


def _pockets(page: BinderPage, count: int, ranges: PhotoRanges, rng: np.random.Generator) -> Layout:
    """Cards in pockets, a little loose; which pockets stay empty is chance, the order is not."""
    places = []
    for x, y in page.pocket_centres_mm():
        dx, dy = rng.uniform(-1.2, 1.2), rng.uniform(-0.8, 1.6)
        upside_down = 180.0 if happens(rng, ranges.turned_chance / 2) else 0.0
        places.append(Placement((x + dx, y + dy), CARD_MM, upside_down + float(rng.normal(0, 0.5))))
    taken = set(rng.permutation(len(places))[:count].tolist())
    width, height = page.size_mm
    outline = _rectangle(
        -width / 2 - (BINDING_MM if page.rings else 14.0), -height / 2, width / 2, height / 2
    )
    cards = tuple(place for index, place in enumerate(places) if index in taken)
    spare = tuple(place for index, place in enumerate(places) if index not in taken)
    return Layout(cards, spare, outline, page)


def _flatbed(count: int, ranges: PhotoRanges, rng: np.random.Generator) -> Layout:
    """Rows of cards on the glass of an A4 scanner, laid down by hand."""
    columns = 3 if count > 4 else 2
    pitch = np.array(CARD_MM) + rng.uniform(5, 14, 2)
    rows = max(-(-count // columns), 1)
    cards = []
    for index in range(count):
        row, column = divmod(index, columns)
        x, y = (np.array([column - (columns - 1) / 2, row - (rows - 1) / 2]) * pitch) + rng.normal(0, 1.0, 2)
        upside_down = 180.0 if happens(rng, ranges.turned_chance) else 0.0
        angle = float(np.clip(rng.normal(0, 1.2), -3, 3)) + upside_down
        cards.append(Placement((float(x), float(y)), CARD_MM, angle))
    half = np.array([columns, rows]) * pitch / 2 + 5.0
    return Layout(tuple(cards), (), _rectangle(-half[0], -half[1], half[0], half[1]))


def _table(count: int, ranges: PhotoRanges, rng: np.random.Generator) -> Layout:
    """Loose cards, thrown one by one where they hardly overlap; half of the tables in any turn at all."""
    places = throw(_any_angles(count, ranges, rng), 1.6, 0.10 * ranges.clutter, rng)
    outline = _around(places, 5.0) if places else _rectangle(-110, -85, 110, 85)
    return Layout(tuple(places), (), outline)


def _strewn(count: int, ranges: PhotoRanges, rng: np.random.Generator) -> Layout:
    """Loose cards, thrown where there is less room than they need: most overlap with some other."""
    angles = _any_angles(count, ranges, rng)
    places = throw(angles, uniform(rng, (0.6, 1.5)), uniform(rng, (0.08, 0.6)), rng)
    return Layout(tuple(places), (), _around(places, 5.0))


def _case(count: int, rng: np.random.Generator) -> Layout:
    """Cards in rigid holders in a rack; a few holders are empty."""
    empty = int(rng.integers(1, 4)) if happens(rng, 0.25) else 0
    places, holders = rack(count + empty, rng)
    spare = sorted(rng.choice(len(places), empty, replace=False).tolist())
    order = [index for index in range(len(places)) if index not in spare] + spare
    arranged = tuple(places[index] for index in order)
    kept_in = tuple(holders[index] for index in order)
    return Layout(arranged[:count], arranged[count:], _around(places, 14.0), holders=kept_in)


def _any_angles(count: int, ranges: PhotoRanges, rng: np.random.Generator) -> list[float]:
    """How far each of some loose cards is turned: on some tables anyhow, on others hardly."""
    if happens(rng, 0.3 + 0.4 * ranges.clutter):
        return [float(angle) for angle in rng.uniform(0, 360, count)]
    return [_turn(ranges, rng, 5.0 + 12.0 * ranges.clutter) for _ in range(count)]


def _turn(ranges: PhotoRanges, rng: np.random.Generator, sigma_deg: float) -> float:
    """Nearly upright, or now and then upside down or on its side."""
    quarter = float(rng.choice([90.0, 180.0, 270.0])) if happens(rng, ranges.turned_chance) else 0.0
    return (quarter + float(rng.normal(0, sigma_deg))) % 360.0


def _around(places: list[Placement], margin: float) -> NDArray[np.float64]:
    corners = np.concatenate([place.corners_mm() for place in places])
    (left, top), (right, bottom) = corners.min(axis=0) - margin, corners.max(axis=0) + margin
    return _rectangle(left, top, right, bottom)


def _rectangle(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
