"""Skies: weather by day and night, and space."""

from __future__ import annotations

import cv2
import numpy as np

from app.synthesis.art import shapes
from app.synthesis.art.noise import Rng, fractal_noise, moved, pixel_grid, value_noise
from app.synthesis.art.paint import Canvas, apply_ramp
from app.synthesis.art.palette import Palette, gradient


def sky(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """A sky of one of several weathers over the whole canvas."""
    _, y = pixel_grid(canvas.height_px, canvas.width_px)
    bright_below = rng.random() < 0.7
    top, bottom = (0.35, 0.95) if bright_below else (0.9, 0.4)
    hue, turn = palette.hues[0], float(rng.uniform(-0.18, 0.18))
    chroma = 0.11 * palette.chroma
    table = gradient(
        [
            (0.0, palette.level(top * 0.8), chroma, hue),
            (0.6, palette.level((top + bottom) / 2), chroma * 1.1, hue + turn * 0.6),
            (1.0, palette.level(bottom), chroma * 0.9, hue + turn),
        ]
    )
    field = np.broadcast_to(y, (canvas.height_px, canvas.width_px)).astype(np.float32)
    field += 0.1 * canvas.texture
    canvas.fill_ramp(field, table)
    weather = rng.random()
    if weather < 0.55:
        _clouds(canvas, palette, rng)
    elif weather < 0.75:
        stars(canvas, palette, rng)
    elif weather < 0.88:
        _aurora(canvas, palette, rng)
    if rng.random() < 0.45:
        _sun(canvas, palette, rng)
    if rng.random() < 0.2:
        rays(canvas, palette, rng, float(rng.uniform(0, canvas.aspect)), float(rng.uniform(-0.2, 0.4)))


def _clouds(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    stretch = float(rng.uniform(1.0, 3.0))
    height, width = canvas.height_px, canvas.width_px
    noise = fractal_noise(rng, height, max(8, round(width / stretch)), float(rng.uniform(2, 4)), 5, 0.55)
    noise = np.asarray(cv2.resize(noise, (width, height)), dtype=np.float32)
    low = float(rng.uniform(0.4, 0.62))
    cover = np.clip((noise - low) * 4.0, 0, 1)
    lit = np.clip(0.55 + 2.2 * (noise - moved(noise, height // 24, -(height // 30))), 0, 1)
    canvas.mix(apply_ramp(lit, palette.ramp(0, 0.05, 0.25, 1.05, turn=float(rng.uniform(-0.1, 0.1)))), cover)


def stars(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Stars before faint nebulae."""
    nebula(canvas, palette, rng, 0.6)
    places = rng.uniform((0, 0, 0.0015), (canvas.aspect, 1, 0.004), (int(rng.integers(30, 90)), 3))
    tone = palette.colour(4, 1.0, 0.03)
    sparks = places[:, None, 2:] * shapes.polygon(0, 0, 1.0, 8) + places[:, None, :2]
    canvas.flat_all(sparks, tone)
    for x, y, size in places[::6].tolist():
        canvas.glow(x, y, size * 9, tone, 0.8)


def nebula(canvas: Canvas, palette: Palette, rng: Rng, strength: float = 1.0) -> None:
    """Glowing interstellar clouds over what is there."""
    height, width = canvas.height_px, canvas.width_px
    for which in (0, 4, 2):
        noise = fractal_noise(rng, height, width, float(rng.uniform(1.5, 3.5)), 5, 0.6)
        alpha = np.clip((noise - 0.42) * 2.6, 0, 1) * strength
        canvas.mix(apply_ramp(noise, palette.ramp(which, 0.16, 0.0, 1.0)), alpha)


def _aurora(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    height, width = canvas.height_px, canvas.width_px
    streaks = value_noise(rng, height, width, 1.2) * 0.5
    fine = np.asarray(
        cv2.resize(rng.random((2, 60), dtype=np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    )
    _, y = pixel_grid(height, width)
    band = np.exp(-(((y - 0.15 - streaks) * 5.0) ** 2)) * (0.35 + 0.65 * fine)
    canvas.mix(apply_ramp(np.asarray(band, np.float32), palette.ramp(4, 0.2, 0.3, 1.0)), band * 0.85)


def _sun(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    x, y = float(rng.uniform(0.1, 0.9)) * canvas.aspect, float(rng.uniform(0.1, 0.55))
    radius = float(rng.choice([0.05, 0.08, 0.13, 0.22]))
    tone = palette.colour(4, 1.0, 0.08)
    canvas.glow(x, y, radius * 4, tone, 0.6)
    disc = shapes.ellipse(x, y, radius)
    canvas.tint(disc, palette.colour(4, 1.1, 0.05), float(rng.uniform(0.6, 1.0)))
    if rng.random() < 0.3:
        canvas.tint(shapes.ellipse(x + radius * 0.4, y, radius * 0.92), palette.colour(0, 0.4), 0.9)
    canvas.light = ((x - canvas.aspect / 2) / canvas.aspect * 1.5, -0.6)


def rays(canvas: Canvas, palette: Palette, rng: Rng, x0: float, y0: float) -> None:
    """Beams of light from one point."""
    x, y = pixel_grid(canvas.height_px, canvas.width_px)
    angle = np.arctan2(y - y0, x - x0)
    comb = rng.random(64, dtype=np.float32)
    place = (angle / (2 * np.pi) + 0.5) * 64
    beam = np.interp(place.ravel(), np.arange(64), comb, period=64).reshape(angle.shape)
    distance = np.hypot(x - x0, y - y0)
    alpha = np.clip(beam * 2 - 0.9, 0, 1) * np.clip(1.1 - 0.6 * distance, 0, 1) * 0.5
    layer = np.full((canvas.height_px, canvas.width_px, 3), palette.colour(4, 1.0, 0.06), np.uint8)
    canvas.mix(layer, np.asarray(alpha, np.float32))


def deep_space(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Nebulae, stars and a planet."""
    canvas.pixels[:] = palette.colour(0, -0.1, 0.05)
    stars(canvas, palette, rng)
    if rng.random() < 0.7:
        x, y = float(rng.uniform(0, canvas.aspect)), float(rng.uniform(0, 1))
        planet(canvas, palette, rng, x, y, float(rng.uniform(0.08, 0.5)))


def planet(canvas: Canvas, palette: Palette, rng: Rng, x: float, y: float, radius: float) -> None:
    """A banded or rocky ball, perhaps with a ring."""
    found = canvas.mask(shapes.ellipse(x, y, radius, n=60))
    if found is None:
        return
    cover, box = found
    height, width = cover.shape
    bands = fractal_noise(rng, height, max(4, width // int(rng.integers(1, 7))), 5.0, 4, 0.6)
    bands = np.asarray(cv2.resize(bands, (width, height)), dtype=np.float32)
    gx, gy = pixel_grid(canvas.height_px, canvas.width_px)
    lit = (gx[:, box[1]] - x) * canvas.light[0] + (gy[box[0]] - y) * canvas.light[1]
    field = np.clip(0.45 + 0.55 * lit / radius + 0.5 * (bands - 0.5), 0, 1)
    canvas.blend(apply_ramp(np.asarray(field, np.float32), palette.ramp(3, 0.13, -0.1, 1.0)), cover, box)
    canvas.glow(x, y, radius * 1.5, palette.colour(4, 0.5, 0.1), 0.5)
    if rng.random() < 0.3:
        tilt = float(rng.uniform(-0.5, 0.5))
        ring = shapes.ellipse(x, y, radius * 1.8, radius * 0.35, tilt, 60)
        canvas.line(ring[:31], palette.colour(4, 0.9, 0.08), 0.012)
