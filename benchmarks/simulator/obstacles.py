"""Fingers and other cards that cover a corner or an edge of a card."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulator.geometry import (
    CARD_HEIGHT_MM,
    CARD_WIDTH_MM,
    FloatImage,
    Matrix,
    Points,
    RgbImage,
    box_quad,
    homography_between,
    project,
    project_seen,
)
from benchmarks.simulator.levels import Range, draw_uniform
from benchmarks.simulator.placing import blend_polygon, lay_card

Colour = NDArray[np.float64]

#: A finger: its width, and how far its tip reaches into the card, in millimetres.
FINGER_WIDTH_MM: Range = (15.0, 22.0)
FINGER_REACH_MM: Range = (10.0, 36.0)

#: From the tip of a finger to the hand, and the hand's length and breadth, in millimetres.
FINGER_LENGTH_MM = 62.0
HAND_MM = (95.0, 85.0)

#: Length and breadth of a forearm, in millimetres.
FOREARM_MM = (260.0, 58.0)

#: Sides of a slip of paper, in millimetres.
SLIP_MM: Range = (14.0, 34.0)

#: How far a covering card reaches over an edge or corner, as a share of the side.
COVER_REACH: Range = (0.10, 0.45)


@dataclass(frozen=True, slots=True)
class Finger:
    """A finger over the edge of a card, in millimetres from the card's top left.

    Attributes:
        tip_mm: Middle of its round end (2,).
        axis: Unit vector (2,) that it points along.
        width_mm: Its width near the tip.
        to_picture: Homography (3, 3) from the card's millimetres to pixels.
    """

    tip_mm: Points
    axis: Points
    width_mm: float
    to_picture: Matrix

    def outline_px(self) -> Points:
        """Returns the outline (n, 2) of finger and hand together, convex, in the picture."""
        finger = _finger_outline(self.tip_mm, self.axis, self.width_mm)
        parts = [finger, *_hand_outlines(self.tip_mm, self.axis, 1.0)]
        seen = np.concatenate([project_seen(self.to_picture, part) for part in parts])
        hull = cv2.convexHull(seen.astype(np.float32))
        return hull[:, 0].astype(np.float64)


def draw_finger(quad_px: Points, rng: np.random.Generator, away_from_px: Points | None = None) -> Finger:
    """Draws where a finger reaches over an edge of the card in a quad (4, 2).

    Args:
        quad_px: The card.
        rng: Source of all choices.
        away_from_px: Where given (2,), the hand comes over the edge that lies farthest from there.
    """
    to_picture = homography_between(box_quad(0, 0, CARD_WIDTH_MM, CARD_HEIGHT_MM), quad_px)
    width, reach = draw_uniform(FINGER_WIDTH_MM, rng), draw_uniform(FINGER_REACH_MM, rng)
    edge = int(rng.integers(4))
    if away_from_px is not None:
        middles_px = (quad_px + np.roll(quad_px, -1, axis=0)) / 2
        edge = int(np.argmax(np.linalg.norm(middles_px - away_from_px, axis=1)))
    size = np.array([CARD_WIDTH_MM, CARD_HEIGHT_MM])
    inward = np.array([[0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [1.0, 0.0]])[edge]
    along = np.array([-inward[1], inward[0]])
    entry = size / 2 * (1.0 - inward) + along * float(rng.uniform(-0.5, 0.5)) * float(np.abs(along) @ size)
    lean = float(rng.uniform(-0.6, 0.6))
    axis = inward * math.cos(lean) + along * math.sin(lean)
    return Finger(entry + axis * (reach - width / 2), axis, width, to_picture)


def draw_skin(rng: np.random.Generator) -> Colour:
    """Draws the colour (3,) of somebody's hands."""
    return np.asarray(np.array([1.0, 0.76, 0.63]) * float(rng.uniform(110, 240)))


def lay_finger(picture: FloatImage, finger: Finger, skin: Colour, rng: np.random.Generator) -> None:
    """Draws a finger with its hand, lit from one side, in place."""
    tip, axis, width = finger.tip_mm, finger.axis, finger.width_mm
    side = np.array([-axis[1], axis[0]]) * float(rng.choice([-1.0, 1.0]))
    # From the shaded outside to the lit ridge.
    for step in np.linspace(0.0, 1.0, 9):
        shade = skin * (0.62 + 0.38 * step)
        ridge = _finger_outline(tip + side * step * width * 0.1, axis, width * (1.0 - 0.55 * step))
        for part in _hand_outlines(tip + side * step * 12.0, axis, 1.0 - step / 2):
            blend_polygon(picture, project_seen(finger.to_picture, part), shade)
        blend_polygon(picture, project_seen(finger.to_picture, ridge), shade)
    if rng.random() < 0.6:
        nail = _ellipse(tip + axis * width * 0.12, axis, (width * 0.6, width * 0.55))
        blend_polygon(picture, project(finger.to_picture, nail), skin * 0.98 + np.array([14.0, 8.0, 10.0]))


def hidden_share(quad_px: Points, outline_px: Points) -> float:
    """Returns the share of a card's quad (4, 2) that lies under a convex outline (n, 2)."""
    quad, outline = quad_px.astype(np.float32), outline_px.astype(np.float32)
    return float(cv2.intersectConvexConvex(quad, outline)[0]) / float(cv2.contourArea(quad))


