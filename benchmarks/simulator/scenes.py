"""Whole photos of many cards with the truth about where each lies."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.simulator.clutter import drop_shadow
from benchmarks.simulator.framing import Frame, draw_frame
from benchmarks.simulator.geometry import (
    CARD_HEIGHT_MM,
    FloatImage,
    Matrix,
    Points,
    RgbImage,
    box_quad,
    check_card,
    project,
    scale_and_shift,
    warp,
)
from benchmarks.simulator.layouts import Layout, SceneKind, lay_out
from benchmarks.simulator.levels import (
    Background,
    Level,
    LevelRanges,
    draw_camera,
    draw_uniform,
    level_ranges,
)
from benchmarks.simulator.obstacles import draw_finger, draw_skin, hidden_share, lay_finger, lay_slip
from benchmarks.simulator.optics import add_streaks, draw_light, draw_streaks, light_field, photograph
from benchmarks.simulator.pages import draw_material, draw_page
from benchmarks.simulator.placing import lay_card, lay_haze, lay_sleeve
from benchmarks.simulator.surfaces import Colour, border_colour_of, draw_surface

#: How often a card that is in no pocket is in a sleeve or toploader whose rim can be seen.
SLEEVE_FREQUENCY = 0.4

#: Share of a neighbour that a finger and its hand may hide; where it would be more there is a slip of paper.
FINGER_HIDES_MAX = 0.12

#: Surfaces are drawn no longer than this and enlarged: nobody looks at the grain of a table at 12 megapixels.
SURFACE_MAX_PX = 2400


@dataclass(frozen=True, slots=True)
class SceneCard:
    """One card of a scene.

    Attributes:
        card_index: Which of the cards that were given.
        quad_px: Corners (4, 2) in the picture, from the card's own top left, clockwise.
        covered: Whether a finger, a slip of paper or another card hides a corner or edge.
    """

    card_index: int
    quad_px: Points
    covered: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """A photo, RGB uint8 (height, width, 3), and its cards, the lowest first."""

    image: RgbImage
    cards: tuple[SceneCard, ...]
    kind: SceneKind
    level: Level


def simulate_scene(
    cards: Sequence[RgbImage],
    kind: SceneKind,
    level: Level,
    rng: np.random.Generator,
    *,
    megapixels: float = 2.5,
    card_height_px: float | None = None,
) -> Scene:
    """Photographs all given cards together.

    A scanner (``flatbed``) has no tilt, motion, shadow, glare or fingers at any level.

    Args:
        cards: Clean cards, RGB uint8 (height, width, 3), any size. At most as many as a page has pockets:
            fewer leave random pockets empty. Exactly one for ``single``.
        kind: page_3x3, page_4x3 (four columns, three rows), page_2x2, flatbed, loose or single.
        level: easy, medium, hard; too_wide is medium here.
        rng: Source of all choices: the same state gives the same scene.
        megapixels: The picture has at most this many million pixels, unless its cards would be lower than the
            level (or ``card_height_px``) has them.
        card_height_px: Median height of the cards; None draws it within the level.

    Returns:
        The photo with every card's corners.

    Raises:
        ValueError: no such kind or level, a bad card, or a number of cards that the scene cannot hold.
    """
    for card in cards:
        check_card(card)
    ranges = _ranges_for(kind, level_ranges(level))
    layout = lay_out(kind, len(cards), ranges, rng)
    frame = draw_frame(kind, layout, ranges, megapixels, card_height_px, rng)
    picture = _render_ground(cards, layout, ranges, frame, rng)
    quads = [project(frame.homography, placement.quad_mm) for placement in layout.placements]
    _light_up(picture, quads, _render_cards(picture, cards, layout, ranges, frame, rng), ranges, frame, rng)
    covered = _cover_cards(picture, quads, _cover_frequency(kind, ranges), rng)
    image = photograph(picture, draw_camera(ranges, rng), frame.card_height_px, rng)
    return Scene(image, _labels(layout, quads, covered), kind, level)


def _cover_frequency(kind: SceneKind, ranges: LevelRanges) -> float:
    """How often a finger or a slip lies on a card; loose cards are covered by each other half of the time."""
    return ranges.covered_frequency / 2 if kind == "loose" else ranges.covered_frequency


def _labels(layout: Layout, quads: Sequence[Points], covered: Sequence[bool]) -> tuple[SceneCard, ...]:
    placed = zip(layout.placements, quads, covered, strict=True)
    return tuple(
        SceneCard(placement.card_index, quad, hidden or placement.overlapped)
        for placement, quad, hidden in placed
    )


def _ranges_for(kind: SceneKind, ranges: LevelRanges) -> LevelRanges:
    """Takes out what a scanner does not have."""
    if kind != "flatbed":
        return ranges
    return dataclasses.replace(
        ranges,
        motion_blur_frequency=0.0,
        light_gradient_max=0.0,
        hard_shadows=False,
        glare_frequency=0.0,
        covered_frequency=0.0,
        tilt_max_deg=0.0,
        backgrounds=("plain", "border_like")
        if "border_like" in ranges.backgrounds
        else ("plain", "dark_pocket"),
    )


def _render_ground(
    cards: Sequence[RgbImage],
    layout: Layout,
    ranges: LevelRanges,
    frame: Frame,
    rng: np.random.Generator,
) -> FloatImage:
    """Draws the table, the page and the shadows of the cards: float32 (height, width, 3)."""
    background = ranges.backgrounds[int(rng.integers(len(ranges.backgrounds)))]
    border = border_colour_of(cards[int(rng.integers(len(cards)))])
    surface, to_surface = _draw_plane(background, border, frame, rng)
    if layout.page_mm is not None:
        draw_page(surface, layout, to_surface, draw_material(background, rng), border, rng)
    px_per_mm = float(to_surface[0, 0])
    for placement in layout.placements:
        drop_shadow(surface, project(to_surface, placement.quad_mm), px_per_mm * 0.5, rng)
    surface_to_picture = frame.homography @ np.linalg.inv(to_surface)
    return warp(surface, surface_to_picture, frame.width_px, frame.height_px).astype(np.float32)


def _draw_plane(
    background: Background, border: Colour, frame: Frame, rng: np.random.Generator
) -> tuple[RgbImage, Matrix]:
    """Draws the part of the plane that the picture shows; returns it with the way there from millimetres."""
    to_plane = np.asarray(np.linalg.inv(frame.homography), dtype=np.float64)
    seen_mm = project(to_plane, box_quad(0, 0, frame.width_px, frame.height_px))
    low, high = seen_mm.min(axis=0), seen_mm.max(axis=0)
    px_per_mm = min(frame.card_height_px / CARD_HEIGHT_MM, SURFACE_MAX_PX / float((high - low).max()))
    width, height = (math.ceil(float(side) * px_per_mm) + 1 for side in high - low)
    surface = draw_surface(background, height, width, px_per_mm, border, rng)
    return surface, scale_and_shift(px_per_mm, -px_per_mm * low)


def _render_cards(
    picture: FloatImage,
    cards: Sequence[RgbImage],
    layout: Layout,
    ranges: LevelRanges,
    frame: Frame,
    rng: np.random.Generator,
) -> list[Points]:
    """Lays all cards with their sleeves, in place; returns the corners (4, 2) of the film over each."""
    films = []
    for placement in layout.placements:
        quad = project(frame.homography, placement.quad_mm)
        in_sleeve = layout.page_mm is None and rng.random() < SLEEVE_FREQUENCY
        films.append(lay_sleeve(picture, quad, rng) if in_sleeve else quad)
        lay_card(picture, cards[placement.card_index], quad)
        lay_haze(picture, films[-1], draw_uniform(ranges.haze_share, rng), rng)
    return films


def _cover_cards(
    picture: FloatImage, quads: list[Points], frequency: float, rng: np.random.Generator
) -> list[bool]:
    """Covers corners and edges with fingers and slips of paper, in place; returns which cards are covered.

    Another card, without a label, would be a card that a detector rightly finds: only loose cards, which
    all have labels, lie on each other.
    """
    covered = [False] * len(quads)
    middle = np.concatenate(quads).mean(axis=0)
    skin, hands_left = draw_skin(rng), 2
    for place, quad in enumerate(quads):
        if rng.random() >= frequency:
            continue
        covered[place] = True
        finger = draw_finger(quad, rng, away_from_px=middle)
        hidden = [hidden_share(other, finger.outline_px()) for other in quads]
        if hands_left == 0 or max([*hidden[:place], *hidden[place + 1 :], 0.0]) > FINGER_HIDES_MAX:
            lay_slip(picture, quad, rng)
            continue
        lay_finger(picture, finger, skin, rng)
        hands_left -= 1
        covered = [was or share > 0.0 for was, share in zip(covered, hidden, strict=True)]
    return covered


def _light_up(
    picture: FloatImage,
    quads: list[Points],
    films: list[Points],
    ranges: LevelRanges,
    frame: Frame,
    rng: np.random.Generator,
) -> None:
    """Lets light, shadow and glare fall on the scene, in place."""
    around = np.concatenate(quads)
    low, high = around.min(axis=0), around.max(axis=0)
    box = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
    picture *= light_field(
        draw_light(ranges, box, frame.card_height_px, rng), frame.height_px, frame.width_px
    )
    angle = float(rng.uniform(0.0, math.pi))
    for quad, film in zip(quads, films, strict=True):
        add_streaks(picture, draw_streaks(ranges, quad, frame.card_height_px, angle, rng), film)
