"""What easy, medium, hard and too wide mean, in numbers, and how one photo's conditions are drawn from them.

Values are drawn uniformly within these ranges unless a field says otherwise. Lengths of blur are stated for a
card that is 300 px high in the picture and grow with the card.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

Level = Literal["easy", "medium", "hard", "too_wide"]
Background = Literal["plain", "dark_pocket", "textured", "patterned", "cluttered", "border_like"]
Range = tuple[float, float]

#: Card height for which blur is stated, in pixels.
BLUR_REFERENCE_HEIGHT_PX = 300.0

#: Length of a motion blur at ``BLUR_REFERENCE_HEIGHT_PX``, in pixels, at every level that has one.
MOTION_BLUR_PX: Range = (2.0, 6.0)

#: Size of the grain of noise, in pixels: demosaicing and denoising leave it coarser than single pixels.
NOISE_GRAIN_PX: Range = (0.0, 1.5)

#: How many streaks a card with glare has.
GLARE_STREAKS: tuple[int, int] = (1, 3)


@dataclass(frozen=True, slots=True)
class LevelRanges:
    """The ranges of one level.

    Attributes:
        card_height_px: Height of a card in the picture.
        corner_error_share: Greatest deviation of a rectified corner in x and in y, as a share of the side.
        lens_blur_sigma_px: At 300 px card height.
        motion_blur_frequency: How often the picture is blurred by motion.
        noise_sigma: Of 255.
        jpeg_quality: As libjpeg counts it.
        white_balance_sigma: Standard deviation of a channel's relative gain.
        gamma_log_sigma: Standard deviation of the natural logarithm of gamma.
        haze_share: Share of white that a sleeve mixes into the card.
        light_gradient_max: Greatest loss of light between two places of a card, shadows included; the
            least is 0.
        hard_shadows: Whether a shadow with a hard edge takes part of that light.
        glare_frequency: How often a card has glare streaks.
        glare_peak: Share of white in the middle of a streak.
        covered_frequency: How often a corner or edge is covered.
        tilt_max_deg: Greatest angle between the camera's axis and the normal of the card.
        backgrounds: What may lie behind cards.
        turned_frequency: How often a card of an ordered scene lies upside down or sideways.
        overreach_share: How far a crop reaches beyond each edge, as a share of the side.
    """

    card_height_px: Range
    corner_error_share: float
    lens_blur_sigma_px: Range
    motion_blur_frequency: float
    noise_sigma: Range
    jpeg_quality: tuple[int, int]
    white_balance_sigma: float
    gamma_log_sigma: float
    haze_share: Range
    light_gradient_max: float
    hard_shadows: bool
    glare_frequency: float
    glare_peak: Range
    covered_frequency: float
    tilt_max_deg: float
    backgrounds: tuple[Background, ...]
    turned_frequency: float
    overreach_share: Range = (0.0, 0.0)


_EASY = LevelRanges(
    card_height_px=(330.0, 1200.0),
    corner_error_share=0.008,
    lens_blur_sigma_px=(0.0, 0.8),
    motion_blur_frequency=0.0,
    noise_sigma=(1.0, 5.0),
    jpeg_quality=(75, 95),
    white_balance_sigma=0.06,
    gamma_log_sigma=0.12,
    haze_share=(0.0, 0.10),
    light_gradient_max=0.15,
    hard_shadows=False,
    glare_frequency=1 / 4,
    glare_peak=(0.20, 0.50),
    covered_frequency=0.0,
    tilt_max_deg=8.0,
    backgrounds=("plain", "dark_pocket"),
    turned_frequency=0.05,
)
_MEDIUM = LevelRanges(
    card_height_px=(220.0, 500.0),
    corner_error_share=0.02,
    lens_blur_sigma_px=(0.4, 1.5),
    motion_blur_frequency=1 / 4,
    noise_sigma=(3.0, 10.0),
    jpeg_quality=(50, 85),
    white_balance_sigma=0.13,
    gamma_log_sigma=0.25,
    haze_share=(0.0, 0.25),
    light_gradient_max=0.35,
    hard_shadows=False,
    glare_frequency=3 / 5,
    glare_peak=(0.30, 0.80),
    covered_frequency=1 / 5,
    tilt_max_deg=18.0,
    backgrounds=("textured", "patterned"),
    turned_frequency=0.10,
)
_HARD = LevelRanges(
    card_height_px=(150.0, 300.0),
    corner_error_share=0.04,
    lens_blur_sigma_px=(0.6, 2.0),
    motion_blur_frequency=1 / 2,
    noise_sigma=(5.0, 16.0),
    jpeg_quality=(30, 70),
    white_balance_sigma=0.22,
    gamma_log_sigma=0.4,
    haze_share=(0.10, 0.45),
    light_gradient_max=0.55,
    hard_shadows=True,
    glare_frequency=9 / 10,
    glare_peak=(0.40, 1.00),
    covered_frequency=1 / 2,
    tilt_max_deg=30.0,
    backgrounds=("cluttered", "border_like"),
    turned_frequency=0.20,
)

#: Every level by its name; too wide is medium with a crop that took a sleeve's edge for the card's.
LEVELS: Mapping[Level, LevelRanges] = MappingProxyType(
    {
        "easy": _EASY,
        "medium": _MEDIUM,
        "hard": _HARD,
        "too_wide": dataclasses.replace(_MEDIUM, overreach_share=(0.03, 0.10)),
    }
)


@dataclass(frozen=True, slots=True)
class Camera:
    """What one photo goes through between the lens and the file.

    Attributes:
        lens_blur_sigma_px: At 300 px card height.
        motion_blur_px: Length at 300 px card height; 0 for none.
        motion_angle_rad: Direction of the motion.
        channel_gains: Relative gain of red, green and blue.
        gamma: Exponent on values scaled to [0, 1].
        noise_sigma: Of 255.
        noise_grain_px: Standard deviation of the blur that the noise has gone through.
        jpeg_quality: As libjpeg counts it.
    """

    lens_blur_sigma_px: float
    motion_blur_px: float
    motion_angle_rad: float
    channel_gains: tuple[float, float, float]
    gamma: float
    noise_sigma: float
    noise_grain_px: float
    jpeg_quality: int


def level_ranges(level: Level) -> LevelRanges:
    """Returns the ranges of a level.

    Raises:
        ValueError: there is no such level.
    """
    try:
        return LEVELS[level]
    except KeyError:
        raise ValueError(f"no level {level!r}; there are {', '.join(LEVELS)}") from None


def draw_uniform(bounds: Range, rng: np.random.Generator) -> float:
    """Draws a plain float within ``bounds``."""
    return float(rng.uniform(*bounds))


def draw_camera(ranges: LevelRanges, rng: np.random.Generator) -> Camera:
    """Draws what the camera and the file do to one photo of this level."""
    moves = rng.random() < ranges.motion_blur_frequency
    gains = np.exp(rng.normal(0.0, ranges.white_balance_sigma, 3))
    return Camera(
        lens_blur_sigma_px=draw_uniform(ranges.lens_blur_sigma_px, rng),
        motion_blur_px=draw_uniform(MOTION_BLUR_PX, rng) if moves else 0.0,
        motion_angle_rad=float(rng.uniform(0.0, math.pi)),
        channel_gains=(float(gains[0]), float(gains[1]), float(gains[2])),
        gamma=float(np.exp(rng.normal(0.0, ranges.gamma_log_sigma))),
        noise_sigma=draw_uniform(ranges.noise_sigma, rng),
        noise_grain_px=draw_uniform(NOISE_GRAIN_PX, rng),
        jpeg_quality=int(rng.integers(ranges.jpeg_quality[0], ranges.jpeg_quality[1] + 1)),
    )
