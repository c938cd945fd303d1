"""Loose cards that lie on each other: thrown, spread out as a fan, stepped in columns, held in a hand."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.synthesis.canvas import Placement
from app.synthesis.degrade import happens, uniform
from app.synthesis.holders import CARD_MM

#: Gap that is kept around a card which must not touch others.
_GAP_MM = 1.0
_TRIES = 60


def overlap(first: Placement, second: Placement) -> float:
    """Share of a card that two cards have in common; the gap that is kept between them counts too."""
    boxes = [
        (place.centre_mm, (place.size_mm[0] + _GAP_MM, place.size_mm[1] + _GAP_MM), place.angle_deg)
        for place in (first, second)
    ]
    kind, region = cv2.rotatedRectangleIntersection(boxes[0], boxes[1])
    if kind == cv2.INTERSECT_NONE or region is None:
        return 0.0
    return float(cv2.contourArea(cv2.convexHull(region))) / (CARD_MM[0] * CARD_MM[1])


def throw(
    angles_deg: Sequence[float], room: float, most_overlap: float, rng: np.random.Generator
) -> list[Placement]:
    """Cards thrown one by one.

    Args:
        angles_deg: How far each is turned.
        room: Area that they are thrown on, as a multiple of their own; it grows where it does not suffice.
        most_overlap: Share of a card that it may have in common with any other.
        rng: Source of chance.
    """
    area = np.array([1.25, 1.0]) * np.sqrt(max(len(angles_deg), 2) * CARD_MM[0] * CARD_MM[1] * room)
    places: list[Placement] = []
    while len(places) < len(angles_deg):
        for _ in range(_TRIES):
            x, y = (rng.random(2) - 0.5) * area
            place = Placement((float(x), float(y)), CARD_MM, angles_deg[len(places)])
            if all(overlap(place, other) <= most_overlap for other in places):
                places.append(place)
                break
        else:
            area = area * 1.08
    return places


def heap(count: int, rng: np.random.Generator) -> list[Placement]:
    """Cards on top of each other: a fan on the table, a stepped row, or thrown on a heap."""
    way = float(rng.random())
    if way < 0.3:
        return _fan(count, uniform(rng, (4, 22)), uniform(rng, (50, 110)), float(rng.normal(0, 25)))
    if way < 0.5:
        stride = (
            rng.uniform(0.15, 0.75, 2) * np.array(CARD_MM) * np.array([happens(rng, 0.6), happens(rng, 0.8)])
        )
        angle = float(rng.normal(0, 8))
        centres = [stride * index + rng.normal(0, 2, 2) for index in range(count)]
        return [_place(centre, angle + float(rng.normal(0, 2))) for centre in centres]
    spread = uniform(rng, (0.3, 0.55)) * count**0.5
    centres = [rng.normal(0, 1, 2) * np.array(CARD_MM) * spread for _ in range(count)]
    return [_place(centre, float(rng.uniform(0, 360))) for centre in centres]


def cascade(count: int, rng: np.random.Generator) -> list[Placement]:
    """Columns, or rows, of cards of which each leaves a strip of the one below it free."""
    lines = int(rng.integers(1, min(4, count) + 1))
    along = int(happens(rng, 0.7))  # 1 steps down a column, 0 along a row
    step_mm = uniform(rng, (0.12, 0.6)) * CARD_MM[along] * float(rng.choice([1.0, 1.0, -1.0]))
    apart_mm = uniform(rng, (0.9, 1.25)) * CARD_MM[1 - along]
    untidy = uniform(rng, (0.0, 3.0))
    places = []
    for index in range(count):
        line, step = index % lines, index // lines
        centre = np.zeros(2)
        centre[along], centre[1 - along] = step * step_mm, line * apart_mm
        places.append(_place(centre + rng.normal(0, untidy, 2), float(rng.normal(0, untidy))))
    turn = float(rng.uniform(0, 360)) if happens(rng, 0.3) else float(rng.normal(0, 6))
    return turned(places, turn)


def hand(count: int, rng: np.random.Generator) -> list[Placement]:
    """A fan as one holds it, the cards' lower ends together."""
    step_deg = min(uniform(rng, (5, 20)), 120 / count)
    fan = _fan(count, step_deg, uniform(rng, (55, 130)), -step_deg * (count - 1) / 2)
    places = turned(fan, float(rng.normal(0, 15)))
    return places if happens(rng, 0.6) else places[::-1]


def turned(places: Sequence[Placement], angle_deg: float) -> list[Placement]:
    """All places turned clockwise around the origin."""
    turn = np.deg2rad(angle_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return [_place(rotation @ np.array(place.centre_mm), place.angle_deg + angle_deg) for place in places]


def _fan(count: int, step_deg: float, radius_mm: float, start_deg: float) -> list[Placement]:
    places = []
    for index in range(count):
        angle = start_deg + step_deg * index
        centre = np.array([np.sin(np.deg2rad(angle)), -np.cos(np.deg2rad(angle))]) * radius_mm
        places.append(_place(centre, angle))
    return places


def _place(centre_mm: NDArray[np.float64], angle_deg: float) -> Placement:
    return Placement((float(centre_mm[0]), float(centre_mm[1])), CARD_MM, angle_deg % 360.0)
