"""A flat picture of a table, seen from straight above, on which things are laid with their shadows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage
from app.synthesis.degrade import resample

Mask = NDArray[np.uint8]
"""Opacity, 0-255, (height, width)."""

Rgb = tuple[float, float, float]
"""One colour, each channel 0-255."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a thing lies on the table.

    Attributes:
        centre_mm: Its centre on the plane, x to the right, y down.
        size_mm: Its width and height when it lies upright.
        angle_deg: How far it is turned clockwise.
    """

    centre_mm: tuple[float, float]
    size_mm: tuple[float, float]
    angle_deg: float = 0.0

    def corners_mm(self) -> NDArray[np.float64]:
        """Its own top left corner, then clockwise, (4, 2)."""
        half = np.array(self.size_mm) / 2
        square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64) * half
        turn = np.deg2rad(self.angle_deg)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        return np.asarray(square @ rotation.T + np.array(self.centre_mm))


@dataclass(frozen=True, slots=True)
class Canvas:
    """The table from above.

    Attributes:
        image: What lies there so far; drawn into in place.
        px_per_mm: Resolution.
        origin_mm: Place of the top left pixel on the plane.
        shadow_mm: Where the shadow of a thing one millimetre high falls, relative to the thing.
    """

    image: RgbImage
    px_per_mm: float
    origin_mm: tuple[float, float]
    shadow_mm: tuple[float, float]

    def to_px(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixels of points of the plane, (count, 2)."""
        return np.asarray((points_mm - np.array(self.origin_mm)) * self.px_per_mm)

    def box_px(self, centre_mm: tuple[float, float], size_mm: tuple[float, float]) -> tuple[slice, slice]:
        """Rows and columns of an upright rectangle, cut off at the edge of the canvas."""
        half = np.array(size_mm) / 2
        low, high = self.to_px(np.array([np.array(centre_mm) - half, np.array(centre_mm) + half]))
        rows = slice(max(round(low[1]), 0), max(round(high[1]), 0))
        columns = slice(max(round(low[0]), 0), max(round(high[0]), 0))
        return rows, columns

    def lay(
        self, sprite: RgbImage, opacity: Mask, place: Placement, *, lift_mm: float = 0.4, depth: float = 0.5
    ) -> None:
        """Lays a picture of a thing on the table.

        Args:
            sprite: The thing seen from above, upright, (height, width, 3).
            opacity: Where the thing is, (height, width).
            place: Where it goes.
            lift_mm: How high its upper side is above the table: how far and how softly its shadow falls.
            depth: How dark its shadow is, 0 to 1.
        """
        sprite, opacity = self._at_most_twice_too_large(sprite, opacity, place.size_mm)
        corners = self.to_px(place.corners_mm())
        reach = 4.0 * lift_mm * self.px_per_mm + 3.0
        low = np.floor(corners.min(axis=0) - reach).astype(int).clip(0)
        limit = np.array(self.image.shape[1::-1])
        high = np.ceil(corners.max(axis=0) + reach).astype(int).clip(None, limit)
        if (high <= low).any():
            return
        roi = self.image[low[1] : high[1], low[0] : high[0]]
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        height, width = opacity.shape
        source = np.array([[0, 0], [width, 0], [width, height]], np.float32) - 0.5
        affine = cv2.getAffineTransform(source, (corners[:3] - low - 0.5).astype(np.float32))
        if depth > 0 and lift_mm > 0:
            self._shade(roi, opacity, affine, lift_mm, depth)
        warped = cv2.warpAffine(sprite, affine, size, borderMode=cv2.BORDER_REPLICATE)
        covered = cv2.warpAffine(opacity, affine, size).astype(np.float32) * np.float32(1 / 255)
        roi[:] = cv2.blendLinear(warped, roi, covered, 1.0 - covered)

    def _shade(
        self, roi: RgbImage, opacity: Mask, affine: cv2.typing.MatLike, lift_mm: float, depth: float
    ) -> None:
        """Darkens the ground where the thing's shadow falls: a tight dark one and a wide faint one.

        A soft shadow is drawn small and enlarged; nobody sees the difference.
        """
        sigma = max(0.5 * lift_mm * self.px_per_mm, 0.4)
        step = max(int(sigma / 1.5), 1)
        size = (-(-roi.shape[1] // step), -(-roi.shape[0] // step))
        offset = np.array(self.shadow_mm) * lift_mm * self.px_per_mm
        shifted = (np.asarray(affine) + np.array([[0, 0, offset[0]], [0, 0, offset[1]]])) / step
        fallen = cv2.warpAffine(opacity, shifted, size)
        tight = cv2.GaussianBlur(fallen, (0, 0), sigma / step)
        wide = cv2.GaussianBlur(fallen, (0, 0), 2.5 * sigma / step)
        light = cv2.addWeighted(tight, -0.65 * depth, wide, -0.35 * depth, 255.0)
        light = cv2.cvtColor(cv2.resize(light, roi.shape[1::-1]), cv2.COLOR_GRAY2RGB)
        cv2.multiply(roi, light, roi, 1 / 255)

    def _at_most_twice_too_large(
        self, sprite: RgbImage, opacity: Mask, size_mm: tuple[float, float]
    ) -> tuple[RgbImage, Mask]:
        """Shrinks a picture that is much finer than the canvas, or it would alias."""
        height = max(round(size_mm[1] * self.px_per_mm), 2)
        if sprite.shape[0] <= 1.25 * height:
            return sprite, opacity
        size = (max(round(size_mm[0] * self.px_per_mm), 2), height)
        return resample(sprite, size), np.asarray(
            cv2.resize(opacity, size, interpolation=cv2.INTER_AREA), np.uint8
        )
