"""Rigid holders: toploaders, magnetic holders, and slabs with the label of a grading company."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage
from app.synthesis.backdrops import fractal_noise
from app.synthesis.canvas import Canvas, Mask, Placement
from app.synthesis.degrade import happens, uniform
from app.synthesis.holders import CARD_MM, lay_card
from app.synthesis.surroundings import rounded_mask
from app.synthesis.text import line_cover, put

_MOST_PX_PER_MM = 6.0
#: Height of the label at the top of a slab, and how far it keeps from the rim.
_LABEL_MM = (22.0, 5.0)


class RigidHolder(enum.StrEnum):
    """What a card is kept in."""

    TOPLOADER = "toploader"
    MAGNETIC = "magnetic"
    SLAB = "slab"

    @property
    def size_mm(self) -> tuple[float, float]:
        """Outer width and height."""
        return {"toploader": (76.0, 101.0), "magnetic": (83.0, 113.0), "slab": (81.0, 134.0)}[self.value]

    @property
    def drop_mm(self) -> float:
        """How far the card's middle lies below the holder's."""
        return {"toploader": 4.0, "magnetic": 0.0, "slab": 14.0}[self.value]


@dataclass(frozen=True, slots=True)
class _Style:
    """What all holders of one maker share.

    Attributes:
        back: Colour behind the card.
        back_opacity: How much of it shows, in [0, 1].
        haze: How milky the front is, 0-255.
        rim: How much brighter the plastic beyond the card is, 0-255.
        line: Strength of the bright edges, 0-255.
        ribbed: Whether the sides are toothed.
        label: Colours of a slab's label: ground, band and ink.
    """

    back: NDArray[np.float64]
    back_opacity: float
    haze: float
    rim: float
    line: float
    ribbed: bool
    label: NDArray[np.float64]

    @classmethod
    def at_random(cls, rng: np.random.Generator) -> _Style:
        pale = happens(rng, 0.6)
        return cls(
            back=np.full(3, uniform(rng, (190, 245) if pale else (15, 90))) + rng.normal(0, 6, 3),
            back_opacity=uniform(rng, (0.05, 0.45)) if happens(rng, 0.75) else uniform(rng, (0.45, 0.95)),
            haze=uniform(rng, (2, 30)),
            rim=uniform(rng, (5, 70)),
            line=uniform(rng, (60, 220)),
            ribbed=happens(rng, 0.3),
            label=np.vstack([rng.uniform(150, 255, 3), rng.uniform(0, 255, 3), rng.uniform(0, 70, 3)]),
        )


def lay_in_holder(
    canvas: Canvas,
    picture: RgbImage | None,
    place: Placement,
    holder: RigidHolder,
    style_seed: int,
    rng: np.random.Generator,
) -> None:
    """Lays a card in its holder on the table.

    Args:
        canvas: The table.
        picture: The card's clean picture; None lays an empty holder.
        place: Where the card goes; the holder goes around it.
        holder: Which kind.
        style_seed: Holders of the same seed look alike.
        rng: Source of chance for what differs from holder to holder.
    """
    style = _Style.at_random(np.random.default_rng(style_seed))
    turn = np.deg2rad(place.angle_deg)
    x, y = np.array(place.centre_mm) - holder.drop_mm * np.array([-np.sin(turn), np.cos(turn)])
    outer = Placement((float(x), float(y)), holder.size_mm, place.angle_deg)
    scale = min(canvas.px_per_mm, _MOST_PX_PER_MM)
    width, height = (max(round(side * scale), 8) for side in holder.size_mm)
    outline = rounded_mask(width, height, max(1, round(2 * scale)))
    back = np.full((height, width, 3), np.clip(style.back, 0, 255), np.uint8)
    opacity = np.asarray(cv2.multiply(outline, np.array([style.back_opacity])), np.uint8)
    canvas.lay(back, opacity, outer, lift_mm=2.5, depth=0.45)
    if picture is not None:
        lay_card(canvas, picture, place, 0.3)
    front, film = _front(holder, style, scale, (width, height), rng)
    canvas.lay(front, np.minimum(film, outline), outer, lift_mm=0, depth=0)


def _front(
    holder: RigidHolder, style: _Style, scale: float, size_px: tuple[int, int], rng: np.random.Generator
) -> tuple[RgbImage, Mask]:
    """The front of a holder and its opacity: haze, rim, edges, teeth, and a slab's label."""
    width, height = size_px
    front = np.full((height, width, 3), 245, np.uint8)
    film = style.haze * (0.4 + fractal_noise(rng, (height, width), (3, 2), 2))
    left, top, right, bottom = _recess(holder, scale, size_px, rng)
    rim = np.ones((height, width), np.float32)
    rim[top:bottom, left:right] = 0
    film += style.rim * rim
    film = np.clip(film, 0, 255).astype(np.uint8)
    thin = max(1, round(0.7 * scale))
    if style.ribbed:
        _draw_teeth(front, film, scale, rng)
    for box, strength in (
        ((0, 0, width, height), 1.0),
        ((left, top, right, bottom), uniform(rng, (0.2, 0.9))),
    ):
        shade = int(style.line * strength)
        cv2.rectangle(film, box[:2], (box[2] - 1, box[3] - 1), shade, thin, cv2.LINE_AA)
        shadow = [side + sign * thin for side, sign in zip(box, (1, 1, -1, -1), strict=True)]
        cv2.rectangle(front, shadow[:2], [shadow[2] - 1, shadow[3] - 1], (60, 60, 64), 1)
        cv2.rectangle(film, shadow[:2], [shadow[2] - 1, shadow[3] - 1], shade // 2, 1)
    if holder is RigidHolder.SLAB:
        inset = round(_LABEL_MM[1] * scale)
        box = (inset, inset, width - inset, inset + round(_LABEL_MM[0] * scale))
        _draw_label(front, film, box, style.label, rng)
    return front, film


def _recess(
    holder: RigidHolder, scale: float, size_px: tuple[int, int], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the hollow that the card lies in, a little larger than the card."""
    half = (np.array(CARD_MM) / 2 + rng.uniform(0.3, 3.5, 2)) * scale
    middle = np.array(size_px) / 2 + np.array([0.0, holder.drop_mm * scale])
    low = np.clip(np.rint(middle - half), 1, None).astype(int)
    high = np.clip(np.rint(middle + half), None, np.array(size_px) - 1).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _draw_teeth(front: RgbImage, film: Mask, scale: float, rng: np.random.Generator) -> None:
    """Stacking teeth along the upright sides."""
    height, width = film.shape
    wide, pitch = round(uniform(rng, (2.5, 5.0)) * scale), max(round(uniform(rng, (5, 12)) * scale), 3)
    for y in range(0, height - pitch // 2, pitch):
        shade = int(rng.integers(60, 230))
        for x in (0, width - wide):
            cv2.rectangle(film, (x, y), (x + wide, y + pitch // 2), shade, -1)
            cv2.rectangle(front, (x, y), (x + wide, y + pitch // 2), [int(rng.integers(120, 256))] * 3, -1)


def _draw_label(
    front: RgbImage,
    film: Mask,
    box: tuple[int, int, int, int],
    colours: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    """A printed label: a band of colour, lines of small print, and the grade."""
    left, top, right, bottom = box
    ground, band = (tuple(int(value) for value in row) for row in colours[:2])
    ink = (int(colours[2, 0]), int(colours[2, 1]), int(colours[2, 2]))
    cv2.rectangle(front, (left, top), (right, bottom), ground, -1)
    cv2.rectangle(film, (left, top), (right, bottom), 235, -1)
    high = bottom - top
    cv2.rectangle(front, (left, top), (right, bottom), band, max(1, high // 12))
    size_px = max(high * 0.24, 4.0)
    for line in range(2):
        cover = line_cover("".join(rng.choice(list("AEINORSTUL 0123456789"), 12)), size_px, True)
        put(
            front,
            cover,
            left + 0.06 * (right - left),
            top + (0.15 + 0.4 * line) * high,
            ink,
            0.6 * (right - left),
        )
    grade = line_cover(str(int(rng.integers(6, 11))), high * 0.7, True)
    put(front, grade, right - 0.06 * (right - left), top + 0.1 * high, ink, 0.25 * (right - left), 1.0)


def lay_price(canvas: Canvas, place: Placement, rng: np.random.Generator) -> None:
    """Sticks a price on a corner of a card's holder."""
    width, height = (round(side * 5) for side in rng.uniform((12, 8), (30, 16)))
    tag = np.full(
        (height, width, 3), [(250, 250, 246), (250, 236, 130), (255, 170, 90)][int(rng.integers(3))], np.uint8
    )
    cover = line_cover(f"{rng.integers(1, 400)}.{rng.integers(10, 100)}", height * 0.6, True)
    put(tag, cover, width / 2, height * 0.15, (25, 25, 30), width * 0.9, 0.5)
    corner = np.array(place.corners_mm()[int(rng.integers(4))])
    x, y = corner + (np.array(place.centre_mm) - corner) * uniform(rng, (0.0, 0.25))
    stuck = Placement(
        (float(x), float(y)), (width / 5, height / 5), place.angle_deg + float(rng.normal(0, 4))
    )
    canvas.lay(tag, np.full((height, width), 255, np.uint8), stuck, lift_mm=0.3, depth=0.3)
