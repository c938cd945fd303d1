"""Draws the page of a binder into a surface seen from straight above."""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np

from benchmarks.simulator.clutter import drop_shadow, fill_polygon
from benchmarks.simulator.geometry import Matrix, Points, RgbImage, project
from benchmarks.simulator.layouts import Layout
from benchmarks.simulator.levels import Background
from benchmarks.simulator.surfaces import Colour

PageMaterial = Literal["dark", "coloured", "clear", "border_like"]

#: Width of the weld between two pockets and diameter of a punched hole, in millimetres.
WELD_MM = (1.0, 2.5)
HOLE_MM = 7.0

_SUBPIXEL_BITS = 4


def draw_material(background: Background, rng: np.random.Generator) -> PageMaterial:
    """Draws what pages are made of where the surroundings are of a kind."""
    if background in ("plain", "dark_pocket"):
        return "dark"
    if background == "border_like":
        return "border_like"
    return "clear" if rng.random() < 0.5 else "coloured"


def draw_page(
    surface: RgbImage,
    layout: Layout,
    to_surface: Matrix,
    material: PageMaterial,
    border_colour: Colour,
    rng: np.random.Generator,
) -> None:
    """Draws the page of a layout with its pockets, in place.

    Args:
        surface: RGB uint8 (height, width, 3).
        layout: A layout with a page.
        to_surface: Homography (3, 3) from millimetres to the surface's pixels.
        material: What the page is made of.
        border_colour: RGB (3,) that ``border_like`` pages take.
        rng: Source of all choices.
    """
    if layout.page_mm is None:
        raise ValueError("this layout has no page")
    px_per_mm = float(to_surface[0, 0])
    page = project(to_surface, layout.page_mm)
    drop_shadow(surface, page, px_per_mm, rng)
    _tint(surface, page, material, border_colour, rng)
    for pocket_mm in layout.pockets_mm:
        _draw_pocket(surface, project(to_surface, pocket_mm), px_per_mm, rng)
    _draw_holes(surface, page, px_per_mm)


def _tint(
    surface: RgbImage, page: Points, material: PageMaterial, border_colour: Colour, rng: np.random.Generator
) -> None:
    """Fills the page: dark or coloured ones hide what lies below, clear ones lighten it."""
    below = surface.copy()
    opacity = 1.0
    if material == "dark":
        colour = rng.uniform(10, 45) + rng.normal(0, 4, 3)
    elif material == "border_like":
        colour = border_colour + rng.normal(0, 8, 3)
    elif material == "coloured":
        colour = rng.uniform(20, 240) + rng.normal(0, 30, 3)
    else:
        colour = rng.uniform(190, 245, 3)
        opacity = float(rng.uniform(0.12, 0.35))
    fill_polygon(surface, page, np.asarray(colour, dtype=np.float64))
    cv2.addWeighted(surface, opacity, below, 1.0 - opacity, 0.0, dst=surface)


def _draw_pocket(surface: RgbImage, pocket: Points, px_per_mm: float, rng: np.random.Generator) -> None:
    """Draws the welds around a pocket: a groove with a bright and a dark side, as plastic shows it."""
    middle = np.round(pocket.mean(axis=0)).astype(int)
    ground = surface[
        np.clip(middle[1], 0, surface.shape[0] - 1), np.clip(middle[0], 0, surface.shape[1] - 1)
    ].astype(np.float64)
    width = max(1, round(float(rng.uniform(*WELD_MM)) * px_per_mm))
    lift = float(rng.uniform(8, 30))
    for offset_mm, colour in ((0.0, ground * 0.8), (0.5, ground + lift)):
        shifted = pocket + offset_mm * px_per_mm
        fixed = np.round(shifted * 2**_SUBPIXEL_BITS).astype(np.int32)
        red, green, blue = (float(value) for value in np.clip(colour, 0, 255))
        thickness = width if offset_mm == 0.0 else max(1, width // 2)
        cv2.polylines(surface, [fixed], True, (red, green, blue), thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_holes(surface: RgbImage, page: Points, px_per_mm: float) -> None:
    """Draws three punched holes along the bound edge, through which a ring's dark gap is seen."""
    top_left, _, _, bottom_left = page
    inward = (page[1] - top_left) / np.linalg.norm(page[1] - top_left)
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) * HOLE_MM / 2 * px_per_mm
    for share in (0.12, 0.5, 0.88):
        centre = top_left + (bottom_left - top_left) * share + inward * HOLE_MM * px_per_mm
        fill_polygon(surface, circle * 1.3 + centre, [150.0, 150.0, 155.0])
        fill_polygon(surface, circle + centre, [35.0, 33.0, 32.0])
