"""Beasts that never were: the species comes from one generator, the pose from another.

So one species can be met again in other pictures: bigger, from the other side, in other light.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.synthesis.art import shapes
from app.synthesis.art.anatomy import Skin, Stage, eye, invent_skin
from app.synthesis.art.beasts import beast, dragon, serpent
from app.synthesis.art.noise import Rng
from app.synthesis.art.paint import Canvas, Material
from app.synthesis.art.palette import Palette


def mascot(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A small round friend: big head, big eyes, stubs for limbs."""
    head, body = float(species.uniform(0.4, 0.6)), float(species.uniform(0.3, 0.5))
    ears, tail, belly = int(species.integers(5)), species.random() < 0.6, species.random() < 0.7
    lean, wave = float(pose.uniform(-0.15, 0.15)), float(pose.uniform(-0.6, 0.3))
    top = (lean, -0.35)
    if tail:
        path = [(-body * 0.6, 0.6), (-body - 0.3, 0.5), (-body - 0.35, 0.0 + wave * 0.3)]
        canvas.solid(stage.at(shapes.limb(path, [0.1, 0.14, float(species.uniform(0.02, 0.2))])), skin.second)
    for side in (-1.0, 1.0):
        foot = shapes.ellipse(side * body * 0.6, 0.92, body * 0.42, 0.14)
        canvas.solid(stage.at(foot), skin.second)
        if ears:
            _ear(canvas, stage, skin, ears, (top[0] + side * head * 0.55, top[1] - head * 0.6, head), side)
    canvas.solid(stage.at(shapes.ellipse(0, 0.5, body, 0.48)), skin.main)
    if belly:
        canvas.solid(stage.at(shapes.ellipse(0.06, 0.56, body * 0.62, 0.34)), skin.second)
    for side in (-1.0, 1.0):
        hand = (side * (body + 0.22), 0.35 + (wave if side > 0 else 0.1))
        canvas.solid(stage.at(shapes.limb([(side * body * 0.7, 0.25), hand], [0.13, 0.1])), skin.main)
    canvas.solid(stage.at(shapes.ellipse(*top, head * float(species.uniform(1.0, 1.25)), head)), skin.main)
    look = float(pose.uniform(-0.1, 0.15))
    kind = int(species.choice([1, 3, 3, 2]))
    for side in (-1.0, 1.0):
        eye(canvas, stage, skin, top[0] + look + side * head * 0.45, top[1] + 0.03, head * 0.2, kind)
        cheek = stage.at(shapes.ellipse(top[0] + look + side * head * 0.75, top[1] + head * 0.4, head * 0.14))
        canvas.tint(cheek, skin.eye, 0.45)
    mouth = shapes.smooth(
        [
            (top[0] + look - 0.1, top[1] + head * 0.4),
            (top[0] + look, top[1] + head * 0.5),
            (top[0] + look + 0.1, top[1] + head * 0.4),
        ],
        False,
    )
    canvas.line(stage.at(mouth), skin.dark, 0.012 * stage.size / 0.3)


def _ear(
    canvas: Canvas, stage: Stage, skin: Skin, kind: int, place: tuple[float, float, float], side: float
) -> None:
    x, y, head = place
    if kind == 1:
        canvas.solid(stage.at(shapes.ellipse(x, y - 0.1, head * 0.32)), skin.main)
    elif kind == 2:
        tip = (x + side * 0.2, y - 0.5)
        canvas.solid(stage.at([(x - 0.18, y + 0.1), tip, (x + 0.18, y + 0.15)]), skin.main)
    elif kind == 3:
        path = [(x, y), (x + side * 0.1, y - 0.4), (x + side * 0.3, y - 0.6)]
        canvas.solid(stage.at(shapes.limb(path, [0.12, 0.15, 0.06])), skin.second)
    else:
        path = [(x, y), (x + side * 0.25, y - 0.2), (x + side * 0.15, y - 0.5)]
        canvas.solid(stage.at(shapes.limb(path, [0.1, 0.07, 0.01])), skin.horn)


