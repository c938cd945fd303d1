"""The hand of the artist: what is done to a whole picture at the end."""

from __future__ import annotations

import cv2
import numpy as np

from app.domain.types import RgbImage
from app.synthesis.art.noise import Rng, fractal_noise, pixel_grid, value_noise, warp
from app.synthesis.art.paint import Canvas
from app.synthesis.art.palette import Palette


def brush(canvas: Canvas, rng: Rng, strength: float) -> None:
    """Frays every edge as dry paint does."""
    height, width = canvas.height_px, canvas.width_px
    shift = (fractal_noise(rng, height, width, 26.0, 2, 0.7) - 0.5) * strength
    other = (fractal_noise(rng, height, width, 22.0, 2, 0.7) - 0.5) * strength
    canvas.pixels = np.asarray(warp(canvas.pixels, shift, other), dtype=np.uint8)


def light_texture(canvas: Canvas, rng: Rng, strength: float) -> None:
    """Canvas, paper or plaster: brightness varies finely."""
    noise = (value_noise(rng, canvas.height_px, canvas.width_px, 160) - 0.5) * (strength * 3)
    noise += canvas.texture * (strength * 4)
    canvas.pixels = _brighten(canvas.pixels, noise)


def vignette(canvas: Canvas, strength: float) -> None:
    """Darkens the corners."""
    x, y = pixel_grid(canvas.height_px, canvas.width_px)
    fall = ((x / canvas.aspect - 0.5) ** 2 + (y - 0.5) ** 2) * (-140.0 * strength)
    canvas.pixels = _brighten(canvas.pixels, np.asarray(fall, np.float32))


def _brighten(pixels: RgbImage, change: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> RgbImage:
    up = np.clip(change, 0, 255).astype(np.uint8)
    down = np.clip(-change, 0, 255).astype(np.uint8)
    brighter = cv2.add(pixels, cv2.merge([up, up, up]))
    return np.asarray(cv2.subtract(brighter, cv2.merge([down, down, down])), dtype=np.uint8)


def posterise(canvas: Canvas, levels: int) -> None:
    """Few flat tones, as in cel animation or a screen print."""
    table = np.round(np.arange(256) / 255 * levels) / levels * 255
    canvas.pixels = np.asarray(cv2.LUT(canvas.pixels, table.astype(np.uint8)), dtype=np.uint8)


def ink(canvas: Canvas, strength: float = 0.8) -> None:
    """Dark lines where brightness changes, and flatter tones between them."""
    size = max(3, round(canvas.height_px / 50) | 1)
    canvas.pixels = np.asarray(cv2.medianBlur(canvas.pixels, min(size, 5)), dtype=np.uint8)
    grey = cv2.cvtColor(canvas.pixels, cv2.COLOR_RGB2GRAY)
    near = cv2.GaussianBlur(grey, (0, 0), max(0.6, canvas.height_px / 260)).astype(np.float32)
    far = cv2.GaussianBlur(grey, (0, 0), max(1.0, canvas.height_px / 110)).astype(np.float32)
    lines = np.clip((far - near) * 5.0 - 16.0, 0, 120) * strength
    canvas.pixels = _brighten(canvas.pixels, np.asarray(-lines, np.float32))


def expose(canvas: Canvas, least_spread: float) -> None:
    """Stretches the tones of a picture in which next to nothing could be seen.

    ``least_spread`` is the standard deviation of brightness (0 to 255) that every picture has in the end.
    """
    grey = canvas.pixels[::3, ::3].mean(axis=2)
    spread, middle = float(grey.std()), float(grey.mean())
    target = float(np.clip(middle, 70, 190))
    gain = max(1.0, min(5.0, least_spread / max(spread, 1.0)))
    if gain > 1.0 or target != middle:
        table = np.clip((np.arange(256) - middle) * gain + 0.5 * (target + middle), 0, 255)
        canvas.pixels = np.asarray(cv2.LUT(canvas.pixels, table.astype(np.uint8)), dtype=np.uint8)


def halftone(canvas: Canvas, rng: Rng, strength: float) -> None:
    """Dots or hatching that swell in the shadows."""
    x, y = pixel_grid(canvas.height_px, canvas.width_px)
    turn, pitch = float(rng.uniform(0, np.pi)), float(rng.uniform(150, 260))
    wave = np.sin((x * np.cos(turn) + y * np.sin(turn)) * pitch)
    if rng.random() < 0.5:
        wave = 0.5 * (wave + np.sin((y * np.cos(turn) - x * np.sin(turn)) * pitch))
    grey = cv2.cvtColor(canvas.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    canvas.pixels = _brighten(canvas.pixels, np.asarray(wave * (255 - grey) * strength, np.float32))


def two_tones(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """One ink on tinted paper: a print, an old photograph."""
    grey = cv2.cvtColor(canvas.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) * (1 / 255)
    which = int(rng.integers(5))
    canvas.fill_ramp(grey, palette.ramp(which, float(rng.uniform(0.01, 0.12)), -0.1, 1.05))


def particles(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Sparks, snow, spores or bubbles in the air."""
    kind, tone = int(rng.integers(3)), palette.colour(4, 1.0, 0.12)
    for _ in range(int(rng.integers(15, 60))):
        x, y = float(rng.uniform(0, canvas.aspect)), float(rng.uniform(0, 1))
        size = float(rng.gamma(2.0, 0.006)) + 0.004
        if kind == 0:
            canvas.glow(x, y, size * 3, tone, 1.3)
        elif kind == 1:
            dot = np.array([[x, y], [x + size * 0.8, y - size * 2.5]])
            canvas.line(dot, tone, size * 0.3)
        else:
            cv2.circle(
                canvas.pixels,
                (int(x * canvas.height_px), int(y * canvas.height_px)),
                max(1, round(size * canvas.height_px)),
                tone,
                1,
                cv2.LINE_AA,
            )


def finish(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Applies one manner of painting."""
    if rng.random() < 0.3:
        particles(canvas, palette, rng)
    manner = rng.random()
    if manner < 0.35:
        brush(canvas, rng, float(rng.uniform(0.005, 0.025)))
        light_texture(canvas, rng, float(rng.uniform(2, 7)))
    elif manner < 0.5:
        light_texture(canvas, rng, float(rng.uniform(1, 4)))
    elif manner < 0.62:
        posterise(canvas, int(rng.integers(4, 9)))
        ink(canvas)
    elif manner < 0.74:
        ink(canvas, float(rng.uniform(0.4, 1.0)))
    elif manner < 0.82:
        halftone(canvas, rng, float(rng.uniform(0.1, 0.4)))
    if rng.random() < 0.07:
        two_tones(canvas, palette, rng)
    if rng.random() < 0.5:
        vignette(canvas, float(rng.uniform(0.3, 0.8)))
    expose(canvas, float(rng.uniform(16, 40)))
