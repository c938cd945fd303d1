"""A canvas that paints lit shapes.

A shape is filled as if it bulged towards the viewer: its height grows with the distance to its edge (an exact
distance transform), the slope of that height against the light picks a colour from the material's ramp.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.domain.types import RgbImage
from app.synthesis.art.noise import Field, Rng, fractal_noise
from app.synthesis.art.palette import Colour, Ramp, pick
from app.synthesis.art.shapes import as_points

_SHIFT = 4  # cv2 takes points in sixteenths of a pixel, so shapes do not snap to pixels


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface looks.

    Attributes:
        ramp: Colours from shadow to light.
        roundness: Where the bulge ends, as a share of the shape's half-width; small gives a bevelled edge.
        grain: How strongly the picture's texture shows, 0 to 1.
        gloss: Strength of a highlight, 0 to 1.
        rim: Strength of a second light from behind, 0 to 1.
    """

    ramp: Ramp
    roundness: float = 1.0
    grain: float = 0.15
    gloss: float = 0.0
    rim: float = 0.0


class Canvas:
    """An RGB picture being painted; coordinates in units of its height, x from 0 to ``aspect``."""

    def __init__(self, rng: Rng, height_px: int, width_px: int, aspect: float | None = None) -> None:
        self.rng = rng
        self.height_px = height_px
        self.width_px = width_px
        self.aspect = width_px / height_px if aspect is None else aspect
        self.pixels: RgbImage = np.zeros((height_px, width_px, 3), np.uint8)
        side = -1.0 if rng.random() < 0.5 else 1.0
        self.light = (side * float(rng.uniform(0.3, 0.9)), -float(rng.uniform(0.3, 0.9)))
        self.outline: Colour | None = None
        self.outline_width = 0.006
        self.texture: Field = fractal_noise(rng, height_px, width_px, 14.0, 3, 0.7) - 0.5

    def fixed(self, points: ArrayLike) -> NDArray[np.int32]:
        """Points as the fixed-point integers that OpenCV draws with."""
        scale = self.height_px * (1 << _SHIFT)
        return np.rint(as_points(points) * scale - (1 << _SHIFT) / 2).astype(np.int32)

    def flat(self, points: ArrayLike, colour: Colour) -> None:
        """Fills a shape with one colour."""
        cv2.fillPoly(self.pixels, [self.fixed(points)], colour, cv2.LINE_AA, _SHIFT)

    def flat_all(self, outlines: NDArray[np.float64], colour: Colour) -> None:
        """Fills many shapes of equally many corners, shape (count, corners, 2), with one colour."""
        if len(outlines):
            corners = self.fixed(outlines).reshape(outlines.shape)
            cv2.fillPoly(self.pixels, list(corners), colour, cv2.LINE_AA, _SHIFT)

    def line(self, points: ArrayLike, colour: Colour, width: float, closed: bool = False) -> None:
        """Strokes a line ``width`` wide."""
        thickness = max(1, round(width * self.height_px))
        cv2.polylines(self.pixels, [self.fixed(points)], closed, colour, thickness, cv2.LINE_AA, _SHIFT)

    def mask(self, points: ArrayLike) -> tuple[NDArray[np.uint8], tuple[slice, slice]] | None:
        """A shape's coverage (0 to 255) inside its bounding box, and that box; None when off the canvas."""
        fixed = self.fixed(points)
        low = np.maximum((fixed.min(0) >> _SHIFT) - 2, 0)
        high = np.minimum((fixed.max(0) >> _SHIFT) + 3, (self.width_px, self.height_px))
        if (high - low < 2).any():
            return None
        cover = np.zeros((int(high[1] - low[1]), int(high[0] - low[0])), np.uint8)
        cv2.fillPoly(cover, [fixed - (low.astype(np.int32) << _SHIFT)], 255, cv2.LINE_AA, _SHIFT)
        return cover, (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))

    def solid(self, points: ArrayLike, material: Material, alpha: float = 1.0) -> None:
        """Fills a shape as a lit, bulging surface."""
        found = self.mask(points)
        if found is None:
            return
        cover, box = found
        if min(cover.shape) < 9:  # with its margin of 4 px too small to show light
            self.flat(points, pick(material.ramp, 140))
            return
        index = self._light(cover, box, material)
        colours = cv2.LUT(cv2.merge([index, index, index]), material.ramp.reshape(256, 1, 3))
        self.blend(np.asarray(colours, dtype=np.uint8), cover, box, alpha)
        if self.outline is not None:
            self.line(points, self.outline, self.outline_width, closed=True)

    def _light(self, cover: NDArray[np.uint8], box: tuple[slice, slice], material: Material) -> RgbImage:
        """Picks a place on the ramp (0 to 255) for every pixel of a shape."""
        inside = cv2.copyMakeBorder(cover, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        _, solid_mask = cv2.threshold(inside, 127, 255, cv2.THRESH_BINARY)
        depth = cv2.distanceTransform(solid_mask, cv2.DIST_L2, 3)[1:-1, 1:-1]
        depth = np.minimum(depth, max(cover.shape))  # a shape that covers the whole canvas has no edge at all
        reach = max(1.5, float(depth.max()) * material.roundness)
        bulge = np.minimum(depth * (1.0 / reach), 1.0)
        soft = max(3, round(reach * 0.25) | 1)  # hides the corners of the outline in the shading
        bulge = cv2.blur(np.sqrt(bulge * (2.0 - bulge)), (soft, soft))
        slope_x = cv2.Sobel(bulge, cv2.CV_32F, 1, 0, ksize=3, scale=reach / 8.0)
        slope_y = cv2.Sobel(bulge, cv2.CV_32F, 0, 1, ksize=3, scale=reach / 8.0)
        facing = cv2.addWeighted(slope_x, -self.light[0], slope_y, -self.light[1], 0)
        facing /= np.sqrt(slope_x * slope_x + slope_y * slope_y + 1.0)
        shade = facing * 107.0
        shade += np.linspace(150.5, 104.5, cover.shape[0], dtype=np.float32)[:, None]
        if material.grain:
            shade += self.texture[box] * (255.0 * material.grain)
        if material.gloss:
            shade += np.maximum(facing - 0.45, 0.0) * (408.0 * material.gloss)
        if material.rim:
            shade += np.maximum(facing * -1.0 - 0.35, 0.0) * (510.0 * material.rim)
        np.clip(shade, 0.0, 255.0, out=shade)
        return np.asarray(shade.astype(np.uint8))

    def blend(
        self, colours: RgbImage, cover: NDArray[np.uint8], box: tuple[slice, slice], alpha: float = 1.0
    ) -> None:
        """Lays ``colours`` over a box of the canvas where ``cover`` (0 to 255) says so."""
        weight = cover.astype(np.float32) * (alpha / 255.0)
        target = np.ascontiguousarray(self.pixels[box])
        self.pixels[box] = cv2.blendLinear(colours, target, weight, 1.0 - weight)

    def tint(self, points: ArrayLike, colour: Colour, alpha: float) -> None:
        """Lays one see-through colour over a shape."""
        found = self.mask(points)
        if found is None:
            return
        cover, box = found
        self.blend(np.full((*cover.shape, 3), colour, np.uint8), cover, box, alpha)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float = 1.0) -> None:
        """Adds light that fades with the distance from a point."""
        reach = radius * self.height_px
        cx, cy = x * self.height_px, y * self.height_px
        left, right = max(0, int(cx - reach)), min(self.width_px, int(cx + reach) + 1)
        top, bottom = max(0, int(cy - reach)), min(self.height_px, int(cy + reach) + 1)
        if right - left < 1 or bottom - top < 1:
            return
        dx = (np.arange(left, right, dtype=np.float32) + 0.5 - cx) / reach
        dy = (np.arange(top, bottom, dtype=np.float32) + 0.5 - cy) / reach
        fall = np.maximum(1.0 - np.sqrt(dx[None, :] ** 2 + dy[:, None] ** 2), 0.0)
        light = (fall * fall * strength)[..., None] * np.array(colour, np.float32)
        box = self.pixels[top:bottom, left:right]
        self.pixels[top:bottom, left:right] = cv2.add(box, np.clip(light, 0, 255).astype(np.uint8))

    def shadow(self, x: float, y: float, rx: float, ry: float, strength: float = 0.5) -> None:
        """Darkens a soft ellipse, as under a standing figure."""
        grid_x = (np.arange(self.width_px, dtype=np.float32) / self.height_px - x) / rx
        top, bottom = int((y - ry) * self.height_px), int((y + ry) * self.height_px) + 1
        top, bottom = max(0, top), min(self.height_px, bottom)
        if bottom <= top:
            return
        grid_y = (np.arange(top, bottom, dtype=np.float32) / self.height_px - y) / ry
        fall = np.maximum(1.0 - grid_x[None, :] ** 2 - grid_y[:, None] ** 2, 0.0)
        keep = (1.0 - strength * fall)[..., None]
        self.pixels[top:bottom] = (self.pixels[top:bottom] * keep).astype(np.uint8)

    def fill_ramp(self, field: Field, colours: Ramp) -> None:
        """Paints the whole canvas: the field's values in [0, 1] pick from the ramp."""
        self.pixels = apply_ramp(field, colours)

    def mix(self, layer: RgbImage, alpha: Field) -> None:
        """Lays a whole picture over the canvas with a weight in [0, 1] for each pixel."""
        weight = np.ascontiguousarray(np.clip(alpha, 0.0, 1.0), dtype=np.float32)
        self.pixels = np.asarray(cv2.blendLinear(layer, self.pixels, weight, 1.0 - weight), dtype=np.uint8)


def apply_ramp(field: Field, colours: Ramp) -> RgbImage:
    """Turns a field in [0, 1] into a picture by a ramp of 256 colours."""
    index = np.clip(field * 255.0, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(cv2.merge([index, index, index]), colours.reshape(256, 1, 3)), dtype=np.uint8)
