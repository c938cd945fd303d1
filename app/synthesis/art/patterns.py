"""Pictures of nothing: marbled, tiled, woven, kaleidoscopic."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from app.synthesis.art import shapes
from app.synthesis.art.noise import (
    Field,
    Rng,
    cell_edges,
    cellular,
    fractal_noise,
    pixel_grid,
    ridged,
    warp,
)
from app.synthesis.art.paint import Canvas, Material, apply_ramp
from app.synthesis.art.palette import Palette, Ramp, gradient


def many_hues(palette: Palette, rng: Rng) -> Ramp:
    """A ramp through several hues of the palette, dark and light in turn."""
    stops = []
    count = int(rng.integers(3, 7))
    for step in range(count):
        which = int(rng.integers(5))
        level = float(rng.uniform(0, 1)) if count > 3 else step / (count - 1)
        stops.append(
            (
                step / (count - 1),
                palette.level(level),
                float(rng.uniform(0.03, 0.16)) * palette.chroma,
                palette.hues[which],
            )
        )
    return gradient(stops)


def marble(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Folded paint: noise displaced by noise (domain warping)."""
    height, width = canvas.height_px, canvas.width_px
    cells = float(rng.uniform(1.2, 3.5))
    field = fractal_noise(rng, height, width, cells, 5, 0.55)
    for _ in range(2):
        strength = float(rng.uniform(0.1, 0.45))
        shift_x = (fractal_noise(rng, height, width, cells, 3) - 0.5) * strength
        shift_y = (fractal_noise(rng, height, width, cells, 3) - 0.5) * strength
        field = np.asarray(warp(field, shift_x, shift_y), np.float32)
    folds = float(rng.uniform(1.0, 5.0))
    field = np.asarray(0.5 + 0.5 * np.sin(field * folds * 2 * np.pi), np.float32)
    canvas.fill_ramp(field, many_hues(palette, rng))


