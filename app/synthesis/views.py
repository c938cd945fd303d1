"""Photo-like views of a single card, as a detector would have cut them out of a picture.

The steps follow the light: the card among its surroundings, what covers it, where the detector believed its
corners to be, lens, light and plastic, sensor, camera, JPEG, and the resampling to the encoder's size.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RECTIFIED_HEIGHT_PX, RECTIFIED_WIDTH_PX, RgbImage
from app.synthesis import degrade
from app.synthesis.degrade import happens, uniform
from app.synthesis.levels import Level, PhotoRanges, photo_ranges
from app.synthesis.light import Light, add_foil_sheen, add_glare, add_gradient, add_hard_shadow, add_haze
from app.synthesis.surroundings import MARGIN, card_among_surroundings

#: The card is simulated at no more than this multiple of the wanted height: more detail would be thrown away.
_OVERSAMPLING = 1.5
#: Blur is stated for a card of this height in the picture (levels of difficulty are defined so).
_BLUR_REFERENCE_PX = 300.0


def photographed_view(
    card: RgbImage,
    rng: np.random.Generator,
    *,
    strength: float | Level,
    size_px: tuple[int, int] | None = None,
) -> RgbImage:
    """One card as cut out of a photo.

    Args:
        card: Clean picture of the card, RGB, uint8, (height, width, 3), of any size.
        rng: Source of chance; the same state gives the same view.
        strength: A level, or 0 (easy) to ``MAX_STRENGTH`` (a quarter beyond hard).
        size_px: Width and height of the view; the size of every rectified card by default.

    Returns:
        The view, RGB, uint8, (height, width, 3).

    Raises:
        ValueError: the strength or the size is out of range.
    """
    width, height = size_px or (RECTIFIED_WIDTH_PX, RECTIFIED_HEIGHT_PX)
    if width < 8 or height < 8:
        raise ValueError(f"a view needs at least 8 x 8 pixels, got {width} x {height}")
    ranges = photo_ranges(strength)
    low, high = np.log(ranges.card_height_px)
    seen_px = float(np.clip(np.exp(rng.uniform(low, high)), 120.0, 1200.0))
    work_height = max(16, min(round(seen_px), round(height * _OVERSAMPLING)))
    work_width = max(12, round(work_height * width / height))
    canvas = card_among_surroundings(card, rng, (work_width, work_height), ranges.cover_chance)
    view = _cut_out(canvas, rng, (work_width, work_height), ranges.corner_error)
    view = _expose(view, rng, ranges, work_height / seen_px)
    return degrade.resample(view, (width, height), sharp=happens(rng, 0.4))


def _cut_out(
    canvas: RgbImage, rng: np.random.Generator, size_px: tuple[int, int], corner_error: float
) -> RgbImage:
    """Rectifies the card from where a detector believed its corners to be."""
    width, height = size_px
    believed = _believed_corners(rng, corner_error)
    size = np.array([width, height], np.float32)
    source = (believed + MARGIN) * size
    target = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * size
    transform = cv2.getPerspectiveTransform(source.astype(np.float32), target)
    return np.asarray(
        cv2.warpPerspective(
            canvas, transform, size_px, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        ),
        np.uint8,
    )


def _believed_corners(rng: np.random.Generator, corner_error: float) -> NDArray[np.float32]:
    """Corners of the crop in units of the card's sides, (4, 2): off by noise, and too wide or too tight."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    outward = corners * 2 - 1
    error = corner_error
    kind = float(rng.random())
    if kind < 0.25:  # the edge of a sleeve or toploader was taken for the card's
        sides = uniform(rng, (0.03, 0.12)) * rng.uniform(0.6, 1.1, (2, 2))
        corners += np.where(corners > 0, sides[1], -sides[0])
        error = min(error, 0.02)
    elif kind < 0.40:  # it cuts into the card: an inner frame was taken for its edge
        corners -= outward * float(rng.uniform(0.0, 0.04))
    corners += rng.normal(0.0, error, (4, 2))
    return corners.astype(np.float32)


