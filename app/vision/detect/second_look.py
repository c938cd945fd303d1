"""Looks at every card again from straight above, which the first look did not know how to do.

The first look sees cards in any turn, size and perspective, and is a few per cent off. Cut out by its answer,
a card lies upright and of one size in the middle of a small view, where the finder is at its best; and what
is no card at all is seldom taken for one twice.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.geometry import quad_iou
from app.domain.types import CARD_ASPECT, RgbImage
from app.vision.detect.candidates import Quads
from app.vision.detect.shapes import short_side_first
from app.vision.detect.votes import Finder, Floats64, apart, read_answers, vote

#: Side of the view, and height of the card in its middle; the finder learned to look so.
VIEW_PX = 288
CARD_HEIGHT_PX = 195.0
#: Corners from the middle of a card, clockwise from the top left, in halves of its sides.
CORNER_SIGNS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
_SAME_IOU = 0.6
#: The second look is nearer than the first, but both together are nearer still.
_SECOND_SHARE = 0.7


def look_again(picture: RgbImage, quads: Quads, finder: Finder) -> tuple[Quads, Floats64]:
    """The quads as both looks together see them.

    Args:
        picture: RGB uint8 (height, width, 3).
        quads: (count, 4, 2) in its pixels, clockwise.
        finder: The learned one.

    Returns:
        Quads (count, 4, 2), between both looks, and scores (count,) of the second. Where that sees no
        such card, the quad is as it was and its score 0.
    """
    better, scores = np.array(quads, np.float64), np.zeros(len(quads))
    upright = _upright()
    for index, quad in enumerate(short_side_first(quads)):
        into_view = cv2.getPerspectiveTransform(quad.astype(np.float32), upright.astype(np.float32))
        view = cv2.warpPerspective(
            picture, into_view, (VIEW_PX, VIEW_PX), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
        )
        found, score = vote(read_answers(finder(np.asarray(view, np.uint8)), (1.0, 1.0)))
        overlaps = [quad_iou(one, upright) for one in found]
        if overlaps and max(overlaps) >= _SAME_IOU:
            best = int(np.argmax(overlaps))
            _, aligned = apart(found[best : best + 1], upright)
            back = cv2.getPerspectiveTransform(upright.astype(np.float32), quad.astype(np.float32))
            seen = cv2.perspectiveTransform(aligned, back)[0]
            better[index] = quad + _SECOND_SHARE * (seen - quad)
            scores[index] = score[best]
    return better, scores


def _upright() -> NDArray[np.float64]:
    """Where the card should lie in the view, (4, 2)."""
    half = np.array([CARD_HEIGHT_PX * CARD_ASPECT, CARD_HEIGHT_PX]) / 2
    return np.asarray(VIEW_PX / 2 + CORNER_SIGNS * half, np.float64)
