"""Colours chosen in OKLCH (Björn Ottosson, 2020), where equal steps look equal, and given as sRGB.

A picture's palette fixes its mood: which hues meet, how light and how strong they are. Everything painted
takes a ramp from it: 256 colours from shadow to highlight, with the hue drifting on the way as painters do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.synthesis.art.noise import Rng

Colour = tuple[int, int, int]
Ramp = NDArray[np.uint8]
"""256 colours from dark to light, shape (256, 3), RGB."""

_LMS_FROM_LAB = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_RGB_FROM_LMS = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


def oklch(
    lightness: NDArray[np.float64], chroma: NDArray[np.float64], hue: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Converts OKLCH (lightness in [0, 1], chroma up to 0.3, hue in turns) to sRGB; clips to the gamut."""
    angle = 2.0 * np.pi * hue
    lab = np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=-1)
    linear = np.clip((lab @ np.transpose(_LMS_FROM_LAB)) ** 3 @ np.transpose(_RGB_FROM_LMS), 0.0, 1.0)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255.0 * srgb), dtype=np.uint8)


def colour(lightness: float, chroma: float, hue: float) -> Colour:
    """One colour; see :func:`oklch`. Plain arithmetic, for it is asked for dozens of times a picture."""
    angle = 2.0 * math.pi * hue
    a, b = chroma * math.cos(angle), chroma * math.sin(angle)
    lms = [(lightness + p * a + q * b) ** 3 for _, p, q in _LMS_FROM_LAB]
    red, green, blue = (_encode(x * lms[0] + y * lms[1] + z * lms[2]) for x, y, z in _RGB_FROM_LMS)
    return red, green, blue


def _encode(linear: float) -> int:
    """One linear sRGB channel as a byte."""
    value = min(1.0, max(0.0, linear))
    return round(255.0 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055))


def ramp(hue: float, chroma: float, dark: float, light: float, drift: float = 0.08) -> Ramp:
    """256 colours of one hue from lightness ``dark`` to ``light``.

    The hue moves by ``drift`` turns from shadow to highlight, and the chroma is strongest in the middle.
    """
    t = np.linspace(0.0, 1.0, 256)
    lightness = dark + (light - dark) * t
    strength = chroma * (0.55 + 0.45 * np.sin(np.pi * np.clip(t * 0.9 + 0.08, 0, 1)))
    return oklch(lightness, strength, hue + drift * (t - 0.45))


def pick(colours: Ramp, place: int) -> Colour:
    """One colour of a ramp; ``place`` from 0 (dark) to 255 (light)."""
    red, green, blue = colours[place]
    return int(red), int(green), int(blue)


def gradient(stops: list[tuple[float, float, float, float]]) -> Ramp:
    """256 colours through ``stops`` of (place in [0, 1], lightness, chroma, hue)."""
    table = np.array(stops)
    t = np.linspace(0.0, 1.0, 256)
    angle = 2.0 * np.pi * table[:, 3]
    a = np.interp(t, table[:, 0], table[:, 2] * np.cos(angle))
    b = np.interp(t, table[:, 0], table[:, 2] * np.sin(angle))
    lightness = np.interp(t, table[:, 0], table[:, 1])
    return oklch(lightness, np.hypot(a, b), np.arctan2(b, a) / (2.0 * np.pi))


@dataclass(frozen=True, slots=True)
class Palette:
    """The mood of one picture.

    Attributes:
        hues: Five hues in turns: background, ground, subject, second colour of the subject, accent.
        chroma: How strong colours are, 0 (grey) to about 1.4.
        dark: Lightness of the deepest shadow.
        light: Lightness of the brightest light.
        drift: Turns of hue between shadow and light.
    """

    hues: tuple[float, float, float, float, float]
    chroma: float
    dark: float
    light: float
    drift: float

    def level(self, t: float) -> float:
        """Lightness at ``t`` of the way from shadow to light."""
        return self.dark + (self.light - self.dark) * t

    def ramp(
        self, which: int, chroma: float = 0.12, low: float = 0.0, high: float = 1.0, turn: float = 0.0
    ) -> Ramp:
        """A ramp of hue ``which`` between two lightness levels of this palette."""
        return ramp(
            self.hues[which] + turn, chroma * self.chroma, self.level(low), self.level(high), self.drift
        )

    def colour(self, which: int, level: float, chroma: float = 0.12, turn: float = 0.0) -> Colour:
        """One colour of hue ``which`` at a lightness level of this palette."""
        return colour(self.level(level), chroma * self.chroma, self.hues[which] + turn)


_SCHEMES = (
    (0.0, 0.05, 0.5, 0.55, 0.08),  # complementary: subject against background
    (0.0, 0.08, 0.15, 0.22, 0.5),  # analogous with one opposed accent
    (0.0, 0.33, 0.66, 0.6, 0.33),  # triad
    (0.0, 0.42, 0.58, 0.5, 0.0),  # split complementary
    (0.0, 0.02, 0.04, 0.0, 0.05),  # one hue
    (0.0, 0.25, 0.5, 0.75, 0.3),  # square
)

_KEYS = (  # weight, dark, light, chroma
    (5.0, 0.13, 0.94, 1.0),
    (3.0, 0.08, 0.80, 1.1),
    (1.6, 0.08, 0.60, 0.9),  # night, low contrast
    (2.0, 0.34, 0.98, 0.8),  # pale, airy
    (1.5, 0.10, 0.90, 0.25),  # nearly grey
    (1.5, 0.16, 0.92, 1.5),  # vivid
    (0.7, 0.30, 0.66, 0.6),  # foggy
)


def invent_palette(rng: Rng, base_hue: float | None = None) -> Palette:
    """Draws a palette; ``base_hue`` (turns) leads the subject, as an element of the game does."""
    scheme = np.array(_SCHEMES[int(rng.integers(len(_SCHEMES)))])
    weights = np.array([key[0] for key in _KEYS])
    _, dark, light, chroma = _KEYS[int(rng.choice(len(_KEYS), p=weights / weights.sum()))]
    start = float(rng.random())
    if base_hue is not None and rng.random() < 0.6:
        start = base_hue - float(scheme[2] if rng.random() < 0.6 else scheme[0])
    hues = start + scheme + rng.normal(0, 0.02, 5)
    return Palette(
        hues=(float(hues[0]), float(hues[1]), float(hues[2]), float(hues[3]), float(hues[4])),
        chroma=chroma * float(rng.uniform(0.75, 1.2)),
        dark=float(np.clip(dark + rng.normal(0, 0.03), 0.03, 0.4)),
        light=float(np.clip(light + rng.normal(0, 0.03), 0.4, 0.99)),
        drift=float(rng.uniform(-0.16, 0.16)),
    )
