"""Light on a scene and what a camera makes of it.

Pictures are float32 (height, width, 3) with values of 0 to 255. The levels say how much light is lost across
a card, how often there is glare and how bright it is. The sizes here they leave open.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulator.geometry import FloatImage, Points, RgbImage
from benchmarks.simulator.levels import (
    BLUR_REFERENCE_HEIGHT_PX,
    GLARE_STREAKS,
    Camera,
    LevelRanges,
    Range,
    draw_uniform,
)
from benchmarks.simulator.placing import clip_box, polygon_mask

#: Half-shadow of a hard shadow's edge, in card heights.
PENUMBRA: Range = (0.002, 0.015)

#: A streak of glare: standard deviation across and half length along, in card heights. At half of its peak it
#: is 2 to 12 mm wide, as the image of a lamp in a crease of a sleeve is, and at least four times as long.
STREAK_SIGMA: Range = (0.01, 0.06)
STREAK_HALF_LENGTH: Range = (0.35, 1.0)

#: How far streaks of one picture deviate from their main direction.
STREAK_ANGLE_SIGMA_RAD = 0.4

#: How much a streak bends, in card heights off its axis per squared card height along it.
STREAK_BEND: Range = (-0.6, 0.6)


@dataclass(frozen=True, slots=True)
class Streak:
    """One streak of glare in a picture: place and size in pixels, ``peak`` as share of white."""

    centre_px: tuple[float, float]
    angle_rad: float
    sigma_px: float
    half_length_px: float
    bend_per_px: float
    peak: float


def draw_light(ranges: LevelRanges, quad_px: Points, height_px: float, rng: np.random.Generator) -> Light:
    """Draws how light falls on the part of a picture within ``quad_px`` (4, 2).

    The level's greatest loss bounds gradient and shadow together: a shadow takes at most what the gradient
    has left of it.
    """
    angle = float(rng.uniform(0.0, 2 * math.pi))
    along = quad_px @ np.array([math.cos(angle), math.sin(angle)])
    corner_weights = rng.dirichlet(np.ones(4))
    gradient_loss = float(rng.uniform(0.0, ranges.light_gradient_max))
    shadow_loss_max = 1.0 - (1.0 - ranges.light_gradient_max) / (1.0 - gradient_loss)
    return Light(
        gradient_loss=gradient_loss,
        angle_rad=angle,
        start_px=float(along.min()),
        length_px=float(np.ptp(along)),
        shadow_loss=float(rng.uniform(0.0, shadow_loss_max)) if ranges.hard_shadows else 0.0,
        shadow_quad_px=_shadow_outline(quad_px, corner_weights @ quad_px, rng),
        penumbra_px=draw_uniform(PENUMBRA, rng) * height_px,
    )


@dataclass(frozen=True, slots=True)
class Light:
    """How light falls: a ramp along a direction and a shadow with a hard edge.

    Attributes:
        gradient_loss: Share of light that the ramp has lost at its far end.
        angle_rad: Direction of the ramp.
        start_px: Where along the direction it starts.
        length_px: How long it is.
        shadow_loss: Share of light that the shadow takes.
        shadow_quad_px: Outline (4, 2) of the shadow.
        penumbra_px: Standard deviation of its edge.
    """

    gradient_loss: float
    angle_rad: float
    start_px: float
    length_px: float
    shadow_loss: float
    shadow_quad_px: Points
    penumbra_px: float


def light_field(light: Light, height_px: int, width_px: int) -> NDArray[np.float32]:
    """Returns the share of light that arrives, float32 (height, width, 1), in (0, 1]."""
    x = np.arange(width_px, dtype=np.float32)[None, :] * np.float32(math.cos(light.angle_rad))
    y = np.arange(height_px, dtype=np.float32)[:, None] * np.float32(math.sin(light.angle_rad))
    ramp = np.clip((x + y - np.float32(light.start_px)) / np.float32(light.length_px), 0.0, 1.0)
    field = 1.0 - np.float32(light.gradient_loss) * ramp
    if light.shadow_loss > 0.0:
        shadow = np.zeros((height_px, width_px), dtype=np.float32)
        cv2.fillPoly(shadow, [np.round(light.shadow_quad_px).astype(np.int32)], 1.0)
        soft = cv2.GaussianBlur(shadow, (0, 0), max(0.3, light.penumbra_px)).astype(np.float32)
        field *= 1.0 - np.float32(light.shadow_loss) * soft
    return np.asarray(field[:, :, None], dtype=np.float32)


def draw_streaks(
    ranges: LevelRanges, quad_px: Points, height_px: float, angle_rad: float, rng: np.random.Generator
) -> list[Streak]:
    """Draws the glare on one card: usually none at easy, 1 to 3 streaks nearly always at hard.

    Args:
        ranges: The level.
        quad_px: The card's corners (4, 2): streaks run through it.
        height_px: The card's height, which sizes grow with.
        angle_rad: Main direction of streaks, given by where the lamps and windows are.
        rng: Source of all choices.
    """
    if rng.random() >= ranges.glare_frequency:
        return []
    count = int(rng.integers(GLARE_STREAKS[0], GLARE_STREAKS[1] + 1))
    return [_draw_streak(ranges.glare_peak, quad_px, height_px, angle_rad, rng) for _ in range(count)]


def add_streaks(picture: FloatImage, streaks: list[Streak], film_px: Points) -> None:
    """Mixes white into the picture along every streak, in place.

    Args:
        picture: float32 (height, width, 3).
        streaks: What to add.
        film_px: Corners (4, 2) of the card, sleeve or pocket that shines: nothing beyond it does.
    """
    box = clip_box(film_px, picture.shape, margin_px=1)
    if box is None:
        return
    left, top, right, bottom = box
    part = picture[top:bottom, left:right]
    film = polygon_mask(film_px - np.array([left, top]), part.shape[:2])
    for streak in streaks:
        x = np.arange(part.shape[1], dtype=np.float32)[None, :] + np.float32(left - streak.centre_px[0])
        y = np.arange(part.shape[0], dtype=np.float32)[:, None] + np.float32(top - streak.centre_px[1])
        cosine, sine = np.float32(math.cos(streak.angle_rad)), np.float32(math.sin(streak.angle_rad))
        along = x * cosine + y * sine
        across = y * cosine - x * sine + np.float32(streak.bend_per_px) * along * along
        # A flat top along the streak and a soft end, a bell across it.
        profile = np.exp(-0.5 * (across / streak.sigma_px) ** 2 - (along / streak.half_length_px) ** 4)
        share = (np.float32(streak.peak) * profile * film)[:, :, None]
        part += (255.0 - part) * share


def photograph(
    scene: FloatImage, camera: Camera, card_height_px: float, rng: np.random.Generator
) -> RgbImage:
    """Takes the picture: blur, white balance, gamma, noise, JPEG.

    Args:
        scene: float32 (height, width, 3), 0 to 255; used as working memory.
        camera: What it goes through.
        card_height_px: Height of a card in the picture, which blur grows with.
        rng: Source of the noise.

    Returns:
        RGB uint8 (height, width, 3).
    """
    zoom = card_height_px / BLUR_REFERENCE_HEIGHT_PX
    if camera.lens_blur_sigma_px * zoom > 0.1:
        scene = cv2.GaussianBlur(scene, (0, 0), camera.lens_blur_sigma_px * zoom).astype(np.float32)
    if camera.motion_blur_px > 0.0:
        kernel = motion_kernel(camera.motion_blur_px * zoom, camera.motion_angle_rad)
        scene = cv2.filter2D(scene, -1, kernel, borderType=cv2.BORDER_REFLECT).astype(np.float32)
    scene *= np.array(camera.channel_gains, dtype=np.float32) / np.float32(255.0)
    np.clip(scene, 0.0, 1.0, out=scene)
    scene = np.asarray(cv2.pow(scene, camera.gamma), dtype=np.float32)
    scene *= 255.0
    scene += sensor_noise(scene.shape, camera.noise_sigma, camera.noise_grain_px, rng)
    return jpeg(np.clip(np.round(scene), 0, 255).astype(np.uint8), camera.jpeg_quality)


def sensor_noise(
    shape: tuple[int, ...], sigma: float, grain_px: float, rng: np.random.Generator
) -> FloatImage:
    """Returns normal noise (height, width, 3) of standard deviation ``sigma``, blurred by ``grain_px``."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    if grain_px > 0.2:
        radius = math.ceil(3 * grain_px)
        kernel = np.asarray(cv2.getGaussianKernel(2 * radius + 1, grain_px), dtype=np.float32)
        noise = np.asarray(cv2.sepFilter2D(noise, -1, kernel, kernel), dtype=np.float32)
        # Blurring by a separable kernel divides the deviation of white noise by its sum of squares.
        sigma /= float((kernel**2).sum())
    noise *= np.float32(sigma)
    return noise


