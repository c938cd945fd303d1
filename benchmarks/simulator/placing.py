"""Lays cards and their sleeves into a picture: float32 (height, width, 3), 0 to 255, changed in place."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulator.geometry import (
    CARD_HEIGHT_MM,
    CARD_WIDTH_MM,
    CORNER_RADIUS_MM,
    FloatImage,
    Points,
    RgbImage,
    box_quad,
    card_height_px,
    grow_quad,
    homography_between,
    shrink_for,
    warp,
)
from benchmarks.simulator.levels import Range, draw_uniform

#: Brightness of haze: what a sleeve scatters from a lit room.
HAZE_GREY: Range = (170.0, 245.0)

#: How far a sleeve or toploader reaches beyond the card, in millimetres.
SLEEVE_RIM_MM: Range = (1.0, 3.5)

#: A mask is drawn this many times finer than a millimetre.
_MASK_PX_PER_MM = 8


def rounded_mask() -> NDArray[np.uint8]:
    """Returns a card's outline, 255 inside, (704, 504): 8 px a millimetre, corners rounded."""
    height, width = round(CARD_HEIGHT_MM * _MASK_PX_PER_MM), round(CARD_WIDTH_MM * _MASK_PX_PER_MM)
    radius = round(CORNER_RADIUS_MM * _MASK_PX_PER_MM)
    mask = np.zeros((height, width), dtype=np.uint8)
    cv2.rectangle(mask, (radius, 0), (width - radius - 1, height - 1), 255, -1)
    cv2.rectangle(mask, (0, radius), (width - 1, height - radius - 1), 255, -1)
    for x in (radius, width - radius - 1):
        for y in (radius, height - radius - 1):
            cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
    return mask


def lay_card(picture: FloatImage, card: RgbImage, quad_px: Points) -> None:
    """Draws a card with rounded corners into a quad (4, 2) of the picture, in place."""
    box = clip_box(quad_px, picture.shape, margin_px=2)
    if box is None:
        return
    left, top, right, bottom = box
    local = quad_px - np.array([left, top])
    target_px = card_height_px(quad_px)
    mask = shrink_for(rounded_mask(), target_px)
    art = _warp_whole(shrink_for(card, target_px), local, right - left, bottom - top)
    alpha = _warp_whole(mask, local, right - left, bottom - top)
    share = (alpha.astype(np.float32) / 255.0)[:, :, None]
    part = picture[top:bottom, left:right]
    part += (art.astype(np.float32) - part) * share


def lay_haze(picture: FloatImage, quad_px: Points, share: float, rng: np.random.Generator) -> None:
    """Mixes the milky grey of a sleeve into a quad (4, 2), unevenly, in place; ``share`` is its mean."""
    box = clip_box(quad_px, picture.shape, margin_px=2)
    if box is None or share <= 0.0:
        return
    left, top, right, bottom = box
    part = picture[top:bottom, left:right]
    unevenness = cv2.resize(
        rng.uniform(0.8, 1.2, (3, 3)).astype(np.float32),
        (right - left, bottom - top),
        interpolation=cv2.INTER_CUBIC,
    )
    mask = polygon_mask(quad_px - np.array([left, top]), part.shape[:2])
    grey = draw_uniform(HAZE_GREY, rng) + rng.normal(0, 4, 3)
    part += (grey.astype(np.float32) - part) * (share * mask * unevenness)[:, :, None]


def lay_sleeve(picture: FloatImage, quad_px: Points, rng: np.random.Generator) -> Points:
    """Draws the clear rim of a sleeve or toploader around where a card will lie, in place.

    Returns:
        The sleeve's corners (4, 2).
    """
    rim = float(rng.uniform(*SLEEVE_RIM_MM)) * rng.uniform(0.5, 1.0, 4)
    shares = rim / np.array([CARD_WIDTH_MM, CARD_HEIGHT_MM, CARD_WIDTH_MM, CARD_HEIGHT_MM])
    outline = grow_quad(quad_px, shares)
    draw_rim(picture, outline, rng)
    return outline


def draw_rim(picture: FloatImage, outline_px: Points, rng: np.random.Generator) -> None:
    """Draws clear plastic within an outline (4, 2): a little lighter, its edge brighter, in place."""
    box = clip_box(outline_px, picture.shape, margin_px=3)
    if box is None:
        return
    left, top, right, bottom = box
    part = picture[top:bottom, left:right]
    local = outline_px - np.array([left, top])
    px_per_mm = card_height_px(outline_px) / CARD_HEIGHT_MM
    film = polygon_mask(local, part.shape[:2])
    edge = np.zeros(part.shape[:2], dtype=np.uint8)
    cv2.polylines(
        edge, [np.round(local).astype(np.int32)], True, 255, max(1, round(0.5 * px_per_mm)), cv2.LINE_AA
    )
    film_share = np.float32(rng.uniform(0.03, 0.12))
    edge_share = np.float32(rng.uniform(0.10, 0.45))
    share = np.maximum(film * film_share, edge.astype(np.float32) / 255.0 * edge_share)
    part += (np.float32(225.0) - part) * share[:, :, None]


def blend_polygon(
    picture: FloatImage, outline_px: Points, colour: NDArray[np.float64], opacity: float = 1.0
) -> None:
    """Mixes a colour (3,) into a polygon (n, 2), its edges smoothed, in place."""
    box = clip_box(outline_px, picture.shape, margin_px=2)
    if box is None:
        return
    left, top, right, bottom = box
    part = picture[top:bottom, left:right]
    mask = polygon_mask(outline_px - np.array([left, top]), part.shape[:2])
    part += (colour.astype(np.float32) - part) * (mask * np.float32(opacity))[:, :, None]


def polygon_mask(outline_px: Points, size: tuple[int, ...]) -> NDArray[np.float32]:
    """Returns how much of each pixel lies in a polygon (n, 2): float32 (height, width), 0 to 1."""
    mask = np.zeros(size, dtype=np.uint8)
    fixed = np.round(outline_px * 16 - 8).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / np.float32(255.0)


def clip_box(points_px: Points, shape: tuple[int, ...], margin_px: int) -> tuple[int, int, int, int] | None:
    """Returns left, top, right, bottom of what points cover of a picture; None where nothing is."""
    if not len(points_px):
        return None
    low = np.maximum(np.floor(points_px.min(axis=0)) - margin_px, 0).astype(int)
    high = np.minimum(np.ceil(points_px.max(axis=0)) + margin_px, [shape[1], shape[0]]).astype(int)
    if (high <= low).any():
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _warp_whole(
    image: NDArray[np.uint8], quad_px: Points, width_px: int, height_px: int
) -> NDArray[np.uint8]:
    whole = box_quad(0, 0, image.shape[1], image.shape[0])
    return warp(image, homography_between(whole, quad_px), width_px, height_px, cv2.BORDER_CONSTANT)
