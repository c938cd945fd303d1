"""Which way up a card lies, read from where its corners are."""

from __future__ import annotations

import math

from app.domain.types import Quad, Rotation

_QUARTERS: tuple[Rotation, ...] = (0, 90, 180, 270)


def quad_rotation(quad_px: Quad) -> Rotation:
    """How far a card is turned clockwise in the picture, to the nearest quarter.

    Args:
        quad_px: Corners (4, 2) from the card's own top left, clockwise.
    """
    # Both horizontal sides of the card, so that perspective on one of them does not tip the balance.
    top = quad_px[1] - quad_px[0]
    bottom = quad_px[2] - quad_px[3]
    direction = top + bottom
    degrees = math.degrees(math.atan2(float(direction[1]), float(direction[0])))
    return _QUARTERS[round(degrees / 90.0) % 4]