def mosaic(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Stained glass, scales or cracked ground."""
    height, width = canvas.height_px, canvas.width_px
    distance, labels = cellular(rng, height, width, float(rng.uniform(5, 22)), float(rng.uniform(0.3, 1.0)))
    broad = fractal_noise(rng, height, width, 2.0, 3)
    each = rng.random(2048, dtype=np.float32)[labels]
    field = 0.45 * each + 0.6 * broad - float(rng.uniform(0.0, 0.5)) * distance
    canvas.fill_ramp(np.asarray(field, np.float32), many_hues(palette, rng))
    if rng.random() < 0.7:
        edges = cell_edges(labels, max(1, round(height * float(rng.uniform(0.004, 0.012)))))
        seam = palette.colour(4, float(rng.choice([0.0, 1.0])), 0.05)
        canvas.pixels[edges > 0] = seam


def mandala(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """A kaleidoscope: one wedge of noise repeated round a centre."""
    height, width = canvas.height_px, canvas.width_px
    x, y = pixel_grid(height, width)
    cx, cy = canvas.aspect * float(rng.choice([0.5, 0.5, 0.3])), float(rng.choice([0.5, 0.5, 0.8]))
    sectors = int(rng.integers(3, 13))
    radius = np.hypot(x - cx, y - cy)
    angle = np.abs((np.arctan2(y - cy, x - cx) * sectors / (2 * np.pi)) % 1.0 - 0.5) * 2
    noise = fractal_noise(rng, 128, 128, float(rng.uniform(2, 7)), 4, 0.6)
    field = cv2.remap(
        noise,
        np.asarray((angle * 40 + radius * 30) % 127, np.float32),
        np.asarray((radius * 120) % 127, np.float32),
        cv2.INTER_LINEAR,
    )
    rings = 0.5 + 0.5 * np.sin(radius * float(rng.uniform(20, 90)))
    canvas.fill_ramp(np.asarray(0.75 * field + 0.25 * rings, np.float32), many_hues(palette, rng))


def julia(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """A Julia set coloured by how fast points escape."""
    height, width = min(canvas.height_px, 150), min(canvas.width_px, round(150 * canvas.aspect))
    x, y = pixel_grid(height, width)
    zoom = float(rng.uniform(0.5, 2.6))
    turn = float(rng.uniform(0, 2 * np.pi))
    z = ((x - canvas.aspect / 2) + 1j * (y - 0.5)).astype(np.complex64) * np.complex64(
        zoom * np.exp(1j * turn)
    )
    around = float(rng.uniform(0, 2 * np.pi))
    c = np.complex64(0.7885 * np.exp(1j * around))
    count = np.zeros((height, width), np.float32)
    for _ in range(28):
        inside = (z.real**2 + z.imag**2) < 16.0
        count += inside
        z = np.where(inside, z * z + c, z)
    field = np.sqrt(count / 28.0)
    field = np.asarray(cv2.resize(field, (canvas.width_px, canvas.height_px), interpolation=cv2.INTER_CUBIC))
    canvas.fill_ramp(np.asarray(field, np.float32), many_hues(palette, rng))


def shards(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Overlapping plain shapes, as in posters of the 1920s."""
    canvas.pixels[:] = palette.colour(0, float(rng.uniform(0, 1)), 0.06)
    for _ in range(int(rng.integers(8, 40))):
        x, y = float(rng.uniform(0, canvas.aspect)), float(rng.uniform(0, 1))
        size = float(rng.gamma(2.0, 0.07)) + 0.02
        tone = palette.colour(int(rng.integers(5)), float(rng.uniform(0, 1)), float(rng.uniform(0.03, 0.16)))
        kind = int(rng.integers(5))
        if kind == 0:
            canvas.tint(shapes.ellipse(x, y, size), tone, float(rng.uniform(0.5, 1)))
        elif kind == 1:
            canvas.line(shapes.ellipse(x, y, size), tone, float(rng.uniform(0.006, 0.04)), closed=True)
        elif kind == 2:
            turn = float(rng.uniform(0, np.pi))
            canvas.flat(
                shapes.rotate(shapes.rectangle(-size, -0.02, size, 0.02), turn) + np.array([x, y]), tone
            )
        else:
            corners = shapes.polygon(x, y, size, int(rng.integers(3, 7)), float(rng.uniform(0, 6)))
            canvas.tint(corners, tone, float(rng.uniform(0.5, 1)))


def weave(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Interfering waves: cloth, moire, sand ripples."""
    x, y = pixel_grid(canvas.height_px, canvas.width_px)
    field: Field = np.zeros((canvas.height_px, canvas.width_px), np.float32)
    bend = fractal_noise(rng, canvas.height_px, canvas.width_px, 2.0, 2) * float(rng.uniform(0, 14))
    for _ in range(int(rng.integers(2, 4))):
        turn, pitch = float(rng.uniform(0, np.pi)), float(rng.uniform(8, 70))
        field += np.sin((x * np.cos(turn) + y * np.sin(turn)) * pitch + bend)
    field = np.asarray(0.5 + 0.22 * field, np.float32)
    if rng.random() < 0.4:
        field = ridged(np.clip(field, 0, 1))
    canvas.fill_ramp(field, many_hues(palette, rng))


def currents(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Thousands of strokes along a flow, by smearing noise along it (line integral convolution)."""
    height, width = canvas.height_px, canvas.width_px
    turn = fractal_noise(rng, height, width, float(rng.uniform(1.2, 3)), 2) * 4 * np.pi
    step_x, step_y = np.cos(turn) * 0.007, np.sin(turn) * 0.007
    grain = np.asarray(
        cv2.resize(rng.random((90, round(90 * canvas.aspect)), dtype=np.float32), (width, height)), np.float32
    )
    total = grain
    for _ in range(9):
        grain = np.asarray(
            warp(grain, np.asarray(step_x, np.float32), np.asarray(step_y, np.float32)), np.float32
        )
        total = total + grain
    field = (total / 10 - 0.5) * 1.7 + 0.2 + 0.6 * fractal_noise(rng, height, width, 2.0, 3)
    canvas.fill_ramp(np.asarray(field, np.float32), many_hues(palette, rng))


def crystal(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Flat-lit facets."""
    height, width = canvas.height_px, canvas.width_px
    _, labels = cellular(rng, height, width, float(rng.uniform(4, 12)), 1.0)
    tilt = rng.normal(0, 1, (2, 512)).astype(np.float32)
    x, y = pixel_grid(height, width)
    field = 0.5 + 0.9 * (tilt[0][labels] * (x - canvas.aspect / 2) + tilt[1][labels] * (y - 0.5))
    layer = apply_ramp(np.asarray(field, np.float32), many_hues(palette, rng))
    canvas.pixels = layer


def thicket(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Everything at once: leaves, roots, stones and scales heaped up to the last corner."""
    field = fractal_noise(rng, canvas.height_px, canvas.width_px, 3.0, 3)
    canvas.fill_ramp(field, palette.ramp(1, 0.08, -0.1, 0.35))
    kind = int(rng.integers(3))
    materials = [
        Material(palette.ramp(which, 0.14, 0.0, float(rng.uniform(0.7, 1.0))), 0.9, 0.3, 0.5)
        for which in range(5)
    ]
    for i in range(int(rng.integers(20, 42))):
        x, y = float(rng.uniform(-0.05, canvas.aspect + 0.05)), float(rng.uniform(-0.05, 1.05))
        size, turn = float(rng.uniform(0.05, 0.16)) * (0.6 + i / 40), float(rng.uniform(0, 2 * np.pi))
        if kind == 0:
            part = shapes.limb([(-size, 0), (0, size * 0.2), (size, 0)], [0.002, size * 0.4, 0.002], 4)
        elif kind == 1:
            bend = rng.normal(0, size, (4, 2)) + np.linspace(-2 * size, 2 * size, 4)[:, None]
            part = shapes.limb(bend, [size * 0.35, size * 0.3, size * 0.2, 0.004], 4)
        else:
            part = shapes.jagged(rng, 0, 0, size, size * 0.8, 0.25, int(rng.integers(5, 9)))
        at = np.array([x, y])
        canvas.solid(shapes.rotate(part, turn) + at, materials[int(rng.integers(5))])


def contours(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Lines of equal height on paper: a map, an engraving, wood."""
    height, width = canvas.height_px, canvas.width_px
    stretch = int(rng.choice([1, 1, 4]))
    hills = fractal_noise(rng, height, max(8, width // stretch), float(rng.uniform(1.5, 4)), 4, 0.5)
    hills = np.asarray(cv2.resize(hills, (width, height)), np.float32)
    steps = hills * float(rng.uniform(8, 26))
    line = np.abs(steps - np.round(steps)) * 2.0
    ink = np.clip(1.0 - line * float(rng.uniform(2.0, 5.0)), 0, 1)
    paper = apply_ramp(np.asarray(hills, np.float32), palette.ramp(0, 0.05, 0.55, 1.0))
    canvas.pixels = paper
    dark = np.full((height, width, 3), palette.colour(2, 0.05, 0.1), np.uint8)
    canvas.mix(dark, np.asarray(ink, np.float32))


def circuitry(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Tracks, pads and chips; or the plan of a city."""
    canvas.pixels[:] = palette.colour(1, float(rng.choice([0.05, 0.2, 0.85])), 0.09)
    tones = [palette.colour(which, float(rng.uniform(0.3, 1.0)), 0.12) for which in range(5)]
    pitch = 1.0 / int(rng.integers(12, 30))
    for _ in range(int(rng.integers(40, 110))):
        x, y = np.floor(rng.uniform(0, (canvas.aspect / pitch, 1 / pitch)))
        path = [(x, y)]
        for turn in range(int(rng.integers(1, 5))):
            step = int(rng.integers(-6, 7))
            x, y = (x + step, y) if turn % 2 else (x + step / 2 * (turn > 1), y + step)
            path.append((x, y))
        points = (np.array(path) + 0.5) * pitch
        tone = tones[int(rng.integers(5))]
        canvas.line(points, tone, pitch * float(rng.choice([0.12, 0.2, 0.35])))
        canvas.flat(shapes.ellipse(float(points[0, 0]), float(points[0, 1]), pitch * 0.3, n=12), tone)
    for _ in range(int(rng.integers(0, 9))):
        x, y = rng.uniform(0, (canvas.aspect, 1))
        chip = shapes.rectangle(
            x, y, x + pitch * float(rng.integers(2, 6)), y + pitch * float(rng.integers(2, 6))
        )
        canvas.solid(chip, Material(palette.ramp(3, 0.06, 0.0, 0.7), 0.2, 0.3, 0.4))


Pattern = Callable[[Canvas, Palette, Rng], None]
PATTERNS: tuple[Pattern, ...] = (
    marble,
    mosaic,
    mandala,
    julia,
    shards,
    weave,
    currents,
    crystal,
    thicket,
    contours,
    circuitry,
)


def paint_pattern(canvas: Canvas, palette: Palette, rng: Rng) -> None:
    """Paints one of the patterns over the whole canvas."""
    PATTERNS[int(rng.integers(len(PATTERNS)))](canvas, palette, rng)