def bird(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A bird of prey, songbird or phoenix with wings spread."""
    span, crest = float(species.uniform(0.9, 1.5)), species.random() < 0.5
    for side in (-1.0, 1.0):
        flank = Stage(stage.x, stage.y, stage.size, stage.facing * side)
        feathers = int(species.integers(6, 10)) if side < 0 else 8
        lift = float(pose.uniform(0.2, 1.0))
        for i in range(feathers):
            t = i / (feathers - 1)
            angle = -lift * (1 - t) + 0.9 * t
            reach = span * (1.0 - 0.45 * t)
            end = (0.1 + reach * np.cos(angle), -0.15 + reach * np.sin(angle))
            middle = (end[0] * 0.55, end[1] * 0.55 - 0.18)
            feather = shapes.limb([(0.05, -0.1), middle, end], [0.1, 0.13, 0.03], 4)
            canvas.solid(flank.at(feather), skin.second if i % 2 else skin.main)
    for i in range(5):
        x = (i - 2) * 0.14
        canvas.solid(
            stage.at(shapes.limb([(0, 0.3), (x, 0.6), (x * 2.2, 1.0)], [0.08, 0.09, 0.02])), skin.second
        )
    canvas.solid(stage.at(shapes.limb([(0, 0.45), (0, 0.05), (0.08, -0.35)], [0.1, 0.27, 0.16])), skin.main)
    canvas.solid(stage.at(shapes.ellipse(0.12, -0.5, 0.19)), skin.main)
    if crest:
        for i in range(3):
            path = [(0.05, -0.6), (-0.1 - 0.05 * i, -0.8 - 0.08 * i)]
            canvas.solid(stage.at(shapes.limb(path, [0.05, 0.01])), skin.second)
    canvas.solid(stage.at([(0.26, -0.58), (0.52, -0.44), (0.26, -0.42)]), skin.horn)
    eye(canvas, stage, skin, 0.18, -0.54, 0.06, int(species.integers(1, 4)))


def fish(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A fish, shark or whale."""
    deep, fin = float(species.uniform(0.25, 0.6)), float(species.uniform(0.25, 0.6))
    bend = float(pose.uniform(-0.25, 0.25))
    path = [(1.0, 0), (0.4, -0.05), (-0.4, bend * 0.4), (-1.0, bend)]
    tail = [(-0.9, bend), (-1.4, bend - 0.5), (-1.2, bend), (-1.4, bend + 0.5)]
    canvas.solid(stage.at(tail), skin.second)
    canvas.solid(stage.at([(0.3, -deep * 0.7), (-0.25, -deep - fin), (-0.4, -deep * 0.4)]), skin.second)
    canvas.solid(stage.at([(0.1, deep * 0.7), (-0.3, deep + fin * 0.7), (-0.35, deep * 0.4)]), skin.second)
    canvas.solid(stage.at(shapes.limb(path, [deep * 0.45, deep, deep * 0.75, 0.06])), skin.main)
    belly = shapes.limb([(0.9, 0.12), (0.2, deep * 0.45), (-0.6, bend + 0.08)], [0.1, deep * 0.42, 0.05])
    canvas.solid(stage.at(belly), skin.horn, 0.7)
    canvas.solid(stage.at([(0.35, 0.05), (-0.1, 0.35 + fin * 0.4), (0.05, 0.05)]), skin.second)
    eye(canvas, stage, skin, 0.8, -deep * 0.2, 0.1, int(species.integers(1, 4)))
    canvas.line(stage.at([(1.1, 0.1), (0.9, 0.18), (0.75, 0.16)]), skin.dark, 0.01)


def crawler(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """An insect, spider or crab seen from the front or above."""
    pairs, reach = int(species.integers(3, 6)), float(species.uniform(0.7, 1.2))
    claws, eyes = species.random() < 0.4, int(species.integers(1, 5))
    for i in range(pairs):
        angle = -0.9 + 1.9 * i / (pairs - 1) + float(pose.normal(0, 0.08))
        for side in (-1.0, 1.0):
            knee = (side * (0.35 + reach * 0.45), -0.35 + reach * 0.6 * np.sin(angle) - 0.15)
            foot = (side * (0.35 + reach * 0.8), 0.25 + reach * 0.75 * np.sin(angle) + 0.2)
            canvas.solid(
                stage.at(shapes.limb([(side * 0.2, 0.1), knee, foot], [0.07, 0.08, 0.02])), skin.second
            )
    canvas.solid(stage.at(shapes.ellipse(0, -0.35, float(species.uniform(0.35, 0.6)), 0.5)), skin.main)
    canvas.solid(stage.at(shapes.ellipse(0, 0.25, 0.36, 0.33)), skin.second)
    canvas.solid(stage.at(shapes.ellipse(0, 0.55, 0.26, 0.24)), skin.main)
    for side in (-1.0, 1.0):
        if claws:
            arm = [(side * 0.25, 0.5), (side * 0.75, 0.75), (side * 0.6, 1.05)]
            canvas.solid(stage.at(shapes.limb(arm, [0.08, 0.18, 0.05])), skin.main)
        path = [(side * 0.1, 0.7), (side * 0.22, 1.0)]
        canvas.solid(stage.at(shapes.limb(path, [0.05, 0.01])), skin.horn)
        for i in range(eyes):
            eye(
                canvas,
                stage,
                skin,
                side * (0.08 + 0.07 * i),
                0.5 + 0.06 * (i % 2),
                0.05,
                2 if eyes < 3 else 0,
            )


def tentacled(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """An octopus, jellyfish or floating eye."""
    count, dome = int(species.integers(5, 10)), float(species.uniform(0.45, 0.75))
    for i in range(count):
        x = (i / (count - 1) - 0.5) * 1.2
        sway = pose.uniform(-0.45, 0.45, 2)
        path = [(x * 0.7, 0.0), (x * 1.3 + sway[0] * 0.5, 0.5), (x * 1.6 + sway[1], 1.05)]
        canvas.solid(stage.at(shapes.limb(path, [0.13, 0.1, 0.02])), skin.second if i % 2 else skin.main)
    canvas.solid(stage.at(shapes.ellipse(0, -0.3, dome, float(species.uniform(0.5, 0.7)))), skin.main)
    if species.random() < 0.4:
        eye(canvas, stage, skin, 0.05, -0.25, 0.32, 2)
        return
    for x, y, radius in pose.uniform((-0.4, -0.75, 0.03), (0.4, -0.3, 0.09), (7, 3)):
        spot = shapes.ellipse(float(x), float(y), float(radius))
        canvas.tint(stage.at(spot), skin.eye, 0.5)
    for side in (-1.0, 1.0):
        eye(canvas, stage, skin, side * 0.22, -0.1, 0.11, int(species.integers(0, 4)))


def golem(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A hulk of boulders, ice or scrap."""

    def stone(x: float, y: float, rx: float, ry: float, material: Material) -> None:
        canvas.solid(
            stage.at(shapes.jagged(species, x, y, rx, ry, 0.18, int(species.integers(6, 10)))), material
        )

    swing = pose.uniform(-0.2, 0.2, 2)
    for side in (-1.0, 1.0):
        stone(side * 0.3, 0.75, 0.2, 0.28, skin.main)
        arm = 0 if side < 0 else 1
        stone(side * 0.65, -0.25, 0.24, 0.22, skin.second)
        stone(side * 0.8, 0.1 + swing[arm], 0.18, 0.25, skin.main)
        stone(side * 0.85, 0.45 + 1.6 * swing[arm], 0.26, 0.24, skin.main)
    stone(0, 0.35, 0.38, 0.3, skin.second)
    stone(0, -0.1, 0.62, 0.42, skin.main)
    stone(0.02, -0.62, 0.24, 0.24, skin.main)
    for side in (-1.0, 1.0):
        eye(canvas, stage, skin, side * 0.09 + 0.03, -0.62, 0.05, 0)
    x, y = stage.at([(0, -0.1)])[0]
    canvas.glow(float(x), float(y), 0.35 * stage.size, skin.eye, 0.8)


Creature = Callable[[Canvas, Stage, Skin, Rng, Rng], None]
CREATURES: tuple[Creature, ...] = (
    beast, beast, dragon, dragon, serpent, mascot, mascot, bird, fish, crawler, tentacled, golem,
)  # fmt: skip


def paint_creature(canvas: Canvas, palette: Palette, stage: Stage, species: Rng, pose: Rng) -> None:
    """Paints one creature; ``species`` decides what it is, ``pose`` how it stands."""
    draw = CREATURES[int(species.integers(len(CREATURES)))]
    draw(canvas, stage, invent_skin(palette, species), species, pose)
