"""What people carry and wear on their heads."""

from __future__ import annotations

import numpy as np

from app.synthesis.art import shapes
from app.synthesis.art.anatomy import Skin, Stage
from app.synthesis.art.noise import Rng
from app.synthesis.art.paint import Canvas, Material

Materials = tuple[Material, Material, Material]
"""Metal, cloth and horn."""


def draw_weapon(
    canvas: Canvas, stage: Stage, metal: Material, skin: Skin, kind: int, hand: tuple[float, float], pose: Rng
) -> None:
    """Sword, staff, bow, axe, spear, shield or a spell in the hand; kind 7 is an empty hand."""
    turn = float(pose.uniform(-0.5, 0.9))

    def held(points: list[tuple[float, float]] | shapes.Points) -> shapes.Points:
        return stage.at(shapes.rotate(shapes.as_points(points), turn) + np.array(hand))

    if kind == 0:
        blade = [(-0.045, -0.1), (-0.04, -0.85), (0.0, -1.0), (0.04, -0.85), (0.045, -0.1)]
        canvas.solid(held(blade), metal)
        canvas.solid(held(shapes.rectangle(-0.16, -0.13, 0.16, -0.08)), skin.horn)
        canvas.solid(held(shapes.rectangle(-0.03, -0.08, 0.03, 0.14)), skin.second)
    elif kind == 1:
        canvas.solid(held(shapes.limb([(0, 0.9), (0.03, 0), (0, -0.8)], [0.028, 0.03, 0.035])), skin.horn)
        _spark(canvas, held([(0.0, -0.9)]), 0.13 * stage.size, skin)
    elif kind == 2:
        bow = [(-0.22, -0.65), (0.08, -0.35), (0.14, 0), (0.08, 0.35), (-0.22, 0.65)]
        canvas.solid(held(shapes.limb(bow, [0.012, 0.03, 0.04, 0.03, 0.012])), skin.horn)
        canvas.line(held([(-0.22, -0.65), (-0.22, 0.65)]), skin.eye, 0.004)
        canvas.line(held([(-0.4, 0), (0.45, 0)]), skin.dark, 0.008)
    elif kind == 3:
        canvas.solid(held(shapes.rectangle(-0.025, -0.75, 0.025, 0.4)), skin.second)
        head = [(0, -0.8), (0.18, -0.9), (0.3, -0.65), (0.2, -0.4), (0.0, -0.5)]
        canvas.solid(held(shapes.smooth(head)), metal)
    elif kind == 4:
        canvas.solid(held(shapes.rectangle(-0.018, -0.9, 0.018, 0.9)), skin.second)
        canvas.solid(held([(-0.07, -0.85), (0, -1.2), (0.07, -0.85)]), metal)
    elif kind == 5:
        shield = shapes.smooth(
            [(-0.28, -0.3), (0, -0.36), (0.28, -0.3), (0.24, 0.15), (0, 0.45), (-0.24, 0.15)]
        )
        canvas.solid(stage.at(shield + np.array(hand)), skin.second)
        canvas.solid(stage.at(shield * 0.7 + np.array(hand)), metal)
        canvas.solid(stage.at(shapes.star(0, 0, 0.14, 0.06, 5) + np.array(hand)), skin.horn)
    elif kind == 6:
        _spark(canvas, stage.at([hand]), 0.2 * stage.size, skin)


def _spark(canvas: Canvas, at: shapes.Points, radius: float, skin: Skin) -> None:
    x, y = float(at[0, 0]), float(at[0, 1])
    canvas.glow(x, y, radius * 3.5, skin.eye, 0.9)
    canvas.solid(shapes.ellipse(x, y, radius * 0.75), Material(skin.horn.ramp, 1.0, 0.4, 1.2, 1.0))
    canvas.glow(x, y, radius * 1.2, (255, 255, 255), 0.8)


def _hood(canvas: Canvas, stage: Stage, at: tuple[float, float], r: float, of: Materials) -> None:
    x, y = at
    hood = [
        (x - r * 1.1, y + r * 1.1), (x - r * 1.2, y - r * 0.3), (x - r * 0.4, y - r * 1.35),
        (x + r * 0.5, y - r * 1.2),
        (x + r, y - r * 0.3), (x + r * 0.7, y - r * 0.1), (x + r * 0.3, y - r * 0.7),
        (x - r * 0.4, y - r * 0.6),
        (x - r * 0.7, y + r * 0.2), (x - r * 0.5, y + r * 1.2),
    ]  # fmt: skip
    canvas.solid(stage.at(shapes.smooth(hood)), of[1])


