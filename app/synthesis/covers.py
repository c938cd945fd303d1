"""What hides a corner or an edge of a card: a finger, or some small thing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.synthesis.canvas import Canvas, Placement
from app.synthesis.degrade import happens, uniform
from app.synthesis.props import draw_finger, draw_skin, lay_prop

Vector = NDArray[np.float64]

_PALM_MM = (80.0, 200.0)
_PALM_BACK_MM = 60.0  # from the tip of the finger
_TRIES = 5


def lay_cover(
    canvas: Canvas, card: Placement, rng: np.random.Generator, beside: Sequence[Placement] = ()
) -> None:
    """Covers a part of the card's edge.

    No palm hides the middle of one of the cards ``beside`` it: where no finger can reach in so, none does.
    """
    if happens(rng, 0.45):
        edge = _edge_point(card, rng)
        lay_prop(canvas, (float(edge[0]), float(edge[1])), rng, small=True)
        return
    for _ in range(_TRIES):
        tip, inward = _aim(card, rng)
        if not any(_under_palm(np.array(other.centre_mm), tip, inward) for other in (card, *beside)):
            _point(canvas, tip, inward, rng)
            return


def _edge_point(card: Placement, rng: np.random.Generator) -> Vector:
    corners = card.corners_mm()
    side = int(rng.integers(4))
    return np.asarray(corners[side] + (corners[(side + 1) % 4] - corners[side]) * float(rng.random()))


def _aim(card: Placement, rng: np.random.Generator) -> tuple[Vector, Vector]:
    """Where the tip of a finger lies that reaches in over the edge, and its direction."""
    edge = _edge_point(card, rng)
    inward = np.array(card.centre_mm) - edge
    inward /= max(float(np.hypot(*inward)), 1.0)
    turn = float(rng.normal(0, 0.5))
    inward = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ inward
    return edge + inward * uniform(rng, (0.0, 22.0)), inward


def _under_palm(point: Vector, tip: Vector, inward: Vector) -> bool:
    offset = point - tip
    along, aside = -float(offset @ inward), abs(float(offset @ np.array([-inward[1], inward[0]])))
    return _PALM_BACK_MM < along < _PALM_BACK_MM + _PALM_MM[1] and aside < _PALM_MM[0] / 2


def _point(canvas: Canvas, tip: Vector, inward: Vector, rng: np.random.Generator) -> None:
    """A finger with the hand it grows from."""
    angle = float(np.rad2deg(np.arctan2(inward[0], -inward[1])))
    skin = draw_skin(rng)
    finger = (uniform(rng, (15, 21)), uniform(rng, (70, 110)))
    for size, back, nail in ((_PALM_MM, _PALM_BACK_MM, False), (finger, 0.0, True)):
        sprite, opacity = draw_finger(rng, size, skin, nail=nail and happens(rng, 0.6))
        centre = tip - inward * (back + size[1] / 2)
        place = Placement((float(centre[0]), float(centre[1])), size, angle)
        canvas.lay(sprite, opacity, place, lift_mm=uniform(rng, (1, 8)), depth=0.4)
