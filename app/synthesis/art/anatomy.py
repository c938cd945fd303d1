"""What every subject is made of: where it stands, its skin, eyes, spikes and wings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from app.synthesis.art import shapes
from app.synthesis.art.noise import Rng
from app.synthesis.art.paint import Canvas, Material
from app.synthesis.art.palette import Colour, Palette


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a subject stands: its middle and its size (half its height), in units of the picture's height."""

    x: float
    y: float
    size: float
    facing: float  # -1: to the left, 1: to the right

    def at(self, points: ArrayLike) -> shapes.Points:
        """Places points given round (0, 0) with half-height 1, drawn facing right."""
        scale = np.array([self.facing * self.size, self.size])
        return np.asarray(shapes.as_points(points) * scale + np.array([self.x, self.y]))


@dataclass(frozen=True, slots=True)
class Skin:
    """The materials of one subject."""

    main: Material
    second: Material
    horn: Material
    eye: Colour
    dark: Colour


def invent_skin(palette: Palette, rng: Rng) -> Skin:
    """Materials for one subject from the picture's palette."""
    gloss = float(rng.choice([0.0, 0.5, 1.0]))
    grain = float(rng.choice([0.05, 0.2, 0.45]))
    rim = float(rng.choice([0.0, 0.5, 0.9]))
    round_off = float(rng.choice([0.5, 0.9, 1.0]))
    chroma = float(rng.uniform(0.04, 0.17))
    low = float(rng.uniform(-0.1, 0.15))
    return Skin(
        main=Material(
            palette.ramp(2, chroma, low, float(rng.uniform(0.6, 1.0))), round_off, grain, gloss, rim
        ),
        second=Material(
            palette.ramp(3, chroma, low + 0.1, float(rng.uniform(0.75, 1.05))), round_off, grain, gloss, rim
        ),
        horn=Material(palette.ramp(4, 0.05, 0.15, 1.0), 1.0, 0.2, 0.6, rim),
        eye=palette.colour(4, 1.0, 0.16),
        dark=palette.colour(2, -0.05, 0.04),
    )


def eye(canvas: Canvas, stage: Stage, skin: Skin, x: float, y: float, radius: float, kind: int) -> None:
    """An eye: slit, round, glowing or big with a glint."""
    (cx, cy), size = stage.at([(x, y)])[0], radius * stage.size
    if kind == 0:
        canvas.glow(cx, cy, size * 3.5, skin.eye, 0.9)
        canvas.flat(shapes.ellipse(cx, cy, size, size * 0.5, 0.3 * stage.facing), skin.eye)
        return
    canvas.flat(shapes.ellipse(cx, cy, size * 1.15, size * 1.2), skin.dark)
    canvas.flat(shapes.ellipse(cx, cy, size, size * 1.02), (245, 243, 235) if kind == 1 else skin.eye)
    pupil = size * (0.55 if kind == 1 else 0.28 if kind == 2 else 0.75)
    canvas.flat(shapes.ellipse(cx + 0.15 * size * stage.facing, cy, pupil, size * 0.8), skin.dark)
    canvas.flat(shapes.ellipse(cx - 0.2 * size, cy - 0.35 * size, size * 0.25), (255, 255, 255))


def spikes(canvas: Canvas, spine: shapes.Points, length: float, count: int, material: Material) -> None:
    """Spikes or fins along a line, to its left as it runs."""
    at = np.linspace(0, len(spine) - 1, count + 1)
    x = np.interp(at, np.arange(len(spine)), spine[:, 0])
    y = np.interp(at, np.arange(len(spine)), spine[:, 1])
    for i in range(count):
        along = np.array([x[i + 1] - x[i], y[i + 1] - y[i]])
        across = np.array([along[1], -along[0]])
        across *= length / (np.linalg.norm(across) + 1e-9)
        middle = np.array([x[i], y[i]]) + 0.3 * along
        canvas.solid(np.array([[x[i], y[i]], middle + across, [x[i + 1], y[i + 1]]]), material)


def wing(
    canvas: Canvas, stage: Stage, material: Material, rng: Rng, root: tuple[float, float], span: float
) -> None:
    """A bat-like or feathered wing raised behind the body."""
    x, y = root
    lift = float(rng.uniform(0.6, 1.1))
    tip = (x - span * 0.9, y - span * lift)
    fingers = int(rng.integers(3, 6))
    if rng.random() < 0.5:
        edge = []
        for i in range(fingers + 1):
            t = i / fingers
            out = (tip[0] * (1 - t) + (x - span * 0.75) * t, tip[1] * (1 - t) + (y + span * 0.3) * t)
            edge.append(out)
            if i < fingers:
                edge.append((out[0] * 0.72 + x * 0.28 - 0.05, out[1] * 0.8 + y * 0.2 + span * 0.1))
        canvas.solid(
            stage.at([root, (x - span * 0.25, y - span * lift * 0.95), tip, *edge[1:], root]), material
        )
        return
    for i in range(fingers + 3):
        t = i / (fingers + 2)
        angle = np.pi * (1.15 - 0.55 * t) + 0.3
        reach = span * (0.6 + 0.5 * t)
        end = (x + reach * np.cos(angle), y - abs(reach * np.sin(angle)) * lift)
        middle = ((x + end[0]) / 2 - 0.05, (y + end[1]) / 2 - 0.1 * span)
        feather = shapes.limb([root, middle, end], [span * 0.07, span * 0.13, span * 0.02], 4)
        canvas.solid(stage.at(feather), material)