def motion_kernel(length_px: float, angle_rad: float) -> NDArray[np.float32]:
    """Returns a square kernel of sum 1: a line of ``length_px``, drawn with fractions of pixels."""
    radius = math.ceil(length_px / 2) + 1
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), dtype=np.float32)
    steps = max(9, 8 * math.ceil(length_px))
    for offset in np.linspace(-length_px / 2, length_px / 2, steps):
        x, y = radius + offset * math.cos(angle_rad), radius + offset * math.sin(angle_rad)
        column, row = math.floor(x), math.floor(y)
        fx, fy = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.array(
            [[(1 - fy) * (1 - fx), (1 - fy) * fx], [fy * (1 - fx), fy * fx]], dtype=np.float32
        )
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def jpeg(picture: RgbImage, quality: int) -> RgbImage:
    """Writes a picture as JPEG and reads it again."""
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be written as JPEG")
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None  # it was written a line ago
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _draw_streak(
    peak: Range, quad_px: Points, height_px: float, angle_rad: float, rng: np.random.Generator
) -> Streak:
    centre = rng.dirichlet(np.ones(4)) @ quad_px
    return Streak(
        centre_px=(float(centre[0]), float(centre[1])),
        angle_rad=angle_rad + float(rng.normal(0.0, STREAK_ANGLE_SIGMA_RAD)),
        sigma_px=draw_uniform(STREAK_SIGMA, rng) * height_px,
        half_length_px=draw_uniform(STREAK_HALF_LENGTH, rng) * height_px,
        bend_per_px=draw_uniform(STREAK_BEND, rng) / height_px,
        peak=draw_uniform(peak, rng),
    )


def _shadow_outline(quad_px: Points, through_px: Points, rng: np.random.Generator) -> Points:
    """Returns a large quad (4, 2) with one edge through a point: the shadow of a hand, a head, a phone."""
    reach = 3.0 * float(np.ptp(quad_px, axis=0).max())
    angle = float(rng.uniform(0.0, 2 * math.pi))
    edge = np.array([math.cos(angle), math.sin(angle)])
    inward = np.array([-edge[1], edge[0]])
    width = reach * float(rng.uniform(0.05, 1.0))
    skew = float(rng.uniform(-0.4, 0.4)) * reach
    far = through_px + inward * width
    return np.array(
        [
            through_px - edge * reach,
            through_px + edge * reach,
            far + edge * (reach + skew),
            far - edge * (reach - skew),
        ]
    )
