"""Holographic foil: colours that run over a card."""

from __future__ import annotations

import cv2
import numpy as np

from app.domain.types import RgbImage
from app.synthesis.art.noise import cellular, fractal_noise, pixel_grid
from app.synthesis.art.palette import gradient


def add_foil(picture: RgbImage, seed: int) -> RgbImage:
    """Lays one of four foil patterns (bands, swirls, cracked ice, stars) over a card."""
    rng = np.random.default_rng([seed, 9])
    height, width = picture.shape[:2]
    x, y = pixel_grid(height, width)
    turn = float(rng.uniform(0, np.pi))
    phase = (x * np.cos(turn) + y * np.sin(turn)) * float(rng.uniform(1.0, 3.5))
    kind = int(rng.integers(4))
    glitter = np.full((height, width), 0.45, np.float32)
    if kind == 1:
        phase = phase + 2.0 * fractal_noise(rng, height, width, 2.5, 3)
    elif kind == 2:
        distance, labels = cellular(rng, height, width, float(rng.uniform(8, 18)), 1.0)
        phase = phase + rng.random(1024, dtype=np.float32)[labels]
        glitter = 0.3 + 0.35 * distance
    elif kind == 3:
        distance, _ = cellular(rng, height, width, float(rng.uniform(12, 30)), 0.8)
        glitter = 0.25 + 0.9 * np.clip(0.3 - distance, 0, 1) * 3
    rainbow = gradient([(t / 8, 0.72, 0.17, t / 8) for t in range(9)])
    index = np.asarray((phase % 1.0) * 255, np.uint8)
    sheen = cv2.LUT(cv2.merge([index, index, index]), rainbow.reshape(256, 1, 3)).astype(np.float32)
    base = picture.astype(np.float32)
    weight = np.asarray(glitter, np.float32)[..., None] * float(rng.uniform(0.5, 0.9))
    screened = 255.0 - (255.0 - base) * (1.0 - sheen * weight * (1 / 255.0))
    return np.asarray(np.clip(0.25 * base + 0.75 * screened, 0, 255), dtype=np.uint8)
