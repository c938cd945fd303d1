"""Things: blades, gems, books, flasks, towers, trees and an eye from very near."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from app.synthesis.art import shapes
from app.synthesis.art.anatomy import Skin, Stage, invent_skin
from app.synthesis.art.machines import gear
from app.synthesis.art.noise import Rng
from app.synthesis.art.paint import Canvas, Material
from app.synthesis.art.palette import Palette, pick

Thing = Callable[[Canvas, Stage, Skin, Rng, Rng], None]


def sword(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A blade, upright or across."""
    turn, wide = float(pose.uniform(-1.2, 1.2)), float(species.uniform(0.07, 0.17))
    curve = float(species.uniform(-0.25, 0.25)) * (species.random() < 0.5)

    def at(points: ArrayLike) -> shapes.Points:
        return stage.at(shapes.rotate(shapes.as_points(points), turn))

    left = shapes.smooth([(-wide, 0.35), (-wide + curve, -0.4), (curve * 0.2, -1.0)], False)
    right = shapes.smooth([(curve * 0.2, -1.0), (wide + curve, -0.4), (wide, 0.35)], False)
    blade = Material(skin.horn.ramp, 0.6, 0.1, 1.1, 0.5)
    canvas.solid(at(np.vstack([left, right])), blade)
    canvas.line(at([(0, 0.3), (curve * 0.9, -0.4), (curve * 0.3, -0.85)]), skin.dark, 0.006)
    guard = float(species.uniform(0.2, 0.42))
    canvas.solid(at(shapes.limb([(-guard, 0.3), (0, 0.4), (guard, 0.3)], [0.03, 0.08, 0.03])), skin.second)
    canvas.solid(at(shapes.rectangle(-0.05, 0.42, 0.05, 0.85)), skin.main)
    canvas.solid(at(shapes.ellipse(0, 0.9, 0.09)), skin.second)


def gem(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, _pose: Rng) -> None:
    """A cluster of crystals with flat faces."""
    x0, y0 = stage.at([(0, 0)])[0]
    canvas.glow(float(x0), float(y0), stage.size * 1.4, skin.eye, 0.6)
    for i in range(int(species.integers(1, 7))):
        turn = float(species.uniform(-0.8, 0.8)) * (i > 0)
        wide, tall = float(species.uniform(0.14, 0.32)), float(species.uniform(0.6, 1.1))
        base = np.array([float(species.uniform(-0.35, 0.35)) * (i > 0), 0.7])
        faces = ((-wide, -wide * 0.2, 40), (-wide * 0.2, wide * 0.45, 190), (wide * 0.45, wide, 110))
        for left, right, tone in faces:
            peak = (left + right) * 0.25
            face = [(left, 0), (left, -tall), (peak, -tall - 0.35), (right, -tall), (right, 0)]
            points = shapes.rotate(shapes.as_points(face), turn) + base
            canvas.solid(stage.at(points), Material(skin.main.ramp, 0.12, 0.2, 0.8))
            canvas.tint(stage.at(points), pick(skin.main.ramp, tone), 0.6)


