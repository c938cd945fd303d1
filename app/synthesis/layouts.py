"""How the cards of a scene lie: in pockets, on a scanner's glass, loose on a table, or alone."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.synthesis.canvas import Placement
from app.synthesis.degrade import happens
from app.synthesis.holders import BINDING_MM, CARD_MM, BinderPage
from app.synthesis.levels import PhotoRanges


class SceneKind(enum.StrEnum):
    """What is photographed; pages are named by their columns and rows."""

    PAGE_3X3 = "page_3x3"
    PAGE_4X3 = "page_4x3"
    PAGE_2X2 = "page_2x2"
    FLATBED = "flatbed"
    TABLE = "table"
    HEAP = "heap"
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
            "heap": 8,
            "single": 1,
        }
        return most[self.value]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies on the plane, in millimetres.

    Attributes:
        cards: One place for each card, in the given order.
        spare: Places where another card could be: pockets that stay empty or show a card's back.
        outline_mm: What must be in the picture, (count, 2).
        page: The binder page, if there is one.
    """

    cards: tuple[Placement, ...]
    spare: tuple[Placement, ...]
    outline_mm: NDArray[np.float64]
    page: BinderPage | None = None


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
    if kind is SceneKind.SINGLE:
        if count == 0:
            raise ValueError("a single scene needs a card")
        return _single(ranges, rng)
    if kind is SceneKind.FLATBED:
        return _flatbed(count, ranges, rng)
    if kind is SceneKind.TABLE:
        return _table(count, ranges, rng)
    if kind is SceneKind.HEAP:
        return _heap(count, ranges, rng)
    columns, rows = {SceneKind.PAGE_3X3: (3, 3), SceneKind.PAGE_4X3: (4, 3), SceneKind.PAGE_2X2: (2, 2)}[kind]
    return _pockets(BinderPage.at_random(rows, columns, rng), count, ranges, rng)


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


def _single(ranges: PhotoRanges, rng: np.random.Generator) -> Layout:
    place = Placement((0.0, 0.0), CARD_MM, _turn(ranges, rng, 6.0))
    return Layout((place,), (), _around([place], 6.0))


def _table(count: int, ranges: PhotoRanges, rng: np.random.Generator) -> Layout:
    """Loose cards, thrown one by one where they hardly overlap; half of the tables in any turn at all."""
    scattered = happens(rng, 0.3 + 0.4 * ranges.clutter)
    overlap = 0.10 * ranges.clutter
    area = np.array([1.25, 1.0]) * np.sqrt(max(count, 2) * CARD_MM[0] * CARD_MM[1] * 1.6)
    places: list[Placement] = []
    while len(places) < count:
        for _ in range(60):
            x, y = (rng.random(2) - 0.5) * area
            angle = (
                float(rng.uniform(0, 360)) if scattered else _turn(ranges, rng, 5.0 + 12.0 * ranges.clutter)
            )
            place = Placement((float(x), float(y)), CARD_MM, angle)
            if all(_overlap(place, other) <= overlap for other in places):
                places.append(place)
                break
        else:
            area = area * 1.08
    outline = _around(places, 5.0) if places else _rectangle(-110, -85, 110, 85)
    return Layout(tuple(places), (), outline)


def _heap(count: int, ranges: PhotoRanges, rng: np.random.Generator) -> Layout:
    """Cards on top of each other: spread out as a fan, stepped as in a solitaire column, or thrown."""
    if count == 0:
        return _table(0, ranges, rng)
    way = float(rng.random())
    start, step_deg, radius = float(rng.normal(0, 25)), float(rng.uniform(4, 22)), float(rng.uniform(50, 110))
    stride = rng.uniform(0.15, 0.75, 2) * np.array(CARD_MM) * np.array([happens(rng, 0.6), happens(rng, 0.8)])
    places = []
    for index in range(count):
        if way < 0.35:
            angle = start + step_deg * index
            centre = np.array([np.sin(np.deg2rad(angle)), -np.cos(np.deg2rad(angle))]) * radius
        elif way < 0.7:
            angle = start / 4 + float(rng.normal(0, 2))
            centre = stride * index + rng.normal(0, 2, 2)
        else:
            angle = float(rng.uniform(0, 360))
            centre = rng.normal(0, 1, 2) * np.array(CARD_MM) * (0.25 + 0.25 * count**0.5)
        places.append(Placement((float(centre[0]), float(centre[1])), CARD_MM, angle))
    return Layout(tuple(places), (), _around(places, 5.0))


def _turn(ranges: PhotoRanges, rng: np.random.Generator, sigma_deg: float) -> float:
    """Nearly upright, or now and then upside down or on its side."""
    quarter = float(rng.choice([90.0, 180.0, 270.0])) if happens(rng, ranges.turned_chance) else 0.0
    return (quarter + float(rng.normal(0, sigma_deg))) % 360.0


def _overlap(first: Placement, second: Placement) -> float:
    """Share of a card that two cards have in common; the gap that is kept between them counts too."""
    gap = 1.0  # millimetres
    boxes = [
        (place.centre_mm, (place.size_mm[0] + gap, place.size_mm[1] + gap), place.angle_deg)
        for place in (first, second)
    ]
    kind, region = cv2.rotatedRectangleIntersection(boxes[0], boxes[1])
    if kind == cv2.INTERSECT_NONE or region is None:
        return 0.0
    return float(cv2.contourArea(cv2.convexHull(region))) / (CARD_MM[0] * CARD_MM[1])


def _around(places: list[Placement], margin: float) -> NDArray[np.float64]:
    corners = np.concatenate([place.corners_mm() for place in places])
    (left, top), (right, bottom) = corners.min(axis=0) - margin, corners.max(axis=0) + margin
    return _rectangle(left, top, right, bottom)


def _rectangle(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
