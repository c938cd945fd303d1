"""Things that lie about on a table, and hands that hold a card."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage
from app.synthesis.backdrops import fractal_noise
from app.synthesis.canvas import Canvas, Mask, Placement
from app.synthesis.degrade import happens, uniform
from app.synthesis.packages import Sprite, draw_package
from app.synthesis.surroundings import rounded_mask

#: Things are drawn with this many pixels a millimetre.
_PX_PER_MM = 5


def lay_prop(
    canvas: Canvas, centre_mm: tuple[float, float], rng: np.random.Generator, *, small: bool = False
) -> None:
    """Lays a coin, a die, a pen or, unless it must be small, paper, a box, a mug or a package somewhere."""
    things = (
        (_coin, _die, _pen) if small else (_coin, _die, _pen, _paper, _box, _mug, draw_package, draw_package)
    )
    sprite, opacity, lift_mm = things[int(rng.integers(len(things)))](rng)
    size_mm = (sprite.shape[1] / _PX_PER_MM, sprite.shape[0] / _PX_PER_MM)
    place = Placement(centre_mm, size_mm, float(rng.uniform(0, 360)))
    canvas.lay(sprite, opacity, place, lift_mm=lift_mm, depth=0.55)


def _coin(rng: np.random.Generator) -> Sprite:
    size = round(uniform(rng, (18, 27)) * _PX_PER_MM)
    metal = np.array([[198, 160, 92], [176, 178, 182], [178, 112, 78]][int(rng.integers(0, 3))], np.float32)
    offsets = np.arange(size) - (size - 1) / 2
    x, y = np.meshgrid(offsets, offsets)
    radius = np.hypot(x, y) / (size / 2)
    relief = cv2.GaussianBlur(
        (fractal_noise(rng, (size, size), (7, 7), 2) > 0.55).astype(np.float32), (0, 0), 1.5
    )
    relief *= radius < 0.72
    slope = cv2.Sobel((relief + 1.5 * (radius > 0.88)).astype(np.float32), cv2.CV_32F, 1, 1, ksize=3)
    shade = 0.82 + 0.22 * (x - y) / size - 0.25 * np.clip(slope, -1, 1)
    sprite = np.clip(metal * shade[..., None], 0, 255).astype(np.uint8)
    return sprite, rounded_mask(size, size, size // 2), 1.8


def _die(rng: np.random.Generator) -> Sprite:
    size = 16 * _PX_PER_MM
    colour = rng.uniform(20, 240, 3)
    sprite = np.full((size, size, 3), np.clip(colour, 0, 255), np.uint8)
    pips = (20, 20, 20) if colour.mean() > 128 else (240, 240, 240)
    places = {1: [4], 2: [0, 8], 3: [0, 4, 8], 4: [0, 2, 6, 8], 5: [0, 2, 4, 6, 8], 6: [0, 2, 3, 5, 6, 8]}
    for place in places[int(rng.integers(1, 7))]:
        centre = [round(size * (0.25 + 0.25 * (place % 3))), round(size * (0.25 + 0.25 * (place // 3)))]
        cv2.circle(sprite, centre, size // 11, pips, -1, cv2.LINE_AA)
    bevel = cv2.GaussianBlur(
        rounded_mask(size, size, size // 5), (0, 0), size / 14, borderType=cv2.BORDER_CONSTANT
    )
    shade = 0.55 + 0.5 * bevel.astype(np.float32) / 255
    return (
        np.clip(sprite * shade[..., None], 0, 255).astype(np.uint8),
        rounded_mask(size, size, size // 5),
        16.0,
    )


def _pen(rng: np.random.Generator) -> Sprite:
    width, height = 10 * _PX_PER_MM, round(uniform(rng, (120, 145)) * _PX_PER_MM)
    across = np.linspace(-1, 1, width, dtype=np.float32)
    shade = 0.35 + 0.65 * np.sqrt(np.clip(1 - across**2, 0, 1)) + 0.6 * np.exp(-((across + 0.4) ** 2) / 0.02)
    colour = np.empty((height, 1, 3))
    colour[:] = rng.uniform(10, 200, 3)
    colour[: height // 5] = (190, 190, 194)
    colour[int(height * 0.62) : int(height * 0.65)] = (205, 190, 120)
    sprite = np.clip(colour * shade[None, :, None], 0, 255).astype(np.uint8)
    opacity = rounded_mask(width, height, width // 2)
    tip = np.array(
        [[0, 0], [width, 0], [width, 3 * width], [width * 0.55, 0], [width * 0.45, 0], [0, 3 * width]]
    )
    cv2.fillPoly(opacity, [tip[[0, 4, 5]].astype(np.int32), tip[[1, 3, 2]].astype(np.int32)], 0, cv2.LINE_AA)
    return sprite, opacity, 8.0


def _paper(rng: np.random.Generator) -> Sprite:
    width, height = (round(uniform(rng, bounds) * _PX_PER_MM) for bounds in ((60, 110), (70, 140)))
    tone = np.array([[250, 248, 240], [250, 232, 130], [236, 246, 250]][int(rng.integers(0, 3))], np.float32)
    sprite = np.clip(tone - 14 * fractal_noise(rng, (height, width), (3, 3), 2)[..., None], 0, 255).astype(
        np.uint8
    )
    for y in range(8 * _PX_PER_MM, height - 4 * _PX_PER_MM, 7 * _PX_PER_MM):
        end = round(width * uniform(rng, (0.3, 0.92)))
        points = np.arange(5 * _PX_PER_MM, end, 4)
        wiggle = y - np.abs(rng.normal(0, 1.2 * _PX_PER_MM, len(points)))
        line = np.column_stack([points, wiggle]).astype(np.int32)
        cv2.polylines(sprite, [line], False, (52, 58, 92), 2, cv2.LINE_AA)
    return sprite, np.full((height, width), 255, np.uint8), 0.3


def _box(rng: np.random.Generator) -> Sprite:
    """A deck box of about a card's size, with a picture-like panel: easily taken for a card."""
    width, height = 70 * _PX_PER_MM, 96 * _PX_PER_MM
    colour = rng.uniform(10, 170, 3)
    sprite = np.full((height, width, 3), colour, np.uint8)
    light = (fractal_noise(rng, (height, width), (2, 2), 2) * 40).astype(np.uint8)
    sprite = np.asarray(cv2.add(sprite, cv2.cvtColor(light, cv2.COLOR_GRAY2RGB)), np.uint8)
    cv2.line(sprite, (0, height // 4), (width, height // 4), (colour * 0.5).tolist(), 4, cv2.LINE_AA)
    badge = rng.uniform(60, 250, 3).tolist()
    cv2.circle(sprite, (width // 2, round(height * 0.6)), width // 5, badge, max(2, width // 30), cv2.LINE_AA)
    return sprite, rounded_mask(width, height, 2 * _PX_PER_MM), 12.0


def _mug(rng: np.random.Generator) -> Sprite:
    size = 84 * _PX_PER_MM
    offsets = np.arange(size) - (size - 1) / 2
    x, y = np.meshgrid(offsets, offsets)
    radius = np.hypot(x, y) / (size / 2)
    drink = (
        np.array([62, 36, 20])
        + 40 * np.exp(-((x / size - 0.15) ** 2 + (y / size + 0.15) ** 2) / 0.01)[..., None]
    )
    rim = rng.uniform(60, 245, 3) * (0.85 + 0.25 * (x + y) / size)[..., None]
    inner = rim * 0.6
    sprite = np.where((radius < 0.8)[..., None], drink, np.where((radius < 0.87)[..., None], inner, rim))
    smooth = cv2.GaussianBlur(np.clip(sprite, 0, 255).astype(np.uint8), (0, 0), 1.5)
    return np.asarray(smooth, np.uint8), rounded_mask(size, size, size // 2), 25.0


class Hand:
    """A hand that holds a card from the right: fingers behind it, the thumb in front.

    Everything is placed relative to the card's centre, in millimetres, and turned by ``angle_deg`` around it.
    """

    def __init__(self, centre_mm: tuple[float, float], angle_deg: float, rng: np.random.Generator) -> None:
        self._centre = np.array(centre_mm)
        self._angle_deg = angle_deg
        self._rng = rng
        self._mirrored = happens(rng, 0.5)
        self._skin = draw_skin(rng)
        self._grip_mm = float(rng.uniform(-12, 22))

    def lay_behind(self, canvas: Canvas) -> None:
        """The fingers, the palm and the arm, to be laid before the card."""
        for index in range(4):
            tip = (-14.0 + 6 * abs(index - 1.4), self._grip_mm - 18 + 16.5 * index)
            self._lay(canvas, tip, (17.5, 96.0), 268.0 + 4 * (index - 1.5), lift_mm=9.0)
        self._lay(canvas, (27.0, self._grip_mm - 12), (94.0, 420.0), 302.0, lift_mm=9.0)

    def lay_in_front(self, canvas: Canvas) -> None:
        """The thumb, to be laid after the card; it covers up to 16 mm of its edge."""
        reach = float(self._rng.uniform(6, 16))
        tip = (31.5 - reach, self._grip_mm - 4)
        self._lay(canvas, tip, (21.0, 78.0), float(self._rng.uniform(286, 306)), lift_mm=1.6, nail=True)

    def _lay(
        self,
        canvas: Canvas,
        tip_mm: tuple[float, float],
        size_mm: tuple[float, float],
        angle: float,
        *,
        lift_mm: float,
        nail: bool = False,
    ) -> None:
        """One finger whose tip is at ``tip_mm``; at an angle of 0 it points up, then clockwise."""
        sprite, opacity = draw_finger(self._rng, size_mm, self._skin, nail=nail)
        side = -1.0 if self._mirrored else 1.0
        turn = np.deg2rad(angle)
        back = np.array([-np.sin(turn), np.cos(turn)]) * size_mm[1] / 2
        centre = (np.array(tip_mm) + back) * np.array([side, 1.0])
        whole = np.deg2rad(self._angle_deg)
        rotation = np.array([[np.cos(whole), -np.sin(whole)], [np.sin(whole), np.cos(whole)]])
        x, y = rotation @ centre + self._centre
        place = Placement((float(x), float(y)), size_mm, side * angle + self._angle_deg)
        canvas.lay(sprite, opacity, place, lift_mm=lift_mm, depth=0.4)


def draw_skin(rng: np.random.Generator) -> NDArray[np.float32]:
    """A colour of skin."""
    tones = ((236, 188, 158), (224, 172, 138), (198, 140, 104), (150, 100, 70), (98, 64, 46))
    return np.array(tones[int(rng.integers(0, len(tones)))], np.float32) * uniform(rng, (0.92, 1.05))


def draw_finger(
    rng: np.random.Generator, size_mm: tuple[float, float], skin: NDArray[np.float32], *, nail: bool
) -> tuple[RgbImage, Mask]:
    """A shaded finger pointing up, with its opacity; its root fades out, to grow out of what is below it."""
    scale = _PX_PER_MM if size_mm[0] < 40 else 2
    width, height = round(size_mm[0] * scale), round(size_mm[1] * scale)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None] / (width / 2)
    above_tip = np.clip(1 - y, 0, None)
    distance = np.hypot(x, above_tip)
    round_off = np.sqrt(np.clip(1 - distance**2, 0, 1))
    shade = 0.62 + 0.42 * round_off + 0.07 * x - 0.03 * above_tip
    for crease in (1.9, 2.05, 4.2):
        shade -= 0.10 * np.exp(-((y - crease - 0.12 * x**2) ** 2) / 0.003) * round_off
    shade += 0.10 * (fractal_noise(rng, (height, width), (size_mm[1] / 9, size_mm[0] / 9), 4) - 0.5)
    colour = skin * shade[..., None]
    colour[..., 1:] *= (1 - 0.07 * (1 - round_off))[..., None]
    if nail:
        _paint_nail(colour, x, y, skin)
    opacity = np.clip((1.0 - distance) * width / 2, 0, 1)
    opacity *= np.clip((y[-1] - y) / 2.2, 0, 1)
    return np.clip(colour, 0, 255).astype(np.uint8), (opacity * 255).astype(np.uint8)


def _paint_nail(
    colour: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32], skin: NDArray[np.float32]
) -> None:
    """A nail near the tip: paler and pinker than the skin, with a rim and a gloss."""
    inside = (np.abs(x) / 0.56) ** 2.6 + (np.abs(y - 0.95) / 0.72) ** 2.6
    share = np.clip((1 - inside) * 9, 0, 1)[..., None]
    pink = (skin * 0.75 + np.array([62, 44, 42])) * (0.86 + 0.14 * np.sqrt(np.clip(1 - x**2, 0, 1)))[
        ..., None
    ]
    gloss = 45 * np.exp(-((x + 0.22) ** 2) / 0.012 - ((y - 0.85) ** 2) / 0.16)[..., None]
    rim = np.exp(-((inside - 1.0) ** 2) / 0.02)[..., None] * 0.16
    colour *= 1 - rim
    colour += share * (pink + gloss - colour)