def flask(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A bottle of something that glows."""
    wide, tall = float(species.uniform(0.4, 0.7)), float(species.uniform(0.4, 0.7))
    neck = float(species.uniform(0.1, 0.2))
    half = [(-neck, -0.6), (-neck, -0.2), (-wide, 0.2), (-wide * 0.9, 0.85), (0, 1.0)]
    outline = shapes.smooth(half + [(-x, y) for x, y in half[-2::-1]])
    x, y = stage.at([(0, 0.5)])[0]
    canvas.glow(float(x), float(y), stage.size * 1.2, skin.eye, 0.7)
    canvas.tint(stage.at(outline), (225, 235, 240), 0.35)
    fill = shapes.smooth(
        [
            (-wide * 0.9, 0.9 - tall),
            (wide * 0.9, 0.9 - tall),
            (wide * 0.85, 0.8),
            (0, 0.95),
            (-wide * 0.85, 0.8),
        ]
    )
    canvas.solid(stage.at(fill), Material(skin.main.ramp, 1.0, 0.6, 0.8, 0.8))
    for bx, by, radius in pose.uniform((-0.3, 0.2, 0.02), (0.3, 0.8, 0.07), (6, 3)):
        canvas.tint(stage.at(shapes.ellipse(float(bx), float(by), float(radius))), (255, 255, 255), 0.4)
    canvas.line(stage.at(outline), skin.dark, 0.008, closed=True)
    canvas.tint(stage.at(shapes.ellipse(-wide * 0.5, 0.35, 0.06, 0.22, 0.3)), (255, 255, 255), 0.6)
    canvas.solid(stage.at(shapes.rectangle(-neck * 1.1, -0.85, neck * 1.1, -0.55, 0.03)), skin.second)


def book(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """An open book, or a closed one with clasps."""
    if species.random() < 0.5:
        for side in (-1.0, 1.0):
            cover = [(0, -0.5), (side * 1.0, -0.65), (side * 1.05, 0.5), (0, 0.7)]
            canvas.solid(stage.at(cover), Material(skin.main.ramp, 0.1, 0.3))
            page = shapes.smooth(
                [
                    (0, -0.5),
                    (side * 0.5, -0.72),
                    (side * 0.95, -0.6),
                    (side * 0.97, 0.42),
                    (side * 0.5, 0.4),
                    (0, 0.6),
                ],
                steps=4,
            )
            canvas.solid(stage.at(page), Material(skin.horn.ramp, 0.5, 0.2))
            for i in range(8):
                y = -0.42 + 0.1 * i
                end = float(pose.uniform(0.55, 0.85))
                canvas.line(stage.at([(side * 0.12, y), (side * end, y - 0.06)]), skin.dark, 0.005)
        return
    canvas.solid(
        stage.at(shapes.rectangle(-0.62, -0.88, 0.72, 0.95, 0.05)), Material(skin.horn.ramp, 0.1, 0.4)
    )
    canvas.solid(stage.at(shapes.rectangle(-0.7, -0.95, 0.6, 0.9, 0.06)), Material(skin.main.ramp, 0.08, 0.6))
    canvas.line(stage.at(shapes.rectangle(-0.55, -0.8, 0.48, 0.75, 0.05)), skin.eye, 0.01, closed=True)
    tips = int(species.integers(3, 9))
    canvas.solid(
        stage.at(shapes.star(-0.03, -0.05, 0.34, float(species.uniform(0.1, 0.25)), tips)), skin.second
    )


def orb(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A glass ball on a stand, or rings round a light."""
    radius = float(species.uniform(0.45, 0.7))
    if species.random() < 0.5:
        stand = shapes.limb([(0, 0.4), (0, 0.8), (0, 1.0)], [0.45, 0.2, 0.55])
        canvas.solid(stage.at(stand), skin.second)
    canvas.solid(
        stage.at(shapes.ellipse(0, -0.1, radius, n=50)), Material(skin.main.ramp, 1.0, 1.2, 1.0, 1.0)
    )
    x, y = stage.at([(0, -0.1)])[0]
    canvas.glow(float(x), float(y), radius * stage.size * 1.5, skin.eye, 0.8)
    for _ in range(int(species.integers(0, 4))):
        ring = shapes.ellipse(
            0, -0.1, radius * 1.35, radius * float(pose.uniform(0.2, 0.8)), float(pose.uniform(0, 3)), 50
        )
        canvas.line(stage.at(ring), skin.eye, 0.012, closed=True)


def tower(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A castle of round towers with pointed roofs."""
    for x, wide, tall in sorted(
        species.uniform((-0.8, 0.1, 0.5), (0.8, 0.24, 1.6), (6, 3)).tolist(), key=lambda t: -t[2]
    ):
        wall = Material(skin.main.ramp, 1.0, 0.8)
        top = 0.9 - tall
        canvas.solid(stage.at(shapes.rectangle(x - wide, top, x + wide, 1.0)), wall)
        if species.random() < 0.65:
            canvas.solid(
                stage.at(
                    [
                        (x - wide * 1.25, top),
                        (x, top - wide * float(species.uniform(1.5, 3.2))),
                        (x + wide * 1.25, top),
                    ]
                ),
                skin.second,
            )
        else:
            for i in range(4):
                left = x - wide + i * wide * 0.55
                canvas.solid(stage.at(shapes.rectangle(left, top - 0.1, left + wide * 0.3, top + 0.02)), wall)
        for y in np.arange(top + 0.2, 0.8, 0.28):
            if pose.random() < 0.7:
                window = shapes.rectangle(x - 0.03, y, x + 0.03, y + 0.1, 0.03)
                canvas.flat(stage.at(window), skin.eye if pose.random() < 0.6 else skin.dark)


def great_tree(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """One old tree or a giant mushroom."""
    lean = float(pose.uniform(-0.2, 0.2))
    trunk = shapes.limb(
        [(0, 1.0), (lean * 0.5, 0.4), (lean, -0.2)], [float(species.uniform(0.2, 0.35)), 0.15, 0.11]
    )
    canvas.solid(stage.at(trunk), Material(skin.second.ramp, 1.0, 1.0))
    if species.random() < 0.3:
        cap = shapes.smooth(
            [
                (lean - 0.95, -0.05),
                (lean - 0.6, -0.65),
                (lean, -0.9),
                (lean + 0.6, -0.65),
                (lean + 0.95, -0.05),
                (lean, 0.08),
            ]
        )
        canvas.solid(stage.at(cap), skin.main)
        for x, y, radius in pose.uniform((-0.55, -0.6, 0.05), (0.55, -0.15, 0.14), (7, 3)):
            canvas.tint(
                stage.at(shapes.ellipse(lean + float(x), float(y), float(radius), float(radius) * 0.7)),
                skin.eye,
                0.8,
            )
        return
    for _ in range(4):
        side = float(species.uniform(-0.8, 0.8))
        canvas.solid(
            stage.at(shapes.limb([(lean * 0.7, 0.1), (side * 0.6, -0.2), (side, -0.5)], [0.08, 0.05, 0.02])),
            Material(skin.second.ramp, 1.0, 1.0),
        )
    for _ in range(int(species.integers(8, 16))):
        x, y = lean + float(species.normal(0, 0.45)), -0.55 + float(species.normal(0, 0.2))
        canvas.solid(
            stage.at(shapes.blob(species, x, y, 0.3, 0.24, 0.25)), Material(skin.main.ramp, 0.9, 1.2)
        )


def ship(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A sailing ship, on water or in the air."""
    hull = shapes.smooth([(-0.95, 0.35), (-0.7, 0.85), (0.5, 0.9), (1.1, 0.3), (0.6, 0.5), (-0.5, 0.5)])
    masts = int(species.integers(1, 4))
    for i in range(masts):
        x = -0.5 + 1.0 * i / max(1, masts - 1) if masts > 1 else 0.0
        canvas.solid(stage.at(shapes.rectangle(x - 0.02, -0.95, x + 0.02, 0.6)), skin.second)
        for top, bottom in ((-0.9, -0.35), (-0.3, 0.3)):
            puff = float(pose.uniform(0.1, 0.3))
            sail = [
                (x - 0.28, top),
                (x + 0.22, top),
                (x + 0.25 + puff, (top + bottom) / 2),
                (x + 0.25, bottom),
                (x - 0.3, bottom),
                (x - 0.2 + puff, (top + bottom) / 2),
            ]
            canvas.solid(stage.at(shapes.smooth(sail, steps=4)), skin.horn)
    canvas.solid(stage.at(hull), Material(skin.main.ramp, 0.8, 0.9))
    for i in range(5):
        canvas.flat(stage.at(shapes.ellipse(-0.5 + 0.25 * i, 0.66, 0.03)), skin.eye)


def great_eye(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """An eye that fills the picture."""
    look = pose.uniform(-0.12, 0.12, 2)
    lids = shapes.smooth([(-1.2, 0.05), (-0.5, -0.55), (0.3, -0.6), (1.2, 0.0), (0.4, 0.5), (-0.5, 0.5)])
    canvas.solid(stage.at(lids * 1.25), skin.second)
    canvas.solid(stage.at(lids), Material(skin.horn.ramp, 0.6, 0.2))
    x, y = float(look[0]), float(look[1]) - 0.03
    canvas.solid(stage.at(shapes.ellipse(x, y, 0.5, n=50)), skin.main)
    for i in range(40):
        angle = i * np.pi / 20
        inner, outer = 0.2, 0.46 + 0.03 * float(pose.uniform(-1, 1))
        ray = [
            (x + inner * np.cos(angle), y + inner * np.sin(angle)),
            (x + outer * np.cos(angle), y + outer * np.sin(angle)),
        ]
        canvas.line(stage.at(ray), skin.eye if i % 2 else skin.dark, 0.008)
    slit = 0.07 if species.random() < 0.5 else 0.22
    canvas.flat(stage.at(shapes.ellipse(x, y, slit, 0.32 if slit < 0.1 else 0.22)), skin.dark)
    canvas.flat(stage.at(shapes.ellipse(x - 0.16, y - 0.2, 0.08)), (255, 255, 255))
    for i in range(12):
        t = -1.0 + i * 0.18
        lash = [(t, -0.5 + 0.2 * t * t), (t * 1.15, -0.85 + 0.2 * t * t)]
        canvas.line(stage.at(lash), skin.dark, 0.01)


def flower(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A blossom from near."""
    petals, layers = int(species.integers(5, 12)), int(species.integers(1, 4))
    thin = float(species.uniform(0.14, 0.3))
    start = float(pose.uniform(0, 6))
    for layer in range(layers):
        reach = 1.0 - 0.27 * layer
        for i in range(petals):
            turn = start + layer * 0.4 + i * 2 * np.pi / petals
            petal = shapes.limb([(0.1, 0), (0.55 * reach, 0), (reach, 0)], [0.05, thin, 0.04])
            canvas.solid(stage.at(shapes.rotate(petal, turn)), skin.main if (i + layer) % 2 else skin.second)
    canvas.solid(stage.at(shapes.ellipse(0, 0, 0.2)), Material(skin.horn.ramp, 1.0, 1.2))


def clockwork(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """Gears that mesh."""
    for x, y, radius in species.uniform((-0.9, -0.8, 0.2), (0.9, 0.8, 0.6), (6, 3)):
        gear(canvas, stage, skin, float(x), float(y), float(radius), pose)


THINGS: tuple[Thing, ...] = (
    sword, gem, flask, book, orb, tower, great_tree, ship, great_eye, flower, clockwork,
)  # fmt: skip


LANDMARKS: tuple[Thing, ...] = (tower, tower, great_tree, gem, ship, orb)
"""Things that can stand in a landscape."""


def paint_thing(canvas: Canvas, palette: Palette, stage: Stage, species: Rng, pose: Rng) -> None:
    """Paints one thing."""
    THINGS[int(species.integers(len(THINGS)))](canvas, stage, invent_skin(palette, species), species, pose)
