"""People: heroes, mages, knights and strangers, whole or as portraits.

Points are given for a figure that stands 2 units high, from -1 (top of the head) to 1 (feet), facing right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.synthesis.art import arms, shapes
from app.synthesis.art.anatomy import Skin, Stage, eye, invent_skin, wing
from app.synthesis.art.noise import Rng
from app.synthesis.art.paint import Canvas, Material
from app.synthesis.art.palette import Palette, ramp


@dataclass(frozen=True, slots=True)
class Person:
    """What stays the same about one person from picture to picture."""

    skin: Skin
    flesh: Material
    hair: Material
    metal: Material
    head: float  # radius of the head
    bulk: float  # half-width of the chest
    robe: bool
    cloak: bool
    winged: bool
    hair_kind: int
    headgear: int
    armoured: bool
    weapon: int
    eye_kind: int


def invent_person(palette: Palette, rng: Rng) -> Person:
    """Draws a person's looks."""
    tone = float(rng.uniform(0.45, 0.97))
    if rng.random() < 0.75:
        flesh = ramp(float(rng.uniform(0.11, 0.18)), 0.075, tone * 0.3, tone, 0.04)
    else:
        flesh = palette.ramp(3, 0.12, 0.0, 0.95)
    hair_level = float(rng.uniform(0.1, 0.9))
    chibi = rng.random() < 0.25
    return Person(
        skin=invent_skin(palette, rng),
        flesh=Material(flesh, 1.0, 0.06, 0.1, 0.5),
        hair=Material(palette.ramp(4, float(rng.uniform(0.02, 0.14)), 0.0, hair_level), 0.8, 0.7, 0.5),
        metal=Material(palette.ramp(0, 0.03, 0.05, 1.0), 0.9, 0.15, 1.0, 0.6),
        head=float(rng.uniform(0.26, 0.34)) if chibi else float(rng.uniform(0.135, 0.18)),
        bulk=float(rng.uniform(0.15, 0.3)),
        robe=bool(rng.random() < 0.45),
        cloak=bool(rng.random() < 0.4),
        winged=bool(rng.random() < 0.15),
        hair_kind=int(rng.integers(5)),
        headgear=int(rng.integers(9)),
        armoured=bool(rng.random() < 0.4),
        weapon=int(rng.integers(8)),
        eye_kind=int(rng.choice([1, 1, 2, 3, 0])),
    )


def paint_figure(canvas: Canvas, palette: Palette, stage: Stage, species: Rng, pose: Rng) -> None:
    """Paints one person."""
    person = invent_person(palette, species)
    shoulder = -1.0 + 2.1 * person.head
    lean = float(pose.uniform(-0.12, 0.15))
    neck = (lean, shoulder)
    hip = (0.0, 0.12)
    if person.winged:
        wing(canvas, stage, person.skin.horn, pose, (lean - 0.05, shoulder + 0.2), 0.9)
    if person.cloak:
        _cloak(canvas, stage, person, neck, pose)
    hands = _hands(pose, person, neck)
    _arm(canvas, stage, person, (neck[0] - person.bulk * 0.9, neck[1] + 0.1), hands[0])
    arms.draw_weapon(canvas, stage, person.metal, person.skin, person.weapon, hands[1], pose)
    _legs(canvas, stage, person, hip, pose)
    _torso(canvas, stage, person, neck, hip)
    _arm(canvas, stage, person, (neck[0] + person.bulk * 0.9, neck[1] + 0.1), hands[1])
    _head(
        canvas,
        stage,
        person,
        (neck[0] + lean * 0.2 + 0.02, -1.0 + person.head),
        float(pose.uniform(-0.1, 0.35)),
    )


