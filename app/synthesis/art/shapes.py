"""Outlines as point lists: float arrays (n, 2) of x, y in units of the picture's height."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.synthesis.art.noise import Rng

Points = NDArray[np.float64]


def as_points(points: ArrayLike) -> Points:
    """Any list of pairs as a float array (n, 2)."""
    return np.asarray(points, dtype=np.float64).reshape(-1, 2)


@functools.cache
def _catmull_rom(steps: int) -> Points:
    """Weights of four knots at ``steps`` places between the middle two, shape (steps, 4)."""
    t = np.arange(steps) / steps
    powers = np.stack([np.ones(steps), t, t**2, t**3], axis=1)
    basis = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) * 0.5
    return np.asarray(powers @ basis)


def smooth(points: ArrayLike, closed: bool = True, steps: int = 6) -> Points:
    """A Catmull-Rom spline through the points, ``steps`` samples for each stretch."""
    p = as_points(points)
    padded = np.concatenate([p[-1:], p, p[:2]] if closed else [p[:1], p, p[-1:]])
    count = len(padded) - 3
    knots = np.stack([padded[k : k + count] for k in range(4)], axis=1)
    flat = np.matmul(_catmull_rom(steps), knots).reshape(-1, 2)
    return flat if closed else np.concatenate([flat, p[-1:]])


def ellipse(x: float, y: float, rx: float, ry: float | None = None, turn: float = 0.0, n: int = 28) -> Points:
    """An ellipse turned by ``turn`` radians."""
    local = _circle(n) * np.array([rx, rx if ry is None else ry])
    return np.asarray((rotate(local, turn) if turn else local) + np.array([x, y]))


@functools.cache
def _circle(n: int) -> Points:
    angle = np.arange(n) * (2 * np.pi / n)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def rotate(points: Points, turn: float, about: tuple[float, float] = (0.0, 0.0)) -> Points:
    """Turns points by ``turn`` radians (clockwise on the screen)."""
    c, s = np.cos(turn), np.sin(turn)
    return np.asarray((points - about) @ np.array([[c, s], [-s, c]]) + about)


def blob(rng: Rng, x: float, y: float, rx: float, ry: float, wobble: float = 0.15, knots: int = 9) -> Points:
    """A soft irregular lump."""
    angle = np.linspace(0, 2 * np.pi, knots, endpoint=False)
    radius = 1.0 + wobble * rng.uniform(-1, 1, knots)
    knots_xy = np.stack([x + rx * radius * np.cos(angle), y + ry * radius * np.sin(angle)], axis=1)
    return smooth(knots_xy, steps=5)


def jagged(
    rng: Rng, x: float, y: float, rx: float, ry: float, wobble: float = 0.3, corners: int = 9
) -> Points:
    """An irregular lump with corners: rock, crystal, splinter."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(0, 1)
    radius = 1.0 + wobble * rng.uniform(-1, 1, corners)
    return np.stack([x + rx * radius * np.cos(angle), y + ry * radius * np.sin(angle)], axis=1)


def limb(path: ArrayLike, widths: ArrayLike, steps: int = 5, round_end: bool = True) -> Points:
    """A tube along a spline through ``path``; ``widths`` are half-widths at the path's points."""
    spine = smooth(path, closed=False, steps=steps)
    given = np.asarray(widths, dtype=np.float64)
    at = np.arange(len(spine)) * ((len(given) - 1) / (len(spine) - 1))
    half = np.interp(at, np.arange(len(given)), given)[:, None]
    along = np.empty_like(spine)
    along[1:-1] = spine[2:] - spine[:-2]
    along[0], along[-1] = spine[1] - spine[0], spine[-1] - spine[-2]
    along /= np.hypot(along[:, :1], along[:, 1:]) + 1e-9
    across = along[:, ::-1] * np.array([-1.0, 1.0]) * half
    left, right = spine + across, spine - across
    if not round_end:
        return np.concatenate([left, right[::-1]])
    start, end = spine[:1] - half[:1] * along[:1] * 0.8, spine[-1:] + half[-1:] * along[-1:] * 0.8
    return np.concatenate([start, left, end, right[::-1]])


def star(x: float, y: float, outer: float, inner: float, tips: int, turn: float = 0.0) -> Points:
    """A star with ``tips`` points; ``inner`` equal to ``outer`` times cos(pi / tips) gives a polygon."""
    angle = turn - np.pi / 2 + np.arange(2 * tips) * np.pi / tips
    radius = np.where(np.arange(2 * tips) % 2 == 0, outer, inner)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def polygon(x: float, y: float, radius: float, corners: int, turn: float = 0.0) -> Points:
    """A regular polygon with a corner at the top."""
    angle = turn - np.pi / 2 + np.arange(corners) * 2 * np.pi / corners
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def rectangle(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> Points:
    """A rectangle, with rounded corners when ``radius`` is above zero."""
    if radius <= 0:
        return as_points([(left, top), (right, top), (right, bottom), (left, bottom)])
    r = min(radius, (right - left) / 2, (bottom - top) / 2)
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    half = np.array([(right - left) / 2 - r, (bottom - top) / 2 - r])
    arcs, signs = _quarters()
    return np.asarray(middle + arcs * r + signs * half)


@functools.cache
def _quarters() -> tuple[Points, Points]:
    """A unit circle in four quarters, ends given twice, and which corner each point belongs to."""
    angle = (np.arange(4)[:, None] * (np.pi / 2) + np.linspace(0, np.pi / 2, 6)).ravel()
    signs = np.repeat(np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]), 6, axis=0)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1), signs
