"""What lies next to, under and over one card where a detector cut it out: sleeves, neighbours, fingers."""

from __future__ import annotations

import cv2
import numpy as np

from app.domain.types import RgbImage
from app.synthesis.degrade import happens, resample, uniform

#: How far the surroundings reach beyond each edge of the card, as a share of that side.
MARGIN = 0.2
#: Radius of a card's rounded corners: 3 mm of 63.
CORNER_RADIUS = 3.0 / 63.0


def card_among_surroundings(
    card: RgbImage, rng: np.random.Generator, size_px: tuple[int, int], cover_chance: float
) -> RgbImage:
    """Lays a card on a random ground, sometimes in a sleeve, sometimes partly covered.

    Args:
        card: Clean picture of the card, (height, width, 3), of any size.
        rng: Source of chance.
        size_px: Width and height of the card in the result.
        cover_chance: How often something covers a corner or an edge.

    Returns:
        The card with ``MARGIN`` of its own size around it on each side.
    """
    width, height = size_px
    scaled = resample(card, size_px)
    left, top = round(width * MARGIN), round(height * MARGIN)
    canvas = _ground(scaled, rng, (width + 2 * left, height + 2 * top))
    if happens(rng, 0.5):
        _draw_holder(canvas, rng, (left, top, width, height))
    _paste_rounded(canvas, scaled, left, top)
    if happens(rng, cover_chance):
        _cover(canvas, rng, (left, top, width, height))
    return canvas


