"""Beasts with a spine: four-legged ones, serpents and dragons."""

from __future__ import annotations

import numpy as np

from app.synthesis.art import shapes
from app.synthesis.art.anatomy import Skin, Stage, eye, spikes, wing
from app.synthesis.art.noise import Rng
from app.synthesis.art.paint import Canvas, Material


def beast(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A four-legged animal: wolf, cat, bull, lizard or something between."""
    long, thick = float(species.uniform(0.45, 0.95)), float(species.uniform(0.2, 0.42))
    legs, head = float(species.uniform(0.35, 0.8)), float(species.uniform(0.18, 0.36))
    neck, snout = float(species.uniform(0.15, 0.6)), float(species.uniform(0.1, 0.5))
    has_wings, horns, spiny = species.random() < 0.25, int(species.integers(4)), species.random() < 0.4
    tail, ear = float(species.uniform(0.2, 1.0)), float(species.uniform(0, 0.4))
    eye_kind = int(species.integers(4))
    stride = pose.uniform(-0.25, 0.25, 4)
    raise_head = float(pose.uniform(-0.1, 0.35))
    far = Material(skin.main.ramp // 2 + 10, skin.main.roundness, skin.main.grain)
    for i, x in enumerate((-long * 0.75, long * 0.75)):
        _leg(canvas, stage, far, (x + 0.1, thick * 0.2), legs, float(stride[i]), thick * 0.42)
    if has_wings:
        wing(canvas, stage, skin.second, pose, (0.1, -thick * 0.6), float(species.uniform(0.8, 1.3)))
    sway = pose.uniform(-0.4, 0.4, 2)
    hind, top = -long * 0.9, -thick * 0.2
    path = [(hind, top), (-long - tail * 0.5, top + sway[0]), (-long - tail, -0.2 + sway[1])]
    tuft = 0.13 if tail < 0.5 else 0.03
    canvas.solid(stage.at(shapes.limb(path, [thick * 0.35, thick * 0.2, tuft])), skin.main)
    heights = np.array([-0.1, -0.25, -0.1, -0.3]) * thick
    back = np.stack([np.array([-1.0, -0.4, 0.4, 1.0]) * long, heights], axis=1)
    canvas.solid(stage.at(shapes.limb(back, np.array([0.8, 0.85, 1.0, 0.8]) * thick)), skin.main)
    crown = (long + neck * 0.7, -thick * 0.3 - neck - raise_head)
    nape = shapes.limb([(long * 0.8, top), crown], [thick * 0.75, head * 0.7])
    canvas.solid(stage.at(nape), skin.main)
    if spiny:
        ridge = shapes.smooth(back, False)[:: int(stage.facing)] - np.array([0, thick * 0.7])
        spikes(canvas, stage.at(ridge), 0.22 * stage.size, 7, skin.second)
    for i, x in enumerate((-long * 0.8, long * 0.7)):
        _leg(canvas, stage, skin.main, (x, thick * 0.1), legs, float(stride[i + 2]), thick * 0.5)
    _head(canvas, stage, skin, crown, head, (snout, ear, horns, eye_kind))


def _leg(
    canvas: Canvas,
    stage: Stage,
    material: Material,
    hip: tuple[float, float],
    length: float,
    stride: float,
    thick: float,
) -> None:
    x, y = hip
    knee = (x + stride * 0.5 + 0.06, y + length * 0.55)
    foot = (x + stride, y + length + 0.12)
    toe = (foot[0] + 0.14, foot[1] + 0.02)
    canvas.solid(
        stage.at(shapes.limb([hip, knee, foot, toe], [thick, thick * 0.6, thick * 0.38, thick * 0.35])),
        material,
    )


def _head(
    canvas: Canvas,
    stage: Stage,
    skin: Skin,
    crown: tuple[float, float],
    head: float,
    features: tuple[float, float, int, int],
) -> None:
    """A head with snout; ``features`` are lengths of snout and ears, and kinds of horns and eyes."""
    snout, ear, horns, eye_kind = features
    x, y = crown
    if horns in (1, 2):
        for bend in (0.0, 0.12):
            tip = (x + 0.1 * horns, y - head * 2.2)
            path = [(x - bend, y - head * 0.5), (x - 0.15 - bend, y - head * 1.6), tip]
            canvas.solid(stage.at(shapes.limb(path, [head * 0.22, head * 0.15, 0.01])), skin.horn)
    if ear > 0.12:
        flap = shapes.as_points([(-0.5, -0.3), (-0.4, -0.8), (0.3, -0.5)]) * head + np.array([x, y])
        flap[1, 1] -= ear
        for shift in (-0.25, 0.25):
            moves = np.array([[shift, 0.0], [2 * shift, 0.0], [shift, 0.0]]) * head
            canvas.solid(stage.at(flap + moves), skin.second)
    jaw = [(x, y + head * 0.25), (x + head + snout * 0.7, y + head * 0.75)]
    canvas.solid(stage.at(shapes.limb(jaw, [head * 0.5, head * 0.2])), skin.second)
    skull = [(x - head * 0.2, y), (x + head * 0.6, y), (x + head + snout, y + head * 0.35)]
    canvas.solid(stage.at(shapes.limb(skull, np.array([0.85, 0.8, 0.35]) * head)), skin.main)
    canvas.flat(stage.at(shapes.ellipse(x + head + snout, y + head * 0.2, head * 0.14)), skin.dark)
    eye(canvas, stage, skin, x + head * 0.5, y - head * 0.15, head * 0.2, eye_kind)


def serpent(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A snake, eel or wingless dragon in coils."""
    thick = float(species.uniform(0.13, 0.28))
    bends = int(pose.integers(4, 7))
    x = np.linspace(-1.1, 0.6, bends) + pose.uniform(-0.15, 0.15, bends)
    y = np.where(np.arange(bends) % 2 == 0, 0.55, -0.25) + pose.uniform(-0.25, 0.25, bends)
    y[-1], x[-1] = -0.65, 0.45
    path = np.stack([x, y], axis=1)
    widths = thick * np.linspace(0.25, 1.0, bends)
    if species.random() < 0.6:
        spikes(canvas, stage.at(shapes.smooth(path, False)), 0.3 * stage.size, 12, skin.second)
    body = shapes.limb(path, widths, 8)
    canvas.solid(stage.at(body), skin.main)
    belly = shapes.limb(path + np.array([0.02, thick * 0.4]), widths * 0.35, 8)
    canvas.solid(stage.at(belly), skin.second, 0.8)
    _head(
        canvas,
        stage,
        skin,
        (0.5, -0.7),
        thick * 1.2,
        (
            float(species.uniform(0.15, 0.45)),
            float(species.uniform(0, 0.4)),
            int(species.integers(4)),
            int(species.integers(3)),
        ),
    )


def dragon(canvas: Canvas, stage: Stage, skin: Skin, species: Rng, pose: Rng) -> None:
    """A dragon: winged, long in the neck, perhaps breathing fire."""
    thick, neck = float(species.uniform(0.2, 0.32)), float(species.uniform(0.5, 0.8))
    rise = float(pose.uniform(0.0, 0.3))
    tail = [(-0.35, 0.35), (-0.9, 0.55), (-1.3, 0.2 + rise), (-1.1, -0.1)]
    canvas.solid(stage.at(shapes.limb(tail, [thick * 0.75, thick * 0.5, thick * 0.25, 0.01])), skin.main)
    far = Material(skin.second.ramp // 2 + 12, skin.second.roundness, skin.second.grain)
    span = float(species.uniform(1.0, 1.4))
    wing(canvas, stage, far, pose, (0.2, -0.1), span * 0.85)
    for x, step in ((-0.35, 0.12), (0.25, -0.08)):
        _leg(canvas, stage, Material(skin.main.ramp // 2 + 10, 1.0), (x, 0.4), 0.42, step, thick * 0.4)
    spine = [(-0.45, 0.35), (0.0, 0.15), (0.35, 0.0), (0.3 + neck * 0.5, -0.45), (0.25 + neck * 0.8, -0.75)]
    if species.random() < 0.8:
        ridge = shapes.smooth(spine, False) + np.array([-0.1, -thick * 0.75])
        spikes(canvas, stage.at(ridge), 0.17 * stage.size * stage.facing, 11, skin.horn)
    body = shapes.limb(spine, [thick * 0.8, thick * 1.15, thick, thick * 0.5, thick * 0.42])
    canvas.solid(stage.at(body), skin.main)
    belly = shapes.as_points(spine) + np.array([0.06, thick * 0.45])
    canvas.solid(
        stage.at(shapes.limb(belly, np.array([0.5, 0.55, 0.5, 0.2, 0.15]) * thick)), skin.second, 0.85
    )
    for x, step in ((-0.25, -0.1), (0.4, 0.2)):
        _leg(canvas, stage, skin.main, (x, 0.35), 0.5, step, thick * 0.55)
    wing(canvas, stage, skin.second, pose, (0.05, 0.0), span)
    crown = (0.25 + neck * 0.8, -0.78)
    features = (
        float(species.uniform(0.15, 0.4)),
        0.0,
        int(species.integers(1, 3)),
        int(species.integers(0, 3)),
    )
    _head(canvas, stage, skin, crown, thick * 0.75, features)
    if pose.random() < 0.4:
        for i in range(6):
            x, y = stage.at([(crown[0] + 0.45 + 0.16 * i, crown[1] + 0.12 + 0.05 * i)])[0]
            canvas.glow(float(x), float(y), (0.18 + 0.07 * i) * stage.size, skin.eye, 0.9)
