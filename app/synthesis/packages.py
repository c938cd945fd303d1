"""Printed things of about a card's size that are no cards: packets of cards, boxes, phones, books."""

from __future__ import annotations

import cv2
import numpy as np

from app.domain.types import RgbImage
from app.synthesis.backdrops import fractal_noise
from app.synthesis.canvas import Mask
from app.synthesis.degrade import happens, uniform
from app.synthesis.surroundings import rounded_mask
from app.synthesis.text import line_cover, put

#: Things are drawn with this many pixels a millimetre.
_PX_PER_MM = 5

Sprite = tuple[RgbImage, Mask, float]
"""A thing from above, where it is, and how many millimetres it is high."""


def draw_package(rng: np.random.Generator) -> Sprite:
    """A foil packet, a printed box or book, or a phone."""
    draw = (_packet, _printed, _printed, _phone)[int(rng.integers(4))]
    return draw(rng)


def _packet(rng: np.random.Generator) -> Sprite:
    """A packet of cards: printed foil, crimped at both ends."""
    width, height = 64 * _PX_PER_MM, round(uniform(rng, (105, 125)) * _PX_PER_MM)
    sprite = _print(rng, width, height)
    crimp = 9 * _PX_PER_MM
    foil = (150 + 90 * np.sin(np.arange(crimp) * np.pi / 4)).clip(60, 240)
    for rows in (slice(0, crimp), slice(height - crimp, height)):
        sprite[rows] = foil[:, None, None].astype(np.uint8)
    creases = fractal_noise(rng, (height, width), (7, 3), 3)
    shine = (90 * np.clip(creases - 0.6, 0, None)).astype(np.uint8)
    return (
        np.asarray(cv2.add(sprite, cv2.merge([shine] * 3)), np.uint8),
        np.full((height, width), 255, np.uint8),
        3.0,
    )


def _printed(rng: np.random.Generator) -> Sprite:
    """The front of a box, a book or a blister: a picture, big letters, small print."""
    width, height = (round(uniform(rng, bounds) * _PX_PER_MM) for bounds in ((60, 150), (90, 190)))
    return _print(rng, width, height), rounded_mask(width, height, _PX_PER_MM * int(rng.integers(0, 6))), 14.0


def _phone(rng: np.random.Generator) -> Sprite:
    """A dark phone, its screen off or lit."""
    width, height = 74 * _PX_PER_MM, 152 * _PX_PER_MM
    sprite = np.full((height, width, 3), uniform(rng, (8, 40)), np.uint8)
    rim = round(uniform(rng, (2, 5)) * _PX_PER_MM)
    screen = sprite[3 * rim : -3 * rim, rim:-rim]
    if happens(rng, 0.5):
        screen[:] = _print(rng, screen.shape[1], screen.shape[0])
    else:
        screen[:] = np.linspace(12, uniform(rng, (15, 70)), screen.shape[0])[:, None, None].astype(np.uint8)
    return sprite, rounded_mask(width, height, 9 * _PX_PER_MM), 8.0


def _print(rng: np.random.Generator, width: int, height: int) -> RgbImage:
    """Colours that run into each other, shapes, a title and small print."""
    corners = rng.integers(0, 256, (2, 2, 3)).astype(np.uint8)
    sprite = np.asarray(cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    for _ in range(int(rng.integers(2, 7))):
        centre = [int(v) for v in rng.uniform((0, 0), (width, height))]
        axes = [max(2, int(v)) for v in rng.uniform(0.05, 0.35, 2) * width]
        colour = rng.uniform(0, 255, 3).tolist()
        cv2.ellipse(sprite, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    ink = rng.integers(0, 256, 3).tolist()
    for _ in range(int(rng.integers(1, 4))):
        word = "".join(rng.choice(list("AEIOKMNPRSTU"), int(rng.integers(3, 9))))
        cover = line_cover(word, uniform(rng, (0.08, 0.22)) * height, True)
        put(sprite, cover, width / 2, uniform(rng, (0.0, 0.8)) * height, ink, 0.9 * width, 0.5)
    for line in range(int(rng.integers(0, 7))):
        cover = line_cover("".join(rng.choice(list("aeinorstul  "), 40)), 0.03 * height)
        put(sprite, cover, 0.06 * width, (0.7 + 0.04 * line) * height, ink, 0.88 * width)
    return sprite
