"""Far places: what stands behind a subject or is the subject of a landscape."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from app.synthesis.art import shapes
from app.synthesis.art.noise import Field, Rng, fractal_noise, moved, pixel_grid, ridged, value_noise, warp
from app.synthesis.art.paint import Canvas, apply_ramp
from app.synthesis.art.palette import Colour, Palette, pick
from app.synthesis.art.skies import deep_space, sky


def skyline(rng: Rng, canvas: Canvas, base: float, swing: float, cells: float, octaves: int = 5) -> Field:
    """Heights of a rugged horizon: one y for each column, shape (width,)."""
    columns = np.zeros(canvas.width_px, np.float32)
    for octave in range(octaves):
        knots = rng.random(round(2 * cells * 2**octave) + 3, dtype=np.float32)
        at = np.linspace(0, cells * canvas.aspect * 2**octave, canvas.width_px)
        columns += np.interp(at, np.arange(len(knots)), knots) * 0.5**octave
    return np.asarray(base - swing * (columns - 0.9), dtype=np.float32)


def layers(canvas: Canvas, palette: Palette, rng: Rng, horizon: float, peaked: bool) -> None:
    """Ranges of hills or mountains, paler with the distance."""
    height, width = canvas.height_px, canvas.width_px
    _, y = pixel_grid(height, width)
    count = int(rng.integers(2, 5))
    relief = fractal_noise(rng, height, width, 5.0, 4, 0.6)
    lit = np.clip(0.5 + 3.0 * (relief - moved(relief, 0, height // 40 + 1)) * canvas.light[0] * -1, 0, 1)
    for number in range(count):
        near = number / max(1, count - 1)
        swing = float(rng.uniform(0.25, 0.5)) * (1 - 0.6 * near) if peaked else float(rng.uniform(0.06, 0.2))
        base = horizon + (1.02 - horizon) * near**1.5 * 0.75
        edge = skyline(rng, canvas, base, swing, float(rng.uniform(1.0, 2.5)), 6 if peaked else 2)
        cover = np.clip((y - edge[None, :]) * height, 0, 1)
        depth = np.clip((y - edge[None, :]) * 2.2, 0, 1)
        shade = (lit if peaked else 0.5 + 0.5 * canvas.texture) * 0.75 + 0.25 - 0.35 * depth
        which = 1 if near > 0.3 else 0
        tone = palette.ramp(which, 0.05 + 0.08 * near, 0.45 * (1 - near), 0.95 - 0.3 * near)
        canvas.mix(apply_ramp(np.asarray(shade, np.float32), tone), np.asarray(cover, np.float32))


def water(canvas: Canvas, palette: Palette, rng: Rng, horizon: float) -> None:
    """A lake or sea below ``horizon`` that mirrors what is above it."""
    height, width = canvas.height_px, canvas.width_px
    first = round(horizon * height)
    rows = height - first
    if rows < 4 or first < 4:
        return
    above = canvas.pixels[:first]
    mirrored = np.asarray(cv2.resize(above[::-1], (width, rows)), np.uint8)
    y = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    ripple = np.sin((y**0.5) * 90 + 8 * value_noise(rng, rows, width, 6.0)) * 0.02 * (0.3 + y)
    mirrored = warp(mirrored, np.asarray(ripple, np.float32), np.asarray(ripple * 0.5, np.float32))
    tint = np.full_like(mirrored, palette.colour(1, 0.3, 0.12))
    mixed = cv2.addWeighted(mirrored, 0.7, tint, 0.3, 0)
    glint = np.clip((ripple / 0.02 - 0.75) * 2.0, 0, 1)[..., None] * 60
    canvas.pixels[first:] = cv2.add(mixed, np.broadcast_to(glint, mixed.shape).astype(np.uint8))


def city(canvas: Canvas, palette: Palette, rng: Rng, horizon: float) -> None:
    """Rows of buildings with lit windows."""
    for row in range(3):
        near = row / 2
        x = -0.05
        while x < canvas.aspect:
            wide = float(rng.uniform(0.05, 0.13)) * (0.7 + near)
            tall = float(rng.gamma(2.0, 0.16)) * (1 - 0.3 * near) + 0.06
            base = horizon + 0.3 * near
            _building(canvas, palette, rng, (x, base - tall, x + wide, 1.05), near)
            x += wide * float(rng.uniform(0.8, 1.3))


def _building(
    canvas: Canvas, palette: Palette, rng: Rng, box: tuple[float, float, float, float], near: float
) -> None:
    left, top, right, bottom = box
    level = 0.55 - 0.4 * near
    wall = palette.colour(1 if near > 0.4 else 0, level, 0.05)
    canvas.flat(shapes.rectangle(left, top, right, bottom), wall)
    side = left if canvas.light[0] < 0 else right
    inner = left + (right - left) * 0.3 if side == left else right - (right - left) * 0.3
    canvas.flat(
        shapes.rectangle(min(side, inner), top, max(side, inner), bottom),
        palette.colour(1, level + 0.12, 0.05),
    )
    roof = rng.random()
    if roof < 0.3:
        middle = (left + right) / 2
        spire = float(rng.uniform(0.03, 0.12))
        canvas.flat([(left, top), (middle, top - spire), (right, top)], wall)
    elif roof < 0.45:
        canvas.line([((left + right) / 2, top), ((left + right) / 2, top - 0.06)], wall, 0.005)
    if near < 0.3 and rng.random() < 0.5:
        return
    pitch = 0.016 + 0.012 * near
    light = palette.colour(4, 0.95, 0.12)
    across = np.arange(left + pitch * 0.6, right - pitch * 0.4, pitch)
    down = np.arange(top + pitch, min(top + 0.45, 1.0), pitch * 1.6)
    corners = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 1, 2)
    lit = corners[rng.random(len(corners)) < 0.35]
    pane = shapes.rectangle(0.0, 0.0, pitch * 0.5, pitch * 0.8)
    canvas.flat_all(lit + pane, light)


def forest(canvas: Canvas, palette: Palette, rng: Rng, horizon: float) -> None:
    """Trees in three depths; firs, round crowns or bare trunks."""
    kind = int(rng.integers(3))
    for row in range(3):
        near = row / 2
        count = int(rng.integers(5, 12) * (1.6 - 0.5 * near))
        tone = palette.ramp(1, 0.05 + 0.07 * near, 0.4 * (1 - near), 0.85 - 0.35 * near)
        dark, light = pick(tone, 70), pick(tone, 170)
        for x in np.sort(rng.uniform(-0.05, canvas.aspect + 0.05, count)):
            foot = horizon + 0.06 + 0.32 * near + float(rng.uniform(-0.03, 0.03))
            tall = float(rng.uniform(0.25, 0.5)) * (0.6 + near)
            _tree(canvas, rng, kind, (float(x), foot, tall), dark, light)


def _tree(
    canvas: Canvas, rng: Rng, kind: int, place: tuple[float, float, float], dark: Colour, light: Colour
) -> None:
    """A fir, a round crown or bare boughs; ``place`` is x, the foot's y and the height."""
    x, foot, tall = place
    lean, width = float(rng.normal(0, 0.02)), tall * 0.045
    canvas.flat(shapes.limb([(x, foot), (x + lean, foot - tall)], [width, width * 0.4], 3), dark)
    if kind == 0:
        side = float(np.sign(canvas.light[0]))
        for step in range(4):
            top, half = foot - tall * (0.35 + 0.2 * step), tall * (0.24 - 0.045 * step)
            tip = (x + lean, top - half * 0.9)
            canvas.flat([(x - half, top + half), tip, (x + half, top + half)], dark)
            canvas.flat([tip, (x + half * side, top + half * 0.9), (x, top + half)], light)
    elif kind == 1:
        for _ in range(5):
            across, down = rng.normal(0, 0.11, 2) * tall
            cx, cy, size = x + across, foot - tall + down, tall * float(rng.uniform(0.12, 0.22))
            canvas.flat(shapes.blob(rng, cx, cy, size, size * 0.8), dark)
            cx, cy = cx + canvas.light[0] * size * 0.3, cy - size * 0.25
            canvas.flat(shapes.blob(rng, cx, cy, size * 0.6, size * 0.45), light)
    else:
        for _ in range(4):
            side, start = float(rng.uniform(-0.25, 0.25)) * tall, foot - tall * float(rng.uniform(0.4, 0.9))
            bough = [(x, start), (x + side, start - abs(side) * 0.9)]
            canvas.flat(shapes.limb(bough, [width * 0.5, width * 0.1], 3), dark)


