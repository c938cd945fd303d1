"""Labelled photos of whole scenes: binder pages, scans, loose cards and single cards.

A scene is drawn flat, in millimetres, as seen from straight above; a pinhole camera then looks at it from
aside, and light, lens, sensor and JPEG act on the whole picture. The labels are the same corners, projected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.domain.types import Quad, RgbImage
from app.synthesis.camera import Camera, Pose, look_at
from app.synthesis.canvas import Canvas
from app.synthesis.degrade import happens, uniform
from app.synthesis.exposure import expose
from app.synthesis.layouts import Layout, SceneKind, arrange
from app.synthesis.levels import Level, PhotoRanges, photo_ranges
from app.synthesis.table_top import draw_table_top

__all__ = ["Level", "PlacedCard", "Scene", "SceneCard", "SceneKind", "photograph_scene"]

#: Largest picture unless another is asked for, or many cards need more to be as high as the level says.
_DEFAULT_MEGAPIXELS = 3.0
#: Shortest side of the smallest picture.
_LEAST_SIDE_PX = 560


@dataclass(frozen=True, slots=True)
class SceneCard:
    """A card to be photographed.

    Attributes:
        picture: Its clean picture, RGB, uint8, (height, width, 3), of any size.
        card_id: Which printing it is, if that is to be labelled.
        name: Its name.
        in_gallery: Whether the gallery that is to be tested holds it.
    """

    picture: RgbImage
    card_id: str | None = None
    name: str | None = None
    in_gallery: bool = True


@dataclass(frozen=True, slots=True)
class PlacedCard:
    """The label of one card; ``quad_px`` runs from its own top left, clockwise."""

    card_id: str | None
    name: str | None
    quad_px: Quad
    in_gallery: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """A photo and what is on it; ``cards`` are in the order in which they were given."""

    image: RgbImage
    cards: tuple[PlacedCard, ...]
    kind: SceneKind
    level: Level


def photograph_scene(
    kind: SceneKind,
    level: Level,
    cards: Sequence[SceneCard],
    rng: np.random.Generator,
    *,
    megapixels: float | None = None,
) -> Scene:
    """Lays cards out and takes a photo of them.

    Args:
        kind: What is photographed. Pockets for which there is no card stay empty or show a card's back.
        level: How hard the photo is to read.
        cards: The cards, at most ``kind.most_cards``; a page is filled in reading order.
        rng: Source of chance; the same state gives the same scene.
        megapixels: Size of the picture. If not given it follows from the height that the level states for a
            card, up to about 3 megapixels; if given, cards are as high as the picture allows.

    Returns:
        The photo with the true corners of every card.

    Raises:
        ValueError: too many cards for the kind, none for a single one, or a size below 0.2 megapixels.
    """
    if megapixels is not None and megapixels < 0.2:
        raise ValueError(f"a scene needs at least 0.2 megapixels, got {megapixels}")
    ranges = photo_ranges(level)
    layout = arrange(kind, len(cards), ranges, rng)
    camera = _aim(kind, layout, ranges, rng, megapixels)
    canvas = draw_table_top(kind, layout, [card.picture for card in cards], camera, ranges, rng)
    flat = _shoot(canvas, camera)
    quads = [camera.project(place.corners_mm()) for place in layout.cards]
    image = expose(flat, kind, quads, 88.0 * camera.px_per_mm, ranges, rng)
    placed = tuple(
        PlacedCard(card.card_id, card.name, quad, card.in_gallery)
        for card, quad in zip(cards, quads, strict=True)
    )
    return Scene(image, placed, kind, level)


def _shoot(canvas: Canvas, camera: Camera) -> RgbImage:
    """The table top as the camera sees it, before light and lens do their part."""
    to_canvas = np.array(
        [
            [1 / canvas.px_per_mm, 0, canvas.origin_mm[0] + 0.5 / canvas.px_per_mm],
            [0, 1 / canvas.px_per_mm, canvas.origin_mm[1] + 0.5 / canvas.px_per_mm],
            [0, 0, 1],
        ]
    )
    flat = cv2.warpPerspective(
        canvas.image, camera.homography @ to_canvas, camera.size_px, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(flat, np.uint8)


def _aim(
    kind: SceneKind, layout: Layout, ranges: PhotoRanges, rng: np.random.Generator, megapixels: float | None
) -> Camera:
    """Chooses the size of the picture and points the camera so that every card is wholly in it."""
    pose = _hold(kind, ranges, rng)
    extent = np.ptp(layout.outline_mm, axis=0)
    sideways = 45 < pose.roll_deg % 180 < 135
    portrait = (extent[1] > extent[0]) != sideways
    aspect = float(rng.choice([3 / 4, 3 / 4, 9 / 16])) if portrait else float(rng.choice([4 / 3, 4 / 3, 1.0]))
    if sideways:
        extent = extent[::-1]
    fill = uniform(rng, (0.35, 0.75) if kind is SceneKind.SINGLE else (0.72, 0.96))
    least_px, most_px = ranges.card_height_px
    per_card_px = max(extent[1], extent[0] / aspect) / 88.0 / fill
    height = per_card_px * float(np.exp(rng.uniform(np.log(least_px), np.log(most_px))))
    if megapixels is not None:
        height = (megapixels * 1e6 / aspect) ** 0.5
    elif height * height * aspect > _DEFAULT_MEGAPIXELS * 1e6:
        height = max((_DEFAULT_MEGAPIXELS * 1e6 / aspect) ** 0.5, per_card_px * least_px)
    else:
        grown = max(height, _LEAST_SIDE_PX / min(aspect, 1.0))
        fill *= height / grown
        height = grown
    size = (round(height * aspect), round(height))
    off_centre = rng.uniform(-0.7, 0.7, 2)
    return look_at(layout.outline_mm, size, pose, fill, (float(off_centre[0]), float(off_centre[1])))


def _hold(kind: SceneKind, ranges: PhotoRanges, rng: np.random.Generator) -> Pose:
    """How the camera is held: a scanner looks straight down, a phone is tilted, now and then turned."""
    if kind is SceneKind.FLATBED:
        return Pose(0.0, 0.0, float(rng.normal(0, 0.4)), 1.0)
    roll = float(rng.normal(0, 1.5 + 4.0 * ranges.clutter))
    if kind.value.startswith("page") and happens(rng, ranges.turned_chance / 2):
        roll += float(rng.choice([90.0, 180.0, 270.0]))
    if kind is SceneKind.CASE:  # one looks down into it, over a counter
        return Pose(uniform(rng, (0.0, 45.0)), float(rng.normal(0, 35)), roll, uniform(rng, (0.8, 1.2)))
    return Pose(uniform(rng, ranges.tilt_deg), uniform(rng, (0, 360)), roll, uniform(rng, (0.8, 1.2)))
