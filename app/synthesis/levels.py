"""How hard a simulated photo is: the ranges behind the words easy, medium and hard.

A strength of 0 is easy, 0.5 medium, 1 hard; in between the ranges are mixed linearly and up to
``MAX_STRENGTH`` they are extended along the same line, so that training sees more than it will be tested on.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass

#: Training draws its strengths up to here: a quarter beyond hard.
MAX_STRENGTH = 1.25

Range = tuple[float, float]
"""Lower and upper bound, drawn from uniformly."""


class Level(enum.StrEnum):
    """How hard a photo is to read."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class PhotoRanges:
    """What a camera, a sleeve and a lamp do to a card, as ranges to draw from.

    Attributes:
        card_height_px: Height of a card in the picture.
        corner_error: Gaussian sigma of a rectified corner, as a share of the card's side.
        blur_sigma_px: Lens blur (Gaussian sigma) where a card is 300 px high.
        motion_blur_chance: How often the camera moved by 2-6 px, where a card is 300 px high.
        noise_sigma: Sensor noise, of 255.
        jpeg_quality: Quality of the compressed picture.
        white_balance_sigma: Gaussian sigma of each channel's gain.
        gamma_log_sigma: Gaussian sigma of the logarithm of gamma.
        haze: Share of light that a milky sleeve adds.
        gradient: Greatest loss of light from one side of a card to the other.
        hard_shadow_chance: How often something throws a shadow with an edge.
        glare_chance: How often 1-3 streaks of light lie on the plastic.
        glare_peak: Brightness of a streak, as a share of white.
        cover_chance: How often a finger, a clip or another card covers a corner or an edge.
        tilt_deg: Tilt of the camera out of the normal, for scenes.
        turned_chance: How often a card of a scene lies upside down or sideways.
        clutter: How crowded the background of a scene is, from 0 (plain) to 1.
    """

    card_height_px: Range
    corner_error: float
    blur_sigma_px: Range
    motion_blur_chance: float
    noise_sigma: Range
    jpeg_quality: Range
    white_balance_sigma: float
    gamma_log_sigma: float
    haze: Range
    gradient: Range
    hard_shadow_chance: float
    glare_chance: float
    glare_peak: Range
    cover_chance: float
    tilt_deg: Range
    turned_chance: float
    clutter: float


def photo_ranges(strength: float | Level) -> PhotoRanges:
    """Ranges for a level, or for any strength between easy (0) and beyond hard (``MAX_STRENGTH``).

    Raises:
        ValueError: the strength is outside [0, ``MAX_STRENGTH``].
    """
    easy, medium, hard = _ranges_of_levels()
    if isinstance(strength, Level):
        return {Level.EASY: easy, Level.MEDIUM: medium, Level.HARD: hard}[strength]
    if not 0.0 <= strength <= MAX_STRENGTH:
        raise ValueError(f"strength must lie in [0, {MAX_STRENGTH}], got {strength}")
    if strength <= 0.5:
        return _mix(easy, medium, strength / 0.5)
    return _mix(medium, hard, (strength - 0.5) / 0.5)


def _ranges_of_levels() -> tuple[PhotoRanges, PhotoRanges, PhotoRanges]:
    easy = PhotoRanges(
        card_height_px=(330, 1200),
        corner_error=0.008,
        blur_sigma_px=(0.0, 0.8),
        motion_blur_chance=0.0,
        noise_sigma=(1, 5),
        jpeg_quality=(75, 95),
        white_balance_sigma=0.06,
        gamma_log_sigma=0.12,
        haze=(0.0, 0.10),
        gradient=(0.0, 0.15),
        hard_shadow_chance=0.0,
        glare_chance=0.25,
        glare_peak=(0.2, 0.5),
        cover_chance=0.0,
        tilt_deg=(0, 8),
        turned_chance=0.05,
        clutter=0.0,
    )
    medium = PhotoRanges(
        card_height_px=(220, 500),
        corner_error=0.02,
        blur_sigma_px=(0.4, 1.5),
        motion_blur_chance=0.25,
        noise_sigma=(3, 10),
        jpeg_quality=(50, 85),
        white_balance_sigma=0.13,
        gamma_log_sigma=0.25,
        haze=(0.0, 0.25),
        gradient=(0.0, 0.35),
        hard_shadow_chance=0.15,
        glare_chance=0.6,
        glare_peak=(0.3, 0.8),
        cover_chance=0.2,
        tilt_deg=(0, 18),
        turned_chance=0.10,
        clutter=0.5,
    )
    hard = PhotoRanges(
        card_height_px=(150, 300),
        corner_error=0.04,
        blur_sigma_px=(0.6, 2.0),
        motion_blur_chance=0.5,
        noise_sigma=(5, 16),
        jpeg_quality=(30, 70),
        white_balance_sigma=0.22,
        gamma_log_sigma=0.4,
        haze=(0.10, 0.45),
        gradient=(0.0, 0.55),
        hard_shadow_chance=0.6,
        glare_chance=0.9,
        glare_peak=(0.4, 1.0),
        cover_chance=0.5,
        tilt_deg=(0, 30),
        turned_chance=0.20,
        clutter=1.0,
    )
    return easy, medium, hard


def _mix(low: PhotoRanges, high: PhotoRanges, share: float) -> PhotoRanges:
    """Mixes two levels linearly; a share above 1 goes on beyond the second."""
    mixed: dict[str, float | Range] = {}
    for spec in dataclasses.fields(PhotoRanges):
        a, b = getattr(low, spec.name), getattr(high, spec.name)
        if isinstance(a, tuple):
            mixed[spec.name] = tuple(x + (y - x) * share for x, y in zip(a, b, strict=True))
        else:
            mixed[spec.name] = a + (b - a) * share
    return PhotoRanges(**mixed)  # type: ignore[arg-type]  # every field is a float or a Range, as mixed
