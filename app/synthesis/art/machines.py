"""Machines: robots, vehicles and engines, built from plates, wheels, pipes and lights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.synthesis.art import shapes
from app.synthesis.art.anatomy import Skin, Stage, invent_skin
from app.synthesis.art.noise import Rng
from app.synthesis.art.paint import Canvas, Material
from app.synthesis.art.palette import Palette


def plate(canvas: Canvas, stage: Stage, skin: Skin, box: tuple[float, float, float, float], rng: Rng) -> None:
    """A bevelled panel with seams, rivets, vents or lamps."""
    left, top, right, bottom = box
    material = skin.main if rng.random() < 0.6 else skin.second
    flat = Material(material.ramp, 0.15, 0.4, 0.6)
    canvas.solid(stage.at(shapes.rectangle(left, top, right, bottom, 0.05)), flat)
    wide, high = right - left, bottom - top
    kind = int(rng.integers(5))
    if kind == 0:
        for i in range(4):
            y = top + high * (0.25 + 0.15 * i)
            canvas.line(stage.at([(left + wide * 0.2, y), (right - wide * 0.2, y)]), skin.dark, 0.006)
    elif kind == 1:
        for x in (left + 0.05, right - 0.05):
            for y in (top + 0.05, bottom - 0.05):
                canvas.flat(stage.at(shapes.ellipse(x, y, 0.02)), skin.dark)
    elif kind == 2:
        x, y = (left + right) / 2, (top + bottom) / 2
        lamp(canvas, stage, skin, x, y, min(wide, high) * 0.25)
    elif kind == 3:
        middle = left + wide * float(rng.uniform(0.3, 0.7))
        canvas.line(stage.at([(middle, top), (middle, bottom)]), skin.dark, 0.005)
        canvas.line(stage.at([(middle, (top + bottom) / 2), (right, (top + bottom) / 2)]), skin.dark, 0.005)


def lamp(canvas: Canvas, stage: Stage, skin: Skin, x: float, y: float, radius: float) -> None:
    """A glowing lens."""
    (cx, cy) = stage.at([(x, y)])[0]
    canvas.flat(stage.at(shapes.ellipse(x, y, radius * 1.25)), skin.dark)
    canvas.flat(stage.at(shapes.ellipse(x, y, radius)), skin.eye)
    canvas.glow(float(cx), float(cy), radius * stage.size * 3, skin.eye, 0.8)


def gear(canvas: Canvas, stage: Stage, skin: Skin, x: float, y: float, radius: float, rng: Rng) -> None:
    """A cog wheel."""
    teeth = int(rng.integers(8, 16))
    angle = np.linspace(0, 2 * np.pi, teeth * 4, endpoint=False) + float(rng.uniform(0, 1))
    reach = np.where(np.arange(teeth * 4) % 4 < 2, radius, radius * 0.84)
    outline = np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], axis=1)
    metal = Material(skin.horn.ramp if rng.random() < 0.5 else skin.second.ramp, 0.2, 0.4, 0.7)
    canvas.solid(stage.at(outline), metal)
    canvas.flat(stage.at(shapes.ellipse(x, y, radius * 0.55)), skin.dark)
    for i in range(3):
        spoke = shapes.rotate(
            shapes.rectangle(-radius * 0.6, -radius * 0.09, radius * 0.6, radius * 0.09), i * 1.047
        )
        canvas.solid(stage.at(spoke + np.array([x, y])), metal)
    canvas.solid(stage.at(shapes.ellipse(x, y, radius * 0.2)), skin.main)


def robot(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A walking machine with two legs."""
    wide, head = float(species.uniform(0.3, 0.55)), float(species.uniform(0.15, 0.3))
    for side in (-1.0, 1.0):
        step = side * wide * 0.6 + float(pose.uniform(-0.1, 0.1))
        knee = (step + 0.08, 0.55)
        canvas.solid(
            stage.at(shapes.limb([(side * wide * 0.5, 0.2), knee, (step, 0.9)], [0.1, 0.09, 0.12], 2)),
            skin.second,
        )
        plate(canvas, stage, skin, (step - 0.16, 0.84, step + 0.22, 1.0), species)
        hand = (side * (wide + 0.35), float(pose.uniform(-0.5, 0.5)))
        elbow = (side * (wide + 0.3), -0.15)
        canvas.solid(
            stage.at(shapes.limb([(side * wide, -0.35), elbow, hand], [0.1, 0.08, 0.1], 3)), skin.second
        )
        gear(canvas, stage, skin, side * wide, -0.35, 0.17, species)
        claw = [
            (hand[0] - 0.12, hand[1]),
            (hand[0], hand[1] - 0.12),
            (hand[0] + 0.15, hand[1]),
            (hand[0], hand[1] + 0.18),
        ]
        canvas.solid(stage.at(claw), skin.horn)
    plate(canvas, stage, skin, (-wide, -0.5, wide, 0.05), species)
    plate(canvas, stage, skin, (-wide * 0.7, 0.05, wide * 0.7, 0.3), species)
    plate(canvas, stage, skin, (-head, -0.55 - 1.5 * head, head, -0.52), species)
    lamp(canvas, stage, skin, head * 0.3, -0.55 - head * 0.75, head * 0.35)
    canvas.line(stage.at([(-head * 0.6, -0.55 - 1.5 * head), (-head, -1.05)]), skin.dark, 0.008)


