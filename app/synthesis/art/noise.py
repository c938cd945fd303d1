"""Random fields that look the same at every resolution.

Each field is drawn as a small grid of random numbers and enlarged, so the size asked for changes the
sharpness of a picture but not what it shows; nor does it change how many numbers are drawn. Pictures are at
most twice as wide as high. Fields are float32, shape (height, width), roughly in [0, 1].
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""One number a pixel: float32, shape (height, width)."""

Rng = np.random.Generator

_Pixel = TypeVar("_Pixel", np.uint8, np.float32)


def value_noise(rng: Rng, height_px: int, width_px: int, cells: float) -> Field:
    """One octave of smooth noise in [0, 1]; ``cells`` bumps fit into the height."""
    rows = max(2, round(cells) + 1)
    columns = min(2 * rows, max(2, round(cells * width_px / height_px) + 1))
    grid = np.ascontiguousarray(rng.random((rows, 2 * rows), dtype=np.float32)[:, :columns])
    return np.asarray(
        cv2.resize(grid, (width_px, height_px), interpolation=cv2.INTER_CUBIC), dtype=np.float32
    )


def fractal_noise(
    rng: Rng, height_px: int, width_px: int, cells: float = 3.0, octaves: int = 4, gain: float = 0.5
) -> Field:
    """Sum of octaves, each twice as fine and ``gain`` as strong (fractional Brownian motion), in [0, 1]."""
    total = np.zeros((height_px, width_px), np.float32)
    amplitude, norm = 1.0, 0.0
    for octave in range(octaves):
        layer = value_noise(rng, height_px, width_px, cells * 2**octave)
        cv2.scaleAdd(layer, amplitude, total, dst=total)
        norm += amplitude
        amplitude *= gain
    total -= 0.5 * norm
    total *= 1.6 / norm
    total += 0.5
    return np.clip(total, 0.0, 1.0, out=total)


def ridged(noise: Field) -> Field:
    """Turns the middle of a field into sharp crests: mountain ridges, lightning, veins."""
    return np.asarray(1.0 - np.abs(2.0 * noise - 1.0), dtype=np.float32)


def pixel_grid(height_px: int, width_px: int) -> tuple[Field, Field]:
    """Coordinates ``x`` in [0, width / height] and ``y`` in [0, 1], shapes (1, width) and (height, 1)."""
    x = np.asarray((np.arange(width_px) + 0.5) / height_px, np.float32)
    y = np.asarray((np.arange(height_px) + 0.5) / height_px, np.float32)
    return x[None, :], y[:, None]


def warp(image: NDArray[_Pixel], shift_x: Field, shift_y: Field) -> NDArray[_Pixel]:
    """Displaces a picture or field by two fields in units of its height; edges are mirrored."""
    height_px, width_px = shift_x.shape
    map_x = shift_x * height_px + np.arange(width_px, dtype=np.float32)[None, :]
    map_y = shift_y * height_px + np.arange(height_px, dtype=np.float32)[:, None]
    moved = cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, dtype=image.dtype)


def moved(field: Field, down_px: int, right_px: int) -> Field:
    """A field moved by whole pixels, its edge values repeated where it leaves a gap."""
    rows = np.clip(np.arange(field.shape[0]) - down_px, 0, field.shape[0] - 1)
    columns = np.clip(np.arange(field.shape[1]) - right_px, 0, field.shape[1] - 1)
    return field[rows[:, None], columns[None, :]]


def cellular(
    rng: Rng, height_px: int, width_px: int, cells: float, jitter: float = 0.9
) -> tuple[Field, NDArray[np.int32]]:
    """Voronoi cells: distance to the nearest seed in cell sizes, and the number of that seed.

    Seeds stand on a jittered grid with ``cells`` rows; their numbers lie below ``2 * cells ** 2``.
    """
    rows = max(2, round(cells))
    places = rng.random((2, rows, 2 * rows)) - 0.5
    pitch = height_px / rows
    y = (np.arange(rows)[:, None] + 0.5 + jitter * places[0]) * pitch
    x = (np.arange(2 * rows)[None, :] + 0.5 + jitter * places[1]) * pitch
    seen = x < width_px
    y, x = y[seen].astype(int), x[seen].astype(int)
    plane = np.ones((height_px, width_px), np.uint8)
    plane[y, x] = 0
    distance, labels = cv2.distanceTransformWithLabels(
        plane, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    number_of = np.zeros(int(labels.max()) + 1, np.int32)  # OpenCV counts in the order of pixels
    number_of[labels[y, x]] = np.flatnonzero(seen)
    return np.asarray(distance, dtype=np.float32) * np.float32(1 / pitch), number_of[labels]


def cell_edges(labels: NDArray[np.int32], width_px: int = 1) -> NDArray[np.uint8]:
    """Where one Voronoi cell meets the next: 255, else 0; ``width_px`` is how thick the seam is."""
    edges = np.zeros(labels.shape, np.uint8)
    edges[:, 1:] |= (labels[:, 1:] != labels[:, :-1]).astype(np.uint8) * 255
    edges[1:, :] |= (labels[1:, :] != labels[:-1, :]).astype(np.uint8) * 255
    if width_px > 1:
        edges = np.asarray(cv2.dilate(edges, np.ones((width_px, width_px), np.uint8)), dtype=np.uint8)
    return edges
