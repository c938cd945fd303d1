"""What light, lens, sensor and JPEG do to a whole scene."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from app.domain.types import Quad, RgbImage
from app.synthesis import degrade
from app.synthesis.degrade import Plane, happens, uniform
from app.synthesis.layouts import SceneKind
from app.synthesis.levels import PhotoRanges
from app.synthesis.light import Light, add_glare, add_gradient, add_hard_shadow, add_haze

#: Light is computed on a grid of at most this many cells along the longer side.
_GRID_CELLS = 640
#: Rows exposed at once: bounds the memory that floating-point pixels take.
_BAND_ROWS = 256
#: Levels state blur for a card of this height.
_BLUR_REFERENCE_PX = 300.0


def expose(
    image: RgbImage,
    kind: SceneKind,
    quads: Sequence[Quad],
    card_height_px: float,
    ranges: PhotoRanges,
    rng: np.random.Generator,
) -> RgbImage:
    """Takes the photo.

    Args:
        image: The scene in the camera's perspective under perfect light.
        kind: What is photographed; a scanner is sharper and more evenly lit than a phone.
        quads: Corners of the cards, for light that lies on one card's plastic.
        card_height_px: Height of a card in the picture.
        ranges: What to draw from.
        rng: Source of chance.

    Returns:
        The photo, of the same size.
    """
    scanner = kind is SceneKind.FLATBED
    quality = 0.4 if scanner else 1.0
    scale = card_height_px / _BLUR_REFERENCE_PX * quality
    image = degrade.lens_blur(image, rng, uniform(rng, ranges.blur_sigma_px) * scale)
    if not scanner and happens(rng, ranges.motion_blur_chance):
        image = degrade.motion_blur(image, rng, uniform(rng, (2.0, 6.0)) * scale)
    light = _scanner_light(image, rng) if scanner else _room_light(image, kind, quads, ranges, rng)
    noise_sigma = uniform(rng, ranges.noise_sigma) * quality
    curve = degrade.tone_curve(rng, ranges.white_balance_sigma * quality, ranges.gamma_log_sigma * quality)
    exposed = np.empty_like(image)
    for top in range(0, image.shape[0], _BAND_ROWS):
        band = image[top : top + _BAND_ROWS]
        lit = light.apply(band, top, image.shape[0])
        degrade.sensor_noise(lit, rng, noise_sigma)
        exposed[top : top + _BAND_ROWS] = degrade.apply_tone_curve(degrade.to_uint8(lit), curve)
    return degrade.jpeg(exposed, uniform(rng, ranges.jpeg_quality))


def _grid(image: RgbImage) -> Light:
    cell = max(2.0, max(image.shape[:2]) / _GRID_CELLS)
    return Light.even(round(image.shape[0] / cell), round(image.shape[1] / cell))


def _scanner_light(image: RgbImage, rng: np.random.Generator) -> Light:
    light = _grid(image)
    add_gradient(light, rng, uniform(rng, (0.0, 0.05)))
    return light


def _room_light(
    image: RgbImage,
    kind: SceneKind,
    quads: Sequence[Quad],
    ranges: PhotoRanges,
    rng: np.random.Generator,
) -> Light:
    """Fall-off, vignette, shadows and glare; on a page the glare runs on over the pockets."""
    light = _grid(image)
    _add_vignette(light, uniform(rng, (0.02, 0.25)))
    add_gradient(light, rng, uniform(rng, ranges.gradient))
    if happens(rng, ranges.hard_shadow_chance):
        add_hard_shadow(light, rng)
    on_page = kind.value.startswith("page")
    step = light.gain.shape[0] / image.shape[0]
    haze = uniform(rng, ranges.haze) * (1.0 if on_page else 0.6)
    add_haze(light, rng, haze, _plastic(light, [quad * step for quad in quads]))
    chance = ranges.glare_chance * (0.45 if on_page else 0.3)
    for quad in quads:
        if happens(rng, chance):
            _add_card_glare(light, quad * step, ranges, rng)
    return light


def _plastic(light: Light, quads: Sequence[Quad]) -> Plane:
    """1 on the cards and a little beyond them, where their sleeves end; a trace of it everywhere."""
    mask = np.full(light.gain.shape, 40, np.uint8)
    for quad in quads:
        middle = quad.mean(axis=0)
        sleeve = middle + (quad - middle) * 1.05
        cv2.fillConvexPoly(mask, np.rint(sleeve).astype(np.int32), 255, cv2.LINE_AA)
    return cv2.blur(mask, (3, 3)).astype(np.float32) * np.float32(1 / 255)


def _add_vignette(light: Light, loss: float) -> None:
    """Lenses darken towards the corners, by ``loss`` in the very corner."""
    rows, columns = light.gain.shape
    x = np.linspace(-1, 1, columns, dtype=np.float32)
    y = np.linspace(-1, 1, rows, dtype=np.float32)
    light.dim(1.0 - np.float32(loss / 2) * (x[None, :] ** 2 + y[:, None] ** 2))


def _add_card_glare(light: Light, quad: Quad, ranges: PhotoRanges, rng: np.random.Generator) -> None:
    """Streaks on the plastic of one card alone."""
    rows, columns = light.gain.shape
    low = np.clip(np.floor(quad.min(axis=0)).astype(int), 0, [columns - 1, rows - 1])
    high = np.clip(np.ceil(quad.max(axis=0)).astype(int) + 1, low + 1, [columns, rows])
    box = (slice(low[1], high[1]), slice(low[0], high[0]))
    plastic = np.zeros(light.gain[box].shape, np.uint8)
    cv2.fillConvexPoly(plastic, np.rint(quad - low).astype(np.int32), 255, cv2.LINE_AA)
    within = plastic.astype(np.float32) * np.float32(1 / 255)
    add_glare(Light(light.gain[box], light.veil[box]), rng, ranges.glare_peak, within)