def cavern(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Rock all round and light from an opening."""
    height, width = canvas.height_px, canvas.width_px
    x, y = pixel_grid(height, width)
    relief = ridged(fractal_noise(rng, height, width, 3.0, 5, 0.6))
    cx, cy = canvas.aspect * float(rng.uniform(0.35, 0.65)), float(rng.uniform(0.3, 0.6))
    distance = np.hypot((x - cx) / float(rng.uniform(0.5, 0.9)), y - cy)
    field = np.clip(0.95 - 1.5 * distance + 0.55 * (relief - 0.5), 0.02, 1)
    which = int(rng.choice([0, 1, 4]))
    canvas.fill_ramp(np.asarray(field, np.float32), palette.ramp(which, 0.12, -0.05, 1.0))


def studio(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """A plain brushed backdrop, lighter behind the subject."""
    height, width = canvas.height_px, canvas.width_px
    x, y = pixel_grid(height, width)
    brush = fractal_noise(rng, height, width, 4.0, 4, 0.65)
    spot = np.exp(-(((x - canvas.aspect / 2) / 0.55) ** 2) - ((y - 0.45) / 0.5) ** 2)
    field = 0.2 + 0.5 * spot * float(rng.uniform(0.4, 1.2)) + 0.5 * (brush - 0.4)
    canvas.fill_ramp(np.asarray(field, np.float32), palette.ramp(0, 0.11, 0.05, 0.95))


def burst(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Comic rays or rings round the middle."""
    x, y = pixel_grid(canvas.height_px, canvas.width_px)
    cx, cy = canvas.aspect * float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.3, 0.7))
    tips = int(rng.integers(6, 26))
    angle = np.arctan2(y - cy, x - cx)
    radius = np.hypot(x - cx, y - cy)
    twist = float(rng.uniform(-4, 4)) if rng.random() < 0.4 else 0.0
    wave = np.sin(angle * tips + radius * twist * 3)
    field = 0.5 + 0.25 * np.clip(wave * canvas.height_px / 40, -1, 1) + 0.35 * (0.4 - radius)
    canvas.fill_ramp(np.asarray(field, np.float32), palette.ramp(0, 0.15, 0.1, 1.0, 0.0))


