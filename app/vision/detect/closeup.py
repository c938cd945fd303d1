"""Recognises a picture that is itself one card, cut out tightly."""

from __future__ import annotations

import numpy as np

from app.domain.types import CARD_ASPECT
from app.vision.detect.complete import Found
from app.vision.detect.detail import print_share_beside, print_shares
from app.vision.detect.planes import Planes
from app.vision.detect.shapes import angle_between, areas, turns

#: Cards are 0.716 as wide as high; sheets of A4 (0.707) and prints (5:7) are near, photos (3:4) are not.
_MAX_ASPECT_ERROR = 0.035
_MIN_PRINT_SHARE = 0.6
#: What is left of a card beside its art box or a panel is printed as well, a table beside a card is not.
_MIN_BESIDE_PRINT_SHARE = 0.5
_SCORE = 0.5
#: Parts of a card's print that are found alone: an art box or a panel, straight, this share of the card.
_PART_SHARES = (0.2, 0.7)
_MAX_PARTS = 3
_SPECK_SHARE = 0.008
_MAX_PART_TURN = np.radians(1.5)


def or_whole_picture(planes: Planes, cards: Found) -> Found:
    """What was found, or the whole picture where it has a card's shape and print and at most parts of one."""
    width, height = planes.size
    shape = min(width, height) / max(width, height)
    if abs(np.log(shape / CARD_ASPECT)) > _MAX_ASPECT_ERROR or not _are_parts(planes, cards):
        return cards
    whole = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], dtype=np.float64)
    if print_shares(planes.color, whole)[0] < _MIN_PRINT_SHARE:
        return cards
    if print_share_beside(planes.color, whole, cards.quads) < _MIN_BESIDE_PRINT_SHARE:
        return cards
    return Found(whole, np.array([_SCORE]))


def _are_parts(planes: Planes, cards: Found) -> bool:
    """Whether nothing was found but specks, or a few straight parts too large for a card among others."""
    if len(cards.quads) == 0:
        return True
    share = areas(cards.quads) / (planes.size[0] * planes.size[1])
    if share.max() < _SPECK_SHARE:
        return True
    straight = angle_between(turns(cards.quads), np.zeros(len(share))) < _MAX_PART_TURN
    return bool(
        len(share) <= _MAX_PARTS and straight.all() and _PART_SHARES[0] < share.max() < _PART_SHARES[1]
    )