def _helmet(canvas: Canvas, stage: Stage, at: tuple[float, float], r: float, of: Materials) -> None:
    x, y = at
    dome = [
        (x - r, y),
        (x - r * 0.95, y - r * 0.7),
        (x, y - r * 1.25),
        (x + r * 0.9, y - r * 0.7),
        (x + r * 0.95, y),
    ]
    canvas.solid(stage.at(shapes.smooth(dome, steps=4)), of[0])
    canvas.solid(
        stage.at(
            [
                (x - r, y - r * 0.1),
                (x - r * 0.6, y - r * 0.1),
                (x - r * 0.4, y + r * 0.9),
                (x - r * 0.9, y + r * 0.7),
            ]
        ),
        of[0],
    )
    canvas.solid(
        stage.at(
            shapes.limb(
                [(x, y - r * 1.2), (x - r * 0.6, y - r * 1.8), (x - r * 1.5, y - r)],
                [r * 0.12, r * 0.3, r * 0.1],
            )
        ),
        of[1],
    )


def _hat(canvas: Canvas, stage: Stage, at: tuple[float, float], r: float, of: Materials) -> None:
    x, y = at
    canvas.solid(stage.at(shapes.ellipse(x, y - r * 0.62, r * 1.75, r * 0.32, -0.08)), of[1])
    cone = [
        (x - r * 0.85, y - r * 0.65),
        (x - r * 0.3, y - r * 2.0),
        (x - r * 0.9, y - r * 2.6),
        (x + r * 0.3, y - r * 1.9),
        (x + r * 0.85, y - r * 0.7),
    ]
    canvas.solid(stage.at(cone), of[1])


def _crown(canvas: Canvas, stage: Stage, at: tuple[float, float], r: float, of: Materials) -> None:
    x, y = at
    points = []
    for i in range(5):
        left = x - r * 0.85 + i * r * 0.34
        points += [(left, y - r * 0.75), (left + r * 0.17, y - r * (1.55 if i % 2 else 1.3))]
    points += [(x + r * 0.85, y - r * 0.75), (x + r * 0.8, y - r * 0.5), (x - r * 0.8, y - r * 0.5)]
    canvas.solid(stage.at(points), of[2])


def _horns(canvas: Canvas, stage: Stage, at: tuple[float, float], r: float, of: Materials) -> None:
    x, y = at
    for side in (-1.0, 1.0):
        path = [
            (x + side * r * 0.5, y - r * 0.75),
            (x + side * r * 1.2, y - r * 1.2),
            (x + side * r * 0.9, y - r * 2.0),
        ]
        canvas.solid(stage.at(shapes.limb(path, [r * 0.2, r * 0.15, 0.005])), of[2])


def _mask(canvas: Canvas, stage: Stage, at: tuple[float, float], r: float, of: Materials) -> None:
    x, y = at
    mask = shapes.smooth(
        [
            (x - r * 0.7, y - r * 0.3),
            (x + r * 0.75, y - r * 0.3),
            (x + r * 0.6, y + r * 0.4),
            (x + r * 0.1, y + r * 0.2),
            (x - r * 0.5, y + r * 0.4),
        ]
    )
    canvas.solid(stage.at(mask), of[0])
    for side in (-1.0, 1.0):
        canvas.flat(
            stage.at(shapes.ellipse(x + side * r * 0.32 + r * 0.05, y, r * 0.14, r * 0.09)), (15, 12, 18)
        )


def _halo(canvas: Canvas, stage: Stage, at: tuple[float, float], r: float, _of: Materials) -> None:
    x, y = at
    ring = shapes.ellipse(x, y - r * 0.2, r * 1.8)
    canvas.line(stage.at(ring), (255, 244, 196), max(0.004, 0.06 * r * stage.size), closed=True)
    ((cx, cy),) = stage.at([(x, y - r * 0.2)])
    canvas.glow(float(cx), float(cy), r * 2.6 * stage.size, (120, 110, 70), 0.6)


_HEADGEAR = (_hood, _helmet, _hat, _crown, _horns, _mask, _halo)


def draw_headgear(
    canvas: Canvas, stage: Stage, kind: int, at: tuple[float, float], r: float, of: Materials
) -> None:
    """Hood, helmet, wide hat, crown, horns, mask or halo; kinds above 6 leave the head bare."""
    if kind < len(_HEADGEAR):
        _HEADGEAR[kind](canvas, stage, at, r, of)