def _expose(view: RgbImage, rng: np.random.Generator, ranges: PhotoRanges, scale: float) -> RgbImage:
    """Lens, light, plastic, sensor, camera and JPEG; ``scale`` is simulated pixels over camera pixels."""
    # Levels state blur for a card of 300 px; a card with more pixels is blurred by as many more of them.
    per_reference = view.shape[0] / _BLUR_REFERENCE_PX
    view = degrade.lens_blur(view, rng, uniform(rng, ranges.blur_sigma_px) * per_reference)
    if happens(rng, ranges.motion_blur_chance):
        view = degrade.motion_blur(view, rng, uniform(rng, (2.0, 6.0)) * per_reference)
    lit = _light(view, rng, ranges).apply(view)
    # Several camera pixels make one simulated pixel, which averages their noise and JPEG's errors.
    degrade.sensor_noise(lit, rng, uniform(rng, ranges.noise_sigma) * scale)
    exposed = degrade.to_uint8(lit)
    curve = degrade.tone_curve(rng, ranges.white_balance_sigma, ranges.gamma_log_sigma)
    exposed = degrade.apply_tone_curve(exposed, curve)
    if happens(rng, 0.3):
        exposed = degrade.saturate(exposed, uniform(rng, (0.6, 1.4)))
    return degrade.jpeg(exposed, 100.0 - (100.0 - uniform(rng, ranges.jpeg_quality)) * scale)


def _light(view: RgbImage, rng: np.random.Generator, ranges: PhotoRanges) -> Light:
    """Draws the light on one card and on its plastic."""
    light = Light.even(max(view.shape[0] // 3, 8), max(view.shape[1] // 3, 8))
    if happens(rng, 0.15):
        add_foil_sheen(light, rng, uniform(rng, (0.05, 0.3)))
    add_gradient(light, rng, uniform(rng, ranges.gradient))
    if happens(rng, ranges.hard_shadow_chance):
        add_hard_shadow(light, rng)
    add_haze(light, rng, uniform(rng, ranges.haze))
    if happens(rng, ranges.glare_chance):
        add_glare(light, rng, ranges.glare_peak)
    return light


def augmented_template_views(card: RgbImage, seed: int) -> list[RgbImage]:
    """Two mild photo-like views of a reference image, to be embedded beside it.

    One is a little soft, warm and cut a little too tight; the other lies in a hazy sleeve in cooler light and
    is cut a little too wide. The same card and seed always give the same views.

    Args:
        card: Clean picture of the card, RGB, uint8, (height, width, 3), of any size.
        seed: Seed of the small random errors.

    Returns:
        Two views of the size of a rectified card, RGB, uint8, (528, 378, 3).
    """
    rng = np.random.default_rng(seed)
    size = (RECTIFIED_WIDTH_PX, RECTIFIED_HEIGHT_PX)
    # Dark, as a pocket is: what a crop that is a little too wide shows most often.
    canvas = cv2.copyMakeBorder(
        degrade.resample(card, size), 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=(38, 38, 42)
    )
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    views = []
    for outset, sigma_px, gains, haze in (
        (-0.012, 1.6, (1.06, 1.0, 0.88), 0.0),
        (0.02, 1.0, (0.92, 1.0, 1.08), 0.16),
    ):
        believed = corners + (corners * 2 - 1) * outset + rng.normal(0, 0.006, (4, 2))
        source = (believed * size + 20).astype(np.float32)
        transform = cv2.getPerspectiveTransform(source, corners * np.array(size, np.float32))
        view = cv2.warpPerspective(canvas, transform, size, borderMode=cv2.BORDER_REFLECT_101)
        view = cv2.GaussianBlur(view, (0, 0), sigma_px)
        light = Light.even(44, 32)
        add_gradient(light, rng, 0.12)
        light.cover(np.full((44, 32), haze, np.float32), (215, 218, 222))
        views.append(degrade.to_uint8(light.apply(np.asarray(view, np.uint8)) * np.array(gains, np.float32)))
    return views
