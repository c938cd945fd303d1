"""The photos that training shows: views of the synthesis, some of them under harsher light than it draws.

Deep shadows and broad glare are what an encoder loses most cards to (docs/experiments.md), so a share of the
cards is lit by them before the view is taken; blur, noise and JPEG then fall on top as they do in a camera.
"""

from __future__ import annotations

import cv2
import numpy as np

from app.domain.types import RgbImage
from app.synthesis.degrade import Plane, happens, to_uint8, uniform
from app.synthesis.light import Light, add_hard_shadow
from app.synthesis.views import photographed_view
from models.training.config import HarshLight

_LIGHT_CELLS = (66, 47)  # rows, columns of the grid that light is drawn on
_SHADOW_CHANCE = 0.6
_SHADOW_LOSS = (0.25, 0.85)
_GLARE_PEAK = (0.3, 1.0)


def training_photo(
    card: RgbImage, rng: np.random.Generator, strength: float, size_px: tuple[int, int], harsh: HarshLight
) -> RgbImage:
    """One bad photo of a card.

    Args:
        card: Clean picture, RGB uint8 (height, width, 3).
        rng: Source of chance; the same state gives the same photo.
        strength: From 0 (easy) over 1 (hard) to ``MAX_STRENGTH``.
        size_px: Height and width of the photo.
        harsh: How often harsh light falls on the card, and what it is like.

    Returns:
        RGB uint8 (height, width, 3).
    """
    if happens(rng, harsh.share):
        card = to_uint8(_harsh_light(rng, harsh).apply(card))
    return photographed_view(card, rng, strength=strength, size_px=(size_px[1], size_px[0]))


def _harsh_light(rng: np.random.Generator, harsh: HarshLight) -> Light:
    light = Light.even(*_LIGHT_CELLS)
    if happens(rng, _SHADOW_CHANCE):
        add_hard_shadow(light, rng, _SHADOW_LOSS)
    if happens(rng, harsh.glare_chance):
        for _ in range(int(rng.integers(1, 4))):
            white = 255.0 - float(rng.uniform(0, 30))
            light.cover(_patch(rng, harsh) * np.float32(uniform(rng, _GLARE_PEAK)), (255.0, white, white))
    return light


def _patch(rng: np.random.Generator, harsh: HarshLight) -> Plane:
    """The broad, soft mirror image of a window or lamp, peak 1: a bell over an ellipse of any turn."""
    rows, columns = _LIGHT_CELLS
    size = np.array([columns, rows])
    middle = rng.uniform(0.0, 1.0, 2) * size
    axes = np.array([uniform(rng, harsh.glare_length), uniform(rng, harsh.glare_breadth)]) * rows
    angle = float(rng.uniform(0, np.pi))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    y, x = np.indices(_LIGHT_CELLS, dtype=np.float32)
    along, across = np.tensordot(turn / axes[:, None], np.stack([x - middle[0], y - middle[1]]), 1)
    distance = np.asarray(along**2 + across**2, np.float32)
    return np.asarray(cv2.exp(-distance), np.float32)
