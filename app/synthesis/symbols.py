"""Small signs: set symbols, elements and marks of rarity."""

from __future__ import annotations

import numpy as np

from app.synthesis.art import shapes
from app.synthesis.art.paint import Canvas
from app.synthesis.art.palette import Colour

RARITY_COLOURS: dict[str, tuple[Colour, Colour]] = {
    "common": ((22, 22, 24), (240, 240, 240)),
    "uncommon": ((176, 188, 198), (30, 32, 36)),
    "rare": ((222, 182, 70), (48, 34, 8)),
    "legendary": ((226, 96, 40), (48, 14, 6)),
}
"""Colour of the symbol and of its outline."""

RARITIES = tuple(RARITY_COLOURS)


def draw_set_symbol(
    canvas: Canvas, seed: int, x: float, y: float, radius: float, colours: tuple[Colour, Colour]
) -> None:
    """A sign made of two or three simple shapes, its own for each set."""
    rng = np.random.default_rng([seed, 77])
    ink, paper = colours
    for part in range(int(rng.integers(2, 4))):
        size = radius * (1.0 - 0.36 * part)
        outline = _sign(rng, x, y, size)
        if part == 0:
            canvas.line(outline, paper, radius * 0.35, closed=True)
        canvas.flat(outline, ink if part % 2 == 0 else paper)


def _sign(rng: np.random.Generator, x: float, y: float, radius: float) -> shapes.Points:
    kind, turn = int(rng.integers(7)), float(rng.choice([0.0, np.pi / 4, np.pi / 2, np.pi]))
    tips = int(rng.integers(3, 8))
    if kind == 0:
        return shapes.star(x, y, radius, radius * float(rng.uniform(0.3, 0.6)), tips, turn)
    if kind == 1:
        return shapes.polygon(x, y, radius, tips, turn)
    if kind == 2:
        return shapes.ellipse(x, y, radius, radius * float(rng.choice([0.5, 1.0])), turn)
    if kind == 3:  # leaf
        leaf = [(x, y - radius), (x + radius * 0.6, y), (x, y + radius), (x - radius * 0.6, y)]
        return shapes.rotate(shapes.smooth(leaf), turn, (x, y))
    if kind == 4:  # crescent
        outer = shapes.ellipse(x, y, radius)[:22]
        inner = shapes.ellipse(x + radius * 0.35, y - radius * 0.1, radius * 0.75)[2:20][::-1]
        return shapes.rotate(np.vstack([outer, inner]), turn, (x, y))
    if kind == 5:  # cross
        r, s = radius, radius * float(rng.uniform(0.2, 0.4))
        cross = [
            (-s, -r),
            (s, -r),
            (s, -s),
            (r, -s),
            (r, s),
            (s, s),
            (s, r),
            (-s, r),
            (-s, s),
            (-r, s),
            (-r, -s),
            (-s, -s),
        ]
        return np.asarray(shapes.rotate(shapes.as_points(cross), turn) + np.array([x, y]))
    shield = [(-1, -0.9), (1, -0.9), (0.9, 0.2), (0, 1.1), (-0.9, 0.2)]
    return np.asarray(shapes.as_points(shield) * radius * 0.9 + np.array([x, y]))


def draw_element(canvas: Canvas, element: int, x: float, y: float, radius: float, colour: Colour) -> None:
    """A round pip with the element's sign."""
    dark = (int(colour[0] * 0.25), int(colour[1] * 0.25), int(colour[2] * 0.25))
    canvas.flat(shapes.ellipse(x, y, radius * 1.12), dark)
    canvas.flat(shapes.ellipse(x, y, radius), colour)
    rng = np.random.default_rng([element, 5])
    canvas.flat(_sign(rng, x, y, radius * 0.6), dark)


def draw_rarity(canvas: Canvas, rarity: str, x: float, y: float, radius: float, colour: Colour) -> None:
    """Dot, diamond, star or double star."""
    place = RARITIES.index(rarity)
    if place == 0:
        canvas.flat(shapes.ellipse(x, y, radius * 0.8), colour)
    elif place == 1:
        canvas.flat(shapes.polygon(x, y, radius, 4), colour)
    else:
        canvas.flat(shapes.star(x, y, radius, radius * 0.45, 5), colour)
        if place == 3:
            canvas.flat(shapes.star(x + radius * 2.2, y, radius, radius * 0.45, 5), colour)
