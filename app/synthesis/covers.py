"""What hides a corner or an edge of a card that lies on a table: a finger, or some small thing."""

from __future__ import annotations

import numpy as np

from app.synthesis.canvas import Canvas, Placement
from app.synthesis.degrade import happens, uniform
from app.synthesis.props import draw_finger, draw_skin, lay_prop


def lay_cover(canvas: Canvas, card: Placement, rng: np.random.Generator) -> None:
    """Covers a part of the card's edge."""
    corners = card.corners_mm()
    side = int(rng.integers(4))
    edge = corners[side] + (corners[(side + 1) % 4] - corners[side]) * float(rng.random())
    if happens(rng, 0.55):
        _point(canvas, edge, np.array(card.centre_mm), rng)
    else:
        lay_prop(canvas, (float(edge[0]), float(edge[1])), rng, small=True)


def _point(
    canvas: Canvas,
    edge: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    middle: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    rng: np.random.Generator,
) -> None:
    """A finger, with the hand it grows from, that reaches in over the edge towards the middle."""
    inward = (middle - edge) / max(float(np.hypot(*(middle - edge))), 1.0)
    turn = float(rng.normal(0, 0.5))
    inward = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ inward
    tip = edge + inward * uniform(rng, (0.0, 22.0))
    angle = float(np.rad2deg(np.arctan2(inward[0], -inward[1])))
    skin = draw_skin(rng)
    for size, back, nail in (
        ((80.0, 200.0), 60.0, False),
        ((uniform(rng, (15, 21)), uniform(rng, (70, 110))), 0.0, True),
    ):
        sprite, opacity = draw_finger(rng, size, skin, nail=nail and happens(rng, 0.6))
        centre = tip - inward * (back + size[1] / 2)
        place = Placement((float(centre[0]), float(centre[1])), size, angle)
        canvas.lay(sprite, opacity, place, lift_mm=uniform(rng, (1, 8)), depth=0.4)
