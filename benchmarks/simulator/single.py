"""One card as a detector and rectifier would hand it over after somebody photographed it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulator.geometry import (
    CARD_HEIGHT_MM,
    FloatImage,
    Points,
    RgbImage,
    card_height_px,
    card_quad_mm,
    check_card,
    draw_view,
    grow_quad,
    plane_to_picture,
    project,
    rectify,
)
from benchmarks.simulator.levels import (
    Camera,
    Level,
    LevelRanges,
    draw_camera,
    draw_uniform,
    level_ranges,
)
from benchmarks.simulator.obstacles import draw_finger, draw_skin, lay_covering_card, lay_finger
from benchmarks.simulator.optics import add_streaks, draw_light, draw_streaks, light_field, photograph
from benchmarks.simulator.placing import draw_rim, lay_card, lay_haze, lay_sleeve
from benchmarks.simulator.surfaces import border_colour_of, draw_surface

#: Turn of a hand-held card in its picture, in degrees either way.
ROLL_MAX_DEG = 6.0

#: How much of the surroundings is drawn on each side, as a share of the card's height.
MARGIN_SHARE = 0.18

#: How often a card lies in a sleeve or toploader whose rim can be seen.
SLEEVE_FREQUENCY = 0.5


@dataclass(frozen=True, slots=True)
class SingleShot:
    """What is drawn for one picture of one card, apart from surfaces, glare and the like.

    Attributes:
        height_px: Mean length of the card's long sides in the picture.
        quad_px: Where the card lies in the picture (4, 2).
        size_px: Height and width of the picture.
        haze_share: Share of grey that the sleeve mixes in.
        covered: Whether a corner or edge is covered.
        camera: What the picture goes through.
    """

    height_px: float
    quad_px: Points
    size_px: tuple[int, int]
    haze_share: float
    covered: bool
    camera: Camera


@dataclass(frozen=True, slots=True)
class SinglePhoto:
    """One card as it was photographed, and what only the simulator knows about it.

    Attributes:
        crop: The card rectified, RGB uint8 (528, 378, 3).
        quad_px: Where the card truly lies in the picture that was taken (4, 2).
        covered: What lies over the card or beside it in that picture, True there: bool (height, width).
    """

    crop: RgbImage
    quad_px: Points
    covered: NDArray[np.bool_]


def simulate_single(
    card: RgbImage, level: Level, rng: np.random.Generator, *, corner_error: bool = True
) -> RgbImage:
    """Photographs one card and returns the crop of it alone: see ``photograph_single``."""
    return photograph_single(card, level, rng, corner_error=corner_error).crop


def photograph_single(
    card: RgbImage, level: Level, rng: np.random.Generator, *, corner_error: bool = True
) -> SinglePhoto:
    """Photographs one card at a level and rectifies it, not quite exactly.

    Each corner that the picture is rectified by is off in x and in y, uniformly up to the level's share of
    the card's width and height either way. At ``too_wide`` each edge lies beyond the card as well, on the
    rim of a sleeve: each of the four by its own share of the width or height.

    Args:
        card: The clean card, RGB uint8 (height, width, 3), any size.
        level: easy, medium, hard or too_wide.
        rng: Source of all choices: the same state gives the same crop.
        corner_error: False rectifies by the true corners (of the sleeve, at ``too_wide``).

    Returns:
        The crop, with where the card lay in the picture and what covered it there.

    Raises:
        ValueError: no such level, or ``card`` is not RGB uint8.
    """
    check_card(card)
    ranges = level_ranges(level)
    shot = draw_shot(ranges, rng)
    overreach = rng.uniform(*ranges.overreach_share, 4)
    seen_quad = grow_quad(shot.quad_px, overreach)
    picture, covered = _render(card, ranges, shot, seen_quad if overreach.any() else None, rng)
    deviation = rng.uniform(-ranges.corner_error_share, ranges.corner_error_share, (4, 2))
    if corner_error:
        seen_quad = _shift_corners(seen_quad, deviation)
    return SinglePhoto(rectify(picture, seen_quad), shot.quad_px, covered)


def draw_shot(ranges: LevelRanges, rng: np.random.Generator) -> SingleShot:
    """Draws how one card is photographed at a level."""
    height_px = draw_uniform(ranges.card_height_px, rng)
    view = draw_view(ranges.tilt_max_deg, ROLL_MAX_DEG, CARD_HEIGHT_MM, rng)
    quad = project(plane_to_picture(view), card_quad_mm(np.zeros(2), 0.0))
    quad *= height_px / card_height_px(quad)
    margin = MARGIN_SHARE * height_px
    quad += margin - quad.min(axis=0)
    # The card lies anywhere between the pixels.
    quad += rng.uniform(0.0, 1.0, 2)
    width, height = np.ceil(quad.max(axis=0) + margin).astype(int)
    return SingleShot(
        height_px=height_px,
        quad_px=quad,
        size_px=(int(height), int(width)),
        haze_share=draw_uniform(ranges.haze_share, rng),
        covered=bool(rng.random() < ranges.covered_frequency),
        camera=draw_camera(ranges, rng),
    )


def _render(
    card: RgbImage,
    ranges: LevelRanges,
    shot: SingleShot,
    sleeve_quad: Points | None,
    rng: np.random.Generator,
) -> tuple[RgbImage, NDArray[np.bool_]]:
    """Draws the picture of one card and says what of it is covered.

    ``sleeve_quad`` (4, 2) is where a sleeve must end, if anywhere.
    """
    background = ranges.backgrounds[int(rng.integers(len(ranges.backgrounds)))]
    px_per_mm = shot.height_px / CARD_HEIGHT_MM
    surface = draw_surface(background, *shot.size_px, px_per_mm, border_colour_of(card), rng)
    picture: FloatImage = surface.astype(np.float32)
    film = shot.quad_px
    if sleeve_quad is not None:
        draw_rim(picture, sleeve_quad, rng)
        film = sleeve_quad
    elif rng.random() < SLEEVE_FREQUENCY:
        film = lay_sleeve(picture, shot.quad_px, rng)
    lay_card(picture, card, shot.quad_px)
    lay_haze(picture, film, shot.haze_share, rng)
    picture *= light_field(draw_light(ranges, shot.quad_px, shot.height_px, rng), *shot.size_px)
    streaks = draw_streaks(ranges, shot.quad_px, shot.height_px, float(rng.uniform(0.0, math.pi)), rng)
    add_streaks(picture, streaks, film)
    covered = np.zeros(shot.size_px, dtype=np.bool_)
    if shot.covered:
        before = picture.copy()
        if rng.random() < 0.5:
            lay_finger(picture, draw_finger(shot.quad_px, rng), draw_skin(rng), rng)
        else:
            lay_covering_card(picture, shot.quad_px, rng)
        covered = (picture != before).any(axis=2)
    return photograph(picture, shot.camera, shot.height_px, rng), covered


def _shift_corners(quad_px: Points, deviation: Points) -> Points:
    """Moves corners by shares (4, 2) of the quad's mean width and height, along its own sides."""
    across = (quad_px[1] - quad_px[0] + quad_px[2] - quad_px[3]) / 2
    down = (quad_px[3] - quad_px[0] + quad_px[2] - quad_px[1]) / 2
    return np.asarray(quad_px + deviation[:, :1] * across + deviation[:, 1:] * down)