def rounded_mask(width: int, height: int, radius_px: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """255 inside a rectangle with round corners, (height, width), uint8, smooth at the corners."""
    mask = np.full((height, width), 255, np.uint8)
    if radius_px < 1:
        return mask
    steps = np.arange(radius_px) + 0.5
    distance = np.hypot(radius_px - steps[:, None], radius_px - steps[None, :])
    corner = (np.clip(radius_px + 0.5 - distance, 0, 1) * 255).astype(np.uint8)
    mask[:radius_px, :radius_px] = corner
    mask[:radius_px, -radius_px:] = corner[:, ::-1]
    mask[-radius_px:, :radius_px] = corner[::-1]
    mask[-radius_px:, -radius_px:] = corner[::-1, ::-1]
    return mask


def _ground(card: RgbImage, rng: np.random.Generator, size_px: tuple[int, int]) -> RgbImage:
    """A plain, patchy, grainy or striped surface, or other cards lying close by."""
    kind = float(rng.random())
    if kind < 0.2:  # neighbours with the same kind of border: the card itself, shifted and recoloured
        tiles = card[::-1, ::-1, rng.permutation(3)]
        return np.asarray(cv2.resize(np.roll(tiles, card.shape[0] // 2, axis=0), size_px), np.uint8)
    base = rng.uniform(5, 245, 3) if kind < 0.6 else np.full(3, uniform(rng, (5, 60)))
    rows, columns = (2, 2) if kind < 0.45 else tuple(rng.integers(4, 40, 2))
    patches = (
        base + rng.normal(0, uniform(rng, (2, 40)), (rows, columns, 1)) + rng.normal(0, 6, (rows, columns, 3))
    )
    patches = np.clip(patches, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(patches, size_px, interpolation=cv2.INTER_LINEAR), np.uint8)


def _draw_holder(canvas: RgbImage, rng: np.random.Generator, card_box: tuple[int, int, int, int]) -> None:
    """A sleeve, pocket or toploader around the card: a rim of another shade with bright and dark edges."""
    left, top, width, height = card_box
    rim = uniform(rng, (0.02, 0.12)) * width
    x0, x1 = (
        round(left - rim * uniform(rng, (0.4, 1.1))),
        round(left + width + rim * uniform(rng, (0.4, 1.1))),
    )
    y0, y1 = round(top - rim * uniform(rng, (0.3, 1.2))), round(top + height + rim * uniform(rng, (0.3, 1.2)))
    x0, y0 = max(x0, 0), max(y0, 0)
    inside = canvas[y0:y1, x0:x1]
    tint = np.full(3, uniform(rng, (0, 255))) if happens(rng, 0.6) else rng.uniform(0, 255, 3)
    opacity = uniform(rng, (0.1, 1.0))
    film = np.arange(256)[:, None] * (1 - opacity) + tint * opacity
    inside[:] = cv2.LUT(inside, film.astype(np.uint8).reshape(256, 1, 3))
    line = max(1, round(width * uniform(rng, (0.004, 0.015))))
    shade = (tint + (uniform(rng, (40, 140)) if happens(rng, 0.6) else -60)).clip(0, 255)
    cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), shade.tolist(), line, cv2.LINE_AA)


def _paste_rounded(canvas: RgbImage, card: RgbImage, left: int, top: int) -> None:
    """Puts the card in place; beyond its round corners the ground stays visible."""
    height, width = card.shape[:2]
    radius = max(1, round(width * CORNER_RADIUS))
    inverse = 255 - rounded_mask(2 * radius, 2 * radius, radius)
    target = canvas[top : top + height, left : left + width]
    for rows, mask_rows in ((slice(0, radius),) * 2, (slice(height - radius, height), slice(radius, None))):
        for columns, mask_columns in (
            (slice(0, radius),) * 2,
            (slice(width - radius, width), slice(radius, None)),
        ):
            share = inverse[mask_rows, mask_columns, None].astype(np.float32) / 255.0
            ground = target[rows, columns] * share + card[rows, columns] * (1 - share)
            card[rows, columns] = ground.astype(np.uint8)
    target[:] = card


def _cover(canvas: RgbImage, rng: np.random.Generator, card_box: tuple[int, int, int, int]) -> None:
    """Something over a corner or an edge: a fingertip, another card or strip, or a clip."""
    left, top, width, height = card_box
    edge = np.array([(0.0, uniform(rng, (0, 1))), (1.0, uniform(rng, (0, 1))), (uniform(rng, (0, 1)), 1.0)])
    at = edge[int(rng.integers(0, 3))] if happens(rng, 0.8) else np.array([uniform(rng, (0, 1)), 0.0])
    point = np.array([left, top]) + at * [width, height]
    kind = float(rng.random())
    if kind < 0.5:
        _draw_fingertip(canvas, rng, point, np.array([left + width / 2, top + height / 2]), width)
    elif kind < 0.85:
        size = np.array([width, height]) * rng.uniform(0.15, 0.6, 2)
        inward = np.array([left + width / 2, top + height / 2]) - point
        centre = point - inward / max(float(np.hypot(*inward)), 1.0) * size.min() * uniform(rng, (0.15, 0.45))
        box = cv2.boxPoints((centre.tolist(), size.tolist(), float(rng.normal(0, 12))))
        corners = np.rint(box).astype(np.int32)
        cv2.fillConvexPoly(canvas, corners, rng.uniform(0, 255, 3).tolist(), cv2.LINE_AA)
        cv2.polylines(
            canvas, [corners], True, rng.uniform(0, 255, 3).tolist(), max(1, width // 80), cv2.LINE_AA
        )
    else:
        half = np.maximum(np.array([width, height]) * rng.uniform(0.02, 0.1, 2), 1)
        first, second = np.rint([point - half, point + half]).astype(int).tolist()
        cv2.rectangle(canvas, first, second, [uniform(rng, (10, 240))] * 3, -1)


def _draw_fingertip(
    canvas: RgbImage,
    rng: np.random.Generator,
    tip: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    middle: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    card_width_px: int,
) -> None:
    """A rounded, shaded bar of skin that reaches in from outside towards the middle of the card."""
    inward = (middle - tip) / max(float(np.hypot(*(middle - tip))), 1.0)
    turn = float(rng.normal(0, 0.4))
    inward = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ inward
    thick = card_width_px * uniform(rng, (0.14, 0.3))
    end = tip + inward * thick * uniform(rng, (-0.4, 0.5))
    start = end - inward * thick * 3
    skin = np.array([224.0, 172.0, 138.0]) * uniform(rng, (0.3, 1.08)) * rng.uniform(0.93, 1.07, 3)
    ends = np.rint([start, end]).astype(int).tolist()
    for share, shade in ((1.0, 0.72), (0.82, 0.9), (0.5, 1.0)):
        colour = np.clip(skin * shade, 0, 255).tolist()
        cv2.line(canvas, ends[0], ends[1], colour, max(1, round(thick * share)), cv2.LINE_AA)
