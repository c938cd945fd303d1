"""Draws plain cards on plain grounds, so that what a test shows can be seen in it."""

from __future__ import annotations

import cv2
import numpy as np

from app.domain.geometry import order_clockwise, quad_iou
from app.domain.types import DetectedQuad, Quad, RgbImage


def card_picture(seed: int, height: int = 352) -> RgbImage:
    """A card 63:88 with border, art box, text lines and a colour of its own."""
    rng = np.random.default_rng(seed)
    width = round(height * 63 / 88)
    unit = height / 88
    card = np.full((height, width, 3), rng.integers(150, 240, 3), np.uint8)
    left, right = round(5 * unit), width - round(5 * unit)
    art = rng.integers(0, 255, (9, 12, 3), dtype=np.uint8)
    top, bottom = round(12 * unit), round(46 * unit)
    card[top:bottom, left:right] = cv2.resize(
        art, (right - left, bottom - top), interpolation=cv2.INTER_CUBIC
    )
    for line in range(52, 82, 5):
        end = left + round((right - left) * rng.uniform(0.5, 1.0))
        cv2.line(
            card,
            (left, round(line * unit)),
            (end, round(line * unit)),
            (20, 20, 20),
            max(1, round(1.5 * unit)),
        )
    cv2.rectangle(card, (left, round(4 * unit)), (right, round(10 * unit)), (40, 40, 60), -1)
    return card


def upright_quad(left: float, top: float, height: float) -> Quad:
    width = height * 63 / 88
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])


def turned(quad: Quad, angle_deg: float) -> Quad:
    angle = np.radians(angle_deg)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (quad - quad.mean(axis=0)) @ matrix + quad.mean(axis=0)


def lay(image: RgbImage, quad: Quad, seed: int) -> None:
    """Draws a card into the picture, its corners where the quad says."""
    card = card_picture(seed)
    height, width = card.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners - 0.5, quad.astype(np.float32) - 0.5)
    size = (image.shape[1], image.shape[0])
    mask = cv2.warpPerspective(np.full((height, width), 255, np.uint8), matrix, size)
    image[mask > 127] = cv2.warpPerspective(card, matrix, size, borderMode=cv2.BORDER_REPLICATE)[mask > 127]


def table(height: int = 900, width: int = 1200, shade: int = 70) -> RgbImage:
    """A plain ground with the noise of a camera."""
    rng = np.random.default_rng(9)
    return np.clip(rng.normal(shade, 2.0, (height, width, 3)), 0, 255).astype(np.uint8)


def matched(found: list[DetectedQuad], quads: list[Quad], iou: float = 0.85) -> int:
    """How many of the quads some detection meets at the given overlap."""
    return sum(
        any(quad_iou(order_clockwise(one.quad_px), order_clockwise(quad)) >= iou for one in found)
        for quad in quads
    )
