"""How the camera stands to a layout and how large the picture gets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from benchmarks.simulator.geometry import (
    Matrix,
    Points,
    card_height_px,
    draw_view,
    plane_to_picture,
    project,
    scale_and_shift,
)
from benchmarks.simulator.layouts import Layout, SceneKind
from benchmarks.simulator.levels import LevelRanges, Range, draw_uniform

#: Least size of the picture, in sizes of what it must show, and how much larger it may be, by kind of scene.
_MARGIN_MIN = 1.04
_MARGIN_MAX = {"page": 1.4, "flatbed": 1.15, "loose": 1.25, "single": 2.2}

#: Shorter over longer side of pictures, from 16:9 and A4 to nearly square crops.
_ASPECT: Range = (0.56, 0.85)

#: Greatest turn of the camera about its axis, in degrees, by kind of scene.
_ROLL_MAX_DEG = {"page": 6.0, "flatbed": 0.5, "loose": 10.0, "single": 14.0}


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture to be taken: its size, the way there from plane millimetres, and the cards' median height."""

    width_px: int
    height_px: int
    homography: Matrix
    card_height_px: float


def draw_frame(
    kind: SceneKind,
    layout: Layout,
    ranges: LevelRanges,
    megapixels: float,
    wanted_height_px: float | None,
    rng: np.random.Generator,
) -> Frame:
    """Draws a view of a layout that shows all of it.

    Args:
        kind: Kind of scene.
        layout: What to show.
        ranges: The level.
        megapixels: Size that the picture stays below, unless cards would be lower than the level has them.
        wanted_height_px: Median height of the cards; None draws it.
        rng: Source of all choices.

    Returns:
        The picture to be taken.
    """
    group = kind.split("_")[0]
    homography = _draw_homography(group, layout, ranges, rng)
    outline = project(homography, layout.outline_mm)
    heights = [card_height_px(project(homography, placement.quad_mm)) for placement in layout.placements]
    height = float(np.median(heights))
    aspect = _draw_aspect(group, outline, rng)
    least_size = _enclosing_size(np.ptp(outline, axis=0) / height * _MARGIN_MIN, aspect)
    fitting_px = math.sqrt(megapixels * 1e6 / float(least_size.prod()))
    least_px, most_px = ranges.card_height_px
    target = wanted_height_px or float(rng.uniform(least_px, max(least_px, min(most_px, fitting_px))))
    margin = max(1.0, min(float(rng.uniform(1.0, _MARGIN_MAX[group])), fitting_px / target))
    size = np.floor(least_size * target * margin).astype(int)
    scale = target / height
    spare = size - np.ptp(outline, axis=0) * scale
    shift = spare * rng.uniform(0.35, 0.65, 2) - outline.min(axis=0) * scale
    return Frame(int(size[0]), int(size[1]), scale_and_shift(scale, shift) @ homography, target)


def _draw_aspect(group: str, outline: Points, rng: np.random.Generator) -> float:
    """Draws width over height: the way of holding the camera that fits the scene, any for a single card."""
    aspect = draw_uniform(_ASPECT, rng)
    width, height = np.ptp(outline, axis=0)
    wide = rng.random() < 0.5 if group == "single" else bool(width > height)
    return 1.0 / aspect if wide else aspect


def _enclosing_size(size: Points, aspect: float) -> Points:
    """Returns the least width and height (2,) of an aspect that hold a size (2,)."""
    width = max(float(size[0]), float(size[1]) * aspect)
    return np.array([width, width / aspect])


def _draw_homography(group: str, layout: Layout, ranges: LevelRanges, rng: np.random.Generator) -> Matrix:
    """Draws how the plane is seen (3, 3), its scale still open; whole pages may lie on their side."""
    extent = float(np.ptp(layout.outline_mm, axis=0).max())
    view = draw_view(ranges.tilt_max_deg, _ROLL_MAX_DEG[group], extent, rng)
    homography = plane_to_picture(view)
    if group == "page" and rng.random() < ranges.turned_frequency / 2:
        quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        homography = (quarter if rng.random() < 0.5 else quarter.T) @ homography
    return homography
