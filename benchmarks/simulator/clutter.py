"""Things that lie about on a table, drawn into a surface seen from straight above."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulator.geometry import Points, RgbImage, box_quad

#: Shift of OpenCV's fixed-point coordinates: sixteenths of a pixel.
_SUBPIXEL_BITS = 4

#: How dark a shadow under an object is, and how far it falls, in millimetres.
SHADOW_SHARE = 0.45
SHADOW_OFFSET_MM = (0.6, 2.5)


def scatter_objects(surface: RgbImage, count: int, px_per_mm: float, rng: np.random.Generator) -> None:
    """Draws ``count`` coins, dice, pens, notes and cables anywhere on a surface, in place."""
    drawers = (_draw_coin, _draw_die, _draw_pen, _draw_note, _draw_cable)
    height, width = surface.shape[:2]
    for _ in range(count):
        centre = np.array([rng.uniform(0, width), rng.uniform(0, height)])
        drawer = drawers[int(rng.integers(len(drawers)))]
        drawer(surface, centre, px_per_mm, rng)


def fill_polygon(picture: RgbImage, points_px: Points, colour: Sequence[float] | NDArray[np.float64]) -> None:
    """Fills a convex polygon (n, 2), its edges smoothed, in place."""
    fixed = np.round(points_px * 2**_SUBPIXEL_BITS).astype(np.int32)
    cv2.fillConvexPoly(picture, fixed, _scalar(colour), cv2.LINE_AA, _SUBPIXEL_BITS)


def drop_shadow(picture: RgbImage, outline_px: Points, px_per_mm: float, rng: np.random.Generator) -> None:
    """Darkens the picture softly beside an outline (n, 2) that is about to be drawn, in place."""
    angle = float(rng.uniform(0, 2 * math.pi))
    offset = float(rng.uniform(*SHADOW_OFFSET_MM)) * px_per_mm
    shifted = outline_px + offset * np.array([math.cos(angle), math.sin(angle)])
    reach = 3.0 * offset + 2.0
    low = np.maximum(np.floor(shifted.min(axis=0) - reach), 0).astype(int)
    high = np.ceil(shifted.max(axis=0) + reach).astype(int)
    part = picture[low[1] : high[1], low[0] : high[0]]
    if part.size == 0:
        return
    mask = np.zeros(part.shape[:2], dtype=np.float32)
    cv2.fillPoly(mask, [np.round(shifted - low).astype(np.int32)], 1.0)
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.4, offset * 0.8)).astype(np.float32)
    part[:] = (part * (1.0 - SHADOW_SHARE * mask[:, :, None])).astype(np.uint8)


def turned_box(centre_px: Points, width_px: float, height_px: float, rng: np.random.Generator) -> Points:
    """Returns the corners (4, 2) of a box in a random turn."""
    angle = float(rng.uniform(0, 2 * math.pi))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.asarray(box_quad(-width_px / 2, -height_px / 2, width_px, height_px) @ turn + centre_px)


def _scalar(colour: Sequence[float] | NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = (float(min(255.0, max(0.0, value))) for value in colour)
    return red, green, blue


def _fixed(point_px: Points) -> tuple[int, int]:
    return round(float(point_px[0]) * 2**_SUBPIXEL_BITS), round(float(point_px[1]) * 2**_SUBPIXEL_BITS)


def _disc(picture: RgbImage, centre_px: Points, radius_px: float, colour: NDArray[np.float64]) -> None:
    radius = round(radius_px * 2**_SUBPIXEL_BITS)
    cv2.circle(picture, _fixed(centre_px), radius, _scalar(colour), -1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_coin(surface: RgbImage, centre: Points, px_per_mm: float, rng: np.random.Generator) -> None:
    radius = float(rng.uniform(8, 13)) * px_per_mm
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    drop_shadow(surface, centre + radius * np.stack([np.cos(angles), np.sin(angles)], 1), px_per_mm, rng)
    metal = np.array([[190.0, 150.0, 80.0], [180.0, 180.0, 185.0], [170.0, 105.0, 70.0]])[
        int(rng.integers(3))
    ]
    _disc(surface, centre, radius, metal * 0.75)
    _disc(surface, centre, radius * 0.9, metal)
    _disc(surface, centre - radius * 0.1, radius * 0.55, metal * 1.12)
    _disc(surface, centre, radius * 0.4, metal * 0.9)


def _draw_die(surface: RgbImage, centre: Points, px_per_mm: float, rng: np.random.Generator) -> None:
    side = float(rng.uniform(10, 18)) * px_per_mm
    box = turned_box(centre, side, side, rng)
    drop_shadow(surface, box, px_per_mm, rng)
    colour = rng.uniform(20, 240, 3)
    fill_polygon(surface, box, colour)
    fill_polygon(surface, centre + (box - centre) * 0.86, colour * 1.08 + 8)
    pip = np.full(3, 20.0 if colour.mean() > 120 else 240.0)
    for corner in box[: int(rng.integers(1, 5))]:
        _disc(surface, centre + (corner - centre) * 0.5, side * 0.09, pip)


def _draw_pen(surface: RgbImage, centre: Points, px_per_mm: float, rng: np.random.Generator) -> None:
    width = float(rng.uniform(7, 12)) * px_per_mm
    box = turned_box(centre, width, float(rng.uniform(120, 150)) * px_per_mm, rng)
    drop_shadow(surface, box, px_per_mm, rng)
    colour = rng.uniform(10, 230, 3)
    fill_polygon(surface, box, colour)
    top_left, top_right, bottom_right, bottom_left = box
    cap = np.array(
        [top_left, top_right, top_right * 0.65 + bottom_right * 0.35, top_left * 0.65 + bottom_left * 0.35]
    )
    fill_polygon(surface, cap, rng.uniform(10, 230, 3))
    shine = np.array([top_left * 0.7 + top_right * 0.3, top_left * 0.55 + top_right * 0.45])
    shine = np.concatenate([shine, shine[::-1] + (bottom_left - top_left)])
    fill_polygon(surface, shine, colour * 0.5 + 110)


def _draw_note(surface: RgbImage, centre: Points, px_per_mm: float, rng: np.random.Generator) -> None:
    """A slip of paper with lines of writing; never of a card's proportions."""
    width, height = float(rng.uniform(90, 140)) * px_per_mm, float(rng.uniform(40, 60)) * px_per_mm
    box = turned_box(centre, width, height, rng)
    drop_shadow(surface, box, px_per_mm, rng)
    paper = rng.uniform(190, 250) + rng.normal(0, 10, 3)
    fill_polygon(surface, box, paper)
    across, down = box[1] - box[0], box[3] - box[0]
    thickness = max(1, round(0.5 * px_per_mm))
    for row in np.linspace(0.15, 0.85, int(rng.integers(3, 7))):
        start = box[0] + down * row + across * 0.08
        for left in np.arange(0.0, float(rng.uniform(0.4, 0.8)), 0.1):
            word_end = left + float(rng.uniform(0.03, 0.08))
            ends = _fixed(start + across * left), _fixed(start + across * word_end)
            cv2.line(surface, *ends, _scalar(paper * 0.35), thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_cable(surface: RgbImage, centre: Points, px_per_mm: float, rng: np.random.Generator) -> None:
    steps = np.linspace(0, 1, 60)
    phase, bends = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(3, 9))
    line = np.stack([steps * 260 - 130, 30 * np.sin(bends * steps + phase)], axis=1) * px_per_mm
    angle = float(rng.uniform(0, 2 * math.pi))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    path = [np.round((line @ turn + centre) * 2**_SUBPIXEL_BITS).astype(np.int32)]
    shade = float(rng.choice([25.0, 225.0]))
    thickness = max(2, round(3.5 * px_per_mm))
    cv2.polylines(surface, path, False, _scalar([shade * 0.6] * 3), thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
    cv2.polylines(
        surface, path, False, _scalar([shade] * 3), max(1, thickness // 2), cv2.LINE_AA, _SUBPIXEL_BITS
    )