Place = Callable[[Canvas, Palette, Rng], None]


def open_country(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Sky over hills, mountains, water, woods or a town."""
    sky(canvas, palette, rng)
    horizon = float(rng.uniform(0.4, 0.75))
    kind = rng.random()
    if kind < 0.35:
        layers(canvas, palette, rng, horizon, peaked=True)
    elif kind < 0.5:
        layers(canvas, palette, rng, horizon, peaked=False)
    elif kind < 0.65:
        city(canvas, palette, rng, horizon)
    elif kind < 0.85:
        layers(canvas, palette, rng, horizon, peaked=bool(rng.random() < 0.5))
        forest(canvas, palette, rng, horizon)
    if rng.random() < 0.35:
        water(canvas, palette, rng, min(0.85, horizon + float(rng.uniform(0.0, 0.15))))


PLACES: tuple[tuple[float, Place], ...] = (
    (4.0, open_country),
    (1.2, cavern),
    (1.5, studio),
    (0.8, burst),
    (1.0, deep_space),
)
"""What can stand behind a subject, with how often."""


def paint_place(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Paints one of the places."""
    weights = np.array([weight for weight, _ in PLACES])
    PLACES[int(rng.choice(len(PLACES), p=weights / weights.sum()))][1](canvas, palette, rng)