def lay_slip(picture: FloatImage, quad_px: Points, rng: np.random.Generator) -> None:
    """Sticks a slip of paper, a price perhaps, over a corner of the card in a quad (4, 2), in place."""
    to_picture = homography_between(box_quad(0, 0, CARD_WIDTH_MM, CARD_HEIGHT_MM), quad_px)
    size = rng.uniform(*SLIP_MM, 2)
    corner = np.array([CARD_WIDTH_MM, CARD_HEIGHT_MM]) * rng.integers(0, 2, 2)
    inward = np.where(corner > 0, -1.0, 1.0)
    centre = corner + inward * size * rng.uniform(0.2, 0.5, 2)
    turn = float(rng.normal(0, 0.2))
    cosine, sine = math.cos(turn), math.sin(turn)
    outline = box_quad(-size[0] / 2, -size[1] / 2, size[0], size[1])
    outline = outline @ np.array([[cosine, sine], [-sine, cosine]]) + centre
    colour = rng.uniform(170, 250) + rng.normal(0, 18, 3)
    blend_polygon(picture, project(to_picture, outline + 0.5), np.zeros(3), 0.3)
    blend_polygon(picture, project(to_picture, outline), colour)
    middle = outline.mean(axis=0)
    for shift in (-0.2, 0.15):
        line = middle + (outline - middle) * [0.7, 0.12] + [0.0, shift * size[1]]
        blend_polygon(picture, project(to_picture, line), colour * 0.35)


def lay_covering_card(picture: FloatImage, quad_px: Points, rng: np.random.Generator) -> None:
    """Lays another card over a corner or an edge of the card in a quad (4, 2), in place."""
    reach = rng.uniform(*COVER_REACH, 2)
    if rng.random() < 0.5:
        reach[int(rng.integers(2))] = float(rng.uniform(0.9, 1.3))
        reach[reach < 0.9] *= 0.7
    signs = rng.choice([-1.0, 1.0], 2)
    size = np.array([CARD_WIDTH_MM, CARD_HEIGHT_MM])
    centre = size / 2 + signs * size * (1.0 - reach)
    turn = float(rng.normal(0, 0.08))
    cosine, sine = math.cos(turn), math.sin(turn)
    corners = box_quad(-size[0] / 2, -size[1] / 2, size[0], size[1])
    corners = corners @ np.array([[cosine, sine], [-sine, cosine]]) + centre
    to_picture = homography_between(box_quad(0, 0, size[0], size[1]), quad_px)
    blend_polygon(picture, project(to_picture, corners * 1.0 + 0.8), np.array([25.0, 22.0, 20.0]), 0.4)
    lay_card(picture, _invented_print(rng), project(to_picture, corners))


def _invented_print(rng: np.random.Generator) -> RgbImage:
    """Returns a framed random print (176, 126, 3): enough of a card to cover another with."""
    card = np.empty((176, 126, 3), dtype=np.uint8)
    card[:] = rng.integers(10, 245, 3)
    card[6:-6, 6:-6] = rng.integers(20, 235, 3)
    art = rng.integers(0, 255, (9, 12, 3)).astype(np.uint8)
    card[20:90, 12:-12] = cv2.resize(art, (102, 70), interpolation=cv2.INTER_CUBIC)
    card[98:164, 12:-12] = rng.integers(150, 250, 3)
    for row in range(104, 160, 8):
        card[row : row + 3, 16 : 16 + int(rng.integers(40, 92))] = 45
    return card


def _finger_outline(tip: Points, axis: Points, width: float) -> Points:
    """Returns the outline (n, 2) of a finger: round at ``tip``, a third wider where it meets the hand."""
    angles = np.linspace(-math.pi / 2, math.pi / 2, 17)
    side = np.array([-axis[1], axis[0]])
    cap = tip + width / 2 * (np.cos(angles)[:, None] * axis + np.sin(angles)[:, None] * side)
    start = tip - axis * (FINGER_LENGTH_MM + 20.0)
    return np.concatenate([cap, [start + side * width / 1.5, start - side * width / 1.5]])


def _hand_outlines(tip: Points, axis: Points, breadth: float) -> tuple[Points, Points]:
    """Returns the outlines (n, 2) of the fist behind a finger and of the forearm behind that."""
    side = np.array([-axis[1], axis[0]])
    middle = tip - axis * (FINGER_LENGTH_MM + HAND_MM[0] / 2)
    wrist, elbow = middle - axis * 20.0, middle - axis * FOREARM_MM[0]
    half = side * FOREARM_MM[1] / 2 * breadth
    arm = np.array([wrist - half, wrist + half, elbow + half * 1.3, elbow - half * 1.3])
    return arm, _ellipse(middle, axis, (HAND_MM[0], HAND_MM[1] * breadth))


def _ellipse(centre: Points, axis: Points, size: tuple[float, float]) -> Points:
    """Returns the outline (n, 2) of an ellipse, its first size along ``axis``."""
    angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)[:, None]
    side = np.array([-axis[1], axis[0]])
    return np.asarray(centre + np.cos(angles) * axis * size[0] / 2 + np.sin(angles) * side * size[1] / 2)