def _hands(
    pose: Rng, person: Person, neck: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    reach = pose.uniform(0.3, 0.62, 2)
    turn = pose.uniform((0.6, -1.3), (1.9, 1.3))
    left = (
        neck[0] - person.bulk - reach[0] * abs(np.cos(turn[0])),
        neck[1] + 0.15 + reach[0] * np.sin(turn[0]),
    )
    right = (
        neck[0] + person.bulk + reach[1] * abs(np.cos(turn[1])),
        neck[1] + 0.15 + reach[1] * np.sin(turn[1]),
    )
    return (float(left[0]), float(left[1])), (float(right[0]), float(right[1]))


def _cloak(canvas: Canvas, stage: Stage, person: Person, neck: tuple[float, float], pose: Rng) -> None:
    x, y = neck
    wide, sway = float(pose.uniform(0.35, 0.7)), float(pose.uniform(-0.45, 0.1))
    outline = [
        (x - 0.12, y), (x + 0.12, y), (x + person.bulk * 1.3, y + 0.15), (x + wide * 0.8 + sway * 0.4, 0.5),
        (x + wide * 0.7 + sway, 0.92), (x + sway, 0.8), (x - wide + sway, 0.95),
        (x - wide * 0.8 + sway * 0.4, 0.4),
        (x - person.bulk * 1.3, y + 0.15),
    ]  # fmt: skip
    canvas.solid(stage.at(shapes.smooth(outline)), person.skin.second)
    for share in (-0.6, -0.1, 0.45):
        fold = [(x + share * 0.2, y + 0.25), (x + share * wide + sway, 0.85)]
        canvas.tint(stage.at(shapes.limb(fold, [0.01, 0.05])), person.skin.dark, 0.35)


def _legs(canvas: Canvas, stage: Stage, person: Person, hip: tuple[float, float], pose: Rng) -> None:
    stride = float(pose.uniform(0.05, 0.35))
    x, y = hip
    cloth = person.skin.second if person.armoured else person.skin.main
    boot = person.metal if person.armoured else Material(person.skin.main.ramp // 2, 0.9, 0.3)
    for side in (-1.0, 1.0):
        foot = (x + side * stride, 0.95)
        knee = (x + side * stride * 0.75 + 0.05, 0.55)
        leg = [(x + side * person.bulk * 0.35, y), knee, foot]
        canvas.solid(
            stage.at(shapes.limb(leg, [person.bulk * 0.5, person.bulk * 0.4, person.bulk * 0.28])), cloth
        )
        shin = [(knee[0], knee[1] + 0.1), foot, (foot[0] + 0.1, 0.97)]
        canvas.solid(stage.at(shapes.limb(shin, [person.bulk * 0.4, person.bulk * 0.34, 0.05])), boot)
    if person.robe:
        flare = float(pose.uniform(0.3, 0.6))
        hem = [
            (x - person.bulk * 0.8, y - 0.15), (x + person.bulk * 0.8, y - 0.15), (x + flare * 0.8, 0.55),
            (x + flare, 0.96), (x + flare * 0.3, 1.0), (x - flare * 0.4, 0.95), (x - flare, 0.98),
            (x - flare * 0.8, 0.5),
        ]  # fmt: skip
        canvas.solid(stage.at(shapes.smooth(hem)), person.skin.main)
        for share in (-0.5, 0.05, 0.5):
            fold = [(x + share * 0.25, y + 0.1), (x + share * flare * 1.5, 0.93)]
            canvas.tint(stage.at(shapes.limb(fold, [0.008, 0.035])), person.skin.dark, 0.35)


def _torso(
    canvas: Canvas, stage: Stage, person: Person, neck: tuple[float, float], hip: tuple[float, float]
) -> None:
    bulk = person.bulk
    canvas.solid(
        stage.at(shapes.limb([(neck[0], neck[1] - 0.1), (neck[0], neck[1] + 0.1)], [0.07, 0.09])),
        person.flesh,
    )
    waist = (hip[0] * 0.6 + neck[0] * 0.4, hip[1] - 0.2)
    chest = (neck[0], neck[1] + 0.2)
    trunk = shapes.limb(
        [(neck[0], neck[1] + 0.07), chest, waist, hip], [bulk * 0.75, bulk, bulk * 0.7, bulk * 0.85]
    )
    canvas.solid(stage.at(trunk), person.metal if person.armoured else person.skin.main)
    if person.armoured:
        for side in (-1.0, 1.0):
            plate = shapes.ellipse(neck[0] + side * bulk, neck[1] + 0.1, bulk * 0.55, bulk * 0.45, side * 0.5)
            canvas.solid(stage.at(plate), person.metal)
    else:
        collar = [
            (neck[0] - 0.09, neck[1] + 0.01),
            (neck[0] + 0.09, neck[1] + 0.01),
            (neck[0] + 0.01, neck[1] + 0.3),
        ]
        canvas.solid(stage.at(collar), person.skin.second)
    belt = shapes.limb(
        [(hip[0] - bulk * 0.8, hip[1] - 0.08), (hip[0] + bulk * 0.8, hip[1] - 0.06)], [0.035, 0.035]
    )
    canvas.solid(stage.at(belt), person.skin.horn)


def _arm(
    canvas: Canvas, stage: Stage, person: Person, start: tuple[float, float], hand: tuple[float, float]
) -> None:
    side = 1.0 if hand[0] > start[0] else -1.0
    elbow = ((start[0] + hand[0]) / 2 + side * 0.04, (start[1] + hand[1]) / 2 + 0.12)
    thick = person.bulk * 0.36
    sleeve = person.metal if person.armoured else person.skin.main
    canvas.solid(stage.at(shapes.limb([start, elbow, hand], [thick, thick * 0.8, thick * 0.6])), sleeve)
    if person.robe:
        cuff = [(elbow[0], elbow[1]), hand, (hand[0] - 0.02, hand[1] + 0.2), (elbow[0], elbow[1] + 0.12)]
        canvas.solid(stage.at(cuff), person.skin.second)
    canvas.solid(stage.at(shapes.ellipse(hand[0], hand[1], thick * 0.75)), person.flesh)


def _head(canvas: Canvas, stage: Stage, person: Person, at: tuple[float, float], look: float) -> None:
    x, y = at
    r = person.head
    if person.hair_kind in (1, 2, 3):
        long = (0.0, 0.7, 1.7, 2.8)[person.hair_kind]
        back = [
            (x - r * 0.9, y - r * 0.2), (x - r * 0.3, y - r * 1.05), (x + r * 0.6, y - r * 0.9),
            (x + r * 0.75, y),
            (x + r * 0.6, y + r * long * 0.7), (x - r * 0.3, y + r * long),
            (x - r * 1.2, y + r * long * 0.8),
        ]  # fmt: skip
        canvas.solid(stage.at(shapes.smooth(back)), person.hair)
    face = [
        (x - r * 0.75, y - r * 0.3), (x - r * 0.3, y - r * 0.95), (x + r * 0.45, y - r * 0.92),
        (x + r * 0.78, y - r * 0.25),
        (x + r * 0.7, y + r * 0.35), (x + r * 0.25, y + r), (x - r * 0.15, y + r * 0.95),
        (x - r * 0.62, y + r * 0.4),
    ]  # fmt: skip
    canvas.solid(stage.at(shapes.smooth(face)), person.flesh)
    _face(canvas, stage, person, (x + look * r, y), r)
    _hair(canvas, stage, person, at)
    arms.draw_headgear(
        canvas, stage, person.headgear, at, r, (person.metal, person.skin.second, person.skin.horn)
    )


def _face(canvas: Canvas, stage: Stage, person: Person, at: tuple[float, float], r: float) -> None:
    x, y = at
    dark = person.skin.dark
    line = max(0.003, 0.05 * r * stage.size)
    for side in (-1.0, 1.0):
        ex = x + side * r * 0.34
        eye(canvas, stage, person.skin, ex, y + r * 0.05, r * 0.15, person.eye_kind)
        canvas.line(
            stage.at([(ex - r * 0.2, y - r * 0.17), (ex + r * 0.2, y - r * 0.2 - side * r * 0.05)]),
            dark,
            line,
        )
    nose = [(x + r * 0.02, y + r * 0.1), (x + r * 0.14, y + r * 0.42), (x, y + r * 0.45)]
    canvas.tint(stage.at(nose), dark, 0.35)
    canvas.line(
        stage.at([(x - r * 0.2, y + r * 0.67), (x, y + r * 0.7), (x + r * 0.22, y + r * 0.65)]), dark, line
    )
    lip = shapes.ellipse(x, y + r * 0.73, r * 0.17, r * 0.06)
    canvas.tint(stage.at(lip), (170, 60, 70), 0.5)


def _hair(canvas: Canvas, stage: Stage, person: Person, at: tuple[float, float]) -> None:
    x, y = at
    r = person.head
    if person.hair_kind == 0:
        return
    fringe = [
        (x - r * 0.95, y + r * 0.25), (x - r * 0.95, y - r * 0.5), (x - r * 0.4, y - r * 1.12),
        (x + r * 0.5, y - r * 1.08),
        (x + r * 0.88, y - r * 0.4), (x + r * 0.6, y - r * 0.45), (x + r * 0.2, y - r * 0.6),
        (x - r * 0.1, y - r * 0.3),
        (x - r * 0.5, y - r * 0.35), (x - r * 0.65, y + r * 0.1),
    ]  # fmt: skip
    canvas.solid(stage.at(shapes.smooth(fringe, steps=4)), person.hair)
    if person.hair_kind == 4:
        for i in range(7):
            angle = np.pi * (1.02 + 0.16 * i)
            tip = (x + r * 1.75 * np.cos(angle), y - r * 0.2 + r * 1.75 * np.sin(angle))
            root = (x + r * 0.7 * np.cos(angle), y - r * 0.3 + r * 0.7 * np.sin(angle))
            canvas.solid(stage.at(shapes.limb([root, tip], [r * 0.25, 0.005], 3)), person.hair)