def spaceship(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A ship between stars."""
    turn = float(pose.uniform(-0.6, 0.3))

    def at(points: shapes.Points) -> shapes.Points:
        return stage.at(shapes.rotate(points, turn))

    deep, span = float(species.uniform(0.12, 0.3)), float(species.uniform(0.4, 0.9))
    flame = at(shapes.as_points([(-1.1, 0)]))[0]
    canvas.glow(float(flame[0]), float(flame[1]), 0.6 * stage.size, skin.eye, 1.2)
    for side in (-1.0, 1.0):
        fin = [
            (0.2, side * deep * 0.5),
            (-0.5, side * span),
            (-0.85, side * span * 0.95),
            (-0.6, side * deep * 0.5),
        ]
        canvas.solid(at(shapes.as_points(fin)), skin.second)
    hull = shapes.limb([(1.1, 0), (0.4, 0), (-0.5, 0), (-1.0, 0)], [0.03, deep, deep * 1.2, deep * 0.8])
    canvas.solid(at(hull), skin.main)
    canvas.solid(
        at(shapes.ellipse(0.45, -deep * 0.3, 0.22, deep * 0.5)), Material(skin.horn.ramp, 1.0, 0.0, 1.2)
    )
    for x in np.linspace(-0.8, 0.2, int(species.integers(3, 7))):
        canvas.line(at(shapes.as_points([(x, -deep), (x - 0.05, deep)])), skin.dark, 0.005)
        window = at(shapes.ellipse(x + 0.06, deep * 0.4, 0.03))
        canvas.flat(window, skin.eye)


def vehicle(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A tank, train or crawler on wheels or tracks."""
    wheels, tall = int(species.integers(2, 6)), float(species.uniform(0.3, 0.6))
    plate(canvas, stage, skin, (-1.0, 0.15, 1.0, 0.6), species)
    plate(canvas, stage, skin, (-0.9, 0.15 - tall, 0.2, 0.15), species)
    plate(canvas, stage, skin, (0.2, 0.15 - tall * 0.6, 0.85, 0.15), species)
    aim = float(pose.uniform(-0.4, 0.1))
    if species.random() < 0.6:
        tip = (1.0 * np.cos(aim), 0.15 - tall + 1.0 * np.sin(aim))
        canvas.solid(stage.at(shapes.limb([(-0.2, 0.15 - tall), tip], [0.09, 0.07], 3)), skin.horn)
        canvas.solid(stage.at(shapes.ellipse(-0.25, 0.15 - tall, 0.35, 0.22)), skin.second)
    else:
        for x in (-0.7, -0.4):
            canvas.solid(stage.at(shapes.rectangle(x, -tall - 0.3, x + 0.14, 0.15 - tall)), skin.second)
            px, py = stage.at([(x, -tall - 0.45)])[0]
            canvas.glow(float(px), float(py), 0.3 * stage.size, (150, 150, 155), 0.7)
    for x in np.linspace(-0.75, 0.75, wheels):
        radius = min(0.32, 0.75 / wheels)
        canvas.solid(stage.at(shapes.ellipse(float(x), 0.7, radius)), Material(skin.main.ramp // 3, 0.3, 0.3))
        gear(canvas, stage, skin, float(x), 0.7, radius * 0.65, species)
    lamp(canvas, stage, skin, 0.9, 0.3, 0.07)


def engine(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A heap of gears, pipes and gauges."""
    for _ in range(int(species.integers(3, 7))):
        path = species.uniform(-1, 1, (3, 2))
        canvas.solid(stage.at(shapes.limb(path, [0.08, 0.08, 0.08])), skin.second)
    for _ in range(int(species.integers(3, 6))):
        x, y = species.uniform(-0.8, 0.5, 2)
        plate(
            canvas,
            stage,
            skin,
            (float(x), float(y), float(x + species.uniform(0.3, 0.7)), float(y + 0.4)),
            species,
        )
    for x, y, radius in species.uniform((-0.8, -0.8, 0.15), (0.8, 0.8, 0.4), (5, 3)):
        gear(canvas, stage, skin, float(x), float(y), float(radius), pose)
    lamp(canvas, stage, skin, float(pose.uniform(-0.3, 0.3)), float(pose.uniform(-0.3, 0.3)), 0.12)


Machine = Callable[[Canvas, Stage, Skin, Rng, Rng], None]
MACHINES: tuple[Machine, ...] = (robot, robot, spaceship, vehicle, engine)


def paint_machine(canvas: Canvas, palette: Palette, stage: Stage, species: Rng, pose: Rng) -> None:
    """Paints one machine."""
    MACHINES[int(species.integers(len(MACHINES)))](
        canvas, stage, invent_skin(palette, species), species, pose
    )
