"""Quads that could be cards: closed outlines of edge maps and of thresholded channels."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from app.vision.detect.planes import Gray, Planes, outline_channels
from app.vision.worker_threads import map_in_threads

Quads = NDArray[np.float64]
"""Quads in working pixels, shape (count, 4, 2), clockwise."""

#: Upper thresholds of Canny's hysteresis (the lower is 0.4 of it): one follows faint edges of dark cards on
#: dark pages, one the middle, one leaves only strong edges so that texture cannot bridge two cards.
_CANNY_HIGH = (40, 90, 180)
_OTSU_FACTORS = (0.6, 0.85, 1.1, 1.4)
_MIN_SIDE_SHARE = 0.03
_MIN_SIDE_PX = 14.0
#: In pixels of the full picture: a narrower card could not be named.
_MIN_CARD_WIDTH_PX = 48.0
_MIN_HULL_FILL = 0.88
_MAX_OUTLINES_PER_MAP = 400
#: The outline of a card is about twice as long as its bounding box is wide and high; texture winds.
_MAX_WINDING = 4.0
#: Corners of an outline that is followed to within this share of its length; more are a ragged shape.
_CORNER_SLACK = 0.012
_MAX_CORNERS = 14


def find_candidates(planes: Planes) -> Quads:
    """Every distinct convex quad about as wide as a card that some map outlines.

    Returns:
        (count, 4, 2) corners in working pixels, clockwise, without near repeats.
    """
    min_side_px = max(_MIN_SIDE_PX, _MIN_SIDE_SHARE * min(planes.size), _MIN_CARD_WIDTH_PX * planes.scale)
    found = map_in_threads(lambda channel: _channel_quads(channel, min_side_px), outline_channels(planes))
    quads = [quad for of_channel in found for quad in of_channel]
    return unique_quads(np.array(quads, dtype=np.float64).reshape(-1, 4, 2), spacing_px=4.0)


def unique_quads(quads: Quads, spacing_px: float) -> Quads:
    """Drops quads whose corners all lie within about ``spacing_px`` of those of an earlier one."""
    if len(quads) == 0:
        return quads
    starts = np.argmin(quads.sum(axis=2), axis=1)
    rolled = np.take_along_axis(quads, ((starts[:, None] + np.arange(4)) % 4)[:, :, None], axis=1)
    keys = np.round(rolled / spacing_px).astype(np.int32).reshape(len(quads), 8)
    _, first = np.unique(keys, axis=0, return_index=True)
    return np.asarray(rolled[np.sort(first)], dtype=np.float64)


def _channel_quads(channel: Gray, min_side_px: float) -> list[NDArray[np.float32]]:
    """Quads outlined in the maps of one channel."""
    quads: list[NDArray[np.float32]] = []
    for binary in _maps(channel):
        contours, _ = cv2.findContours(binary, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        longest = sorted((c for c in contours if len(c) >= 3 * min_side_px), key=len, reverse=True)
        for contour in longest[:_MAX_OUTLINES_PER_MAP]:
            _, _, width, height = cv2.boundingRect(contour)
            if min(width, height) < min_side_px or len(contour) > _MAX_WINDING * (width + height):
                continue
            quad = _outline_quad(contour, min_side_px)
            quads.extend(_corner_quads(contour, min_side_px) if quad is None else [quad])
    return quads


def _maps(channel: Gray) -> Iterator[MatLike]:
    """Binary pictures of one channel: edges made thick enough to close small gaps, and thresholds."""
    kernel = np.ones((3, 3), np.uint8)
    for high in _CANNY_HIGH:
        yield cv2.dilate(cv2.Canny(channel, 0.4 * high, high), kernel)
    level, _ = cv2.threshold(channel, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    for factor in _OTSU_FACTORS:
        if level * factor < 250.0:
            yield cv2.threshold(channel, level * factor, 255, cv2.THRESH_BINARY)[1]


def _outline_quad(contour: MatLike, min_side_px: float) -> NDArray[np.float32] | None:
    """The quad round a contour, if its hull fills one that could be a card."""
    hull = cv2.convexHull(contour)
    (_, (first, second), _) = cv2.minAreaRect(hull)
    short, long = min(first, second), max(first, second)
    if short < min_side_px or long > 2.6 * short or cv2.contourArea(hull) < 0.6 * short * long:
        return None
    quad = cv2.approxPolyN(hull, 4, ensure_convex=True).reshape(-1, 2).astype(np.float32)
    if len(quad) != 4:
        return None
    area = cv2.contourArea(quad, oriented=True)
    if area < 0:
        quad = quad[::-1]
    return quad if cv2.contourArea(hull) >= _MIN_HULL_FILL * abs(area) else None


def _corner_quads(contour: MatLike, min_side_px: float) -> list[NDArray[np.float32]]:
    """Quads of which a contour shows one corner and the two sides that meet there.

    A finger or another card that covers a part leaves a contour that is no quad, but seldom without a corner.
    """
    outline = cv2.approxPolyDP(contour, _CORNER_SLACK * len(contour), closed=True).reshape(-1, 2)
    if not 4 <= len(outline) <= _MAX_CORNERS:
        return []
    outline = outline.astype(np.float32)
    back, ahead = np.roll(outline, 1, axis=0) - outline, np.roll(outline, -1, axis=0) - outline
    one, other = np.linalg.norm(back, axis=1), np.linalg.norm(ahead, axis=1)
    short, long = np.minimum(one, other), np.maximum(one, other)
    cosine = (back * ahead).sum(axis=1) / np.maximum(one * other, 1e-6)
    good = (short >= min_side_px) & (short >= 0.55 * long) & (short <= 0.9 * long) & (np.abs(cosine) < 0.3)
    quads = [
        np.stack([back[i], back[i] * 0, ahead[i], back[i] + ahead[i]]) + outline[i]
        for i in np.flatnonzero(good)
    ]
    return [quad if cv2.contourArea(quad, oriented=True) > 0 else quad[::-1] for quad in quads]
