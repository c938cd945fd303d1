"""Recognises a picture that is itself one card, cut out tightly."""

from __future__ import annotations

import cv2
import numpy as np

from app.domain.types import CARD_ASPECT
from app.vision.detect.complete import Found
from app.vision.detect.detail import print_shares
from app.vision.detect.planes import Planes
from app.vision.detect.second_look import look_again
from app.vision.detect.shapes import angle_between, areas, turns
from app.vision.detect.votes import Finder

#: Cards are 0.716 as wide as high; sheets of A4 (0.707) and prints (5:7) are near, photos (3:4) are not.
_MAX_ASPECT_ERROR = 0.035
_MIN_PRINT_SHARE = 0.6
_SCORE = 0.5
#: Ground around a picture that may be one card, as a share of its long side, and what a look must see there.
_GROUND_SHARE = 0.3
_LEAST_SEEN_SCORE = 0.8
#: Parts of a card's print that are found alone: an art box or a panel, straight, this share of the card.
_PART_SHARES = (0.2, 0.7)
_MAX_PARTS = 3
_SPECK_SHARE = 0.008
_MAX_PART_TURN = np.radians(1.5)


def or_whole_picture(planes: Planes, cards: Found) -> Found:
    """What was found, or the whole picture where it has a card's shape and print and at most parts of one."""
    width, height = planes.size
    if not _has_a_cards_shape(planes) or not _are_parts(planes, cards):
        return cards
    whole = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], dtype=np.float64)
    if print_shares(planes.color, whole)[0] < _MIN_PRINT_SHARE:
        return cards
    return Found(whole, np.array([_SCORE]))


def or_whole_seen(planes: Planes, cards: Found, finder: Finder) -> Found:
    """What was found, or the whole picture where that has a card's shape and the finder sees a card in it.

    Of a card cut out tightly no edge is seen: put on a black ground, it has all four. So 39 of 41 real cards
    that the finder had not seen whole get a score of 0.85 and more, and 2 of 90 tables cut to a card's shape.
    """
    width, height = planes.size
    share = areas(cards.quads) / (width * height)
    if not _has_a_cards_shape(planes) or share.max(initial=0.0) > _PART_SHARES[1]:
        return cards
    margin = round(_GROUND_SHARE * max(width, height))
    on_black = cv2.copyMakeBorder(
        planes.picture, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(0, 0, 0)
    )
    whole = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], dtype=np.float64)
    _, score = look_again(np.asarray(on_black, np.uint8), whole + margin, finder)
    return Found(whole, score) if score[0] >= _LEAST_SEEN_SCORE else cards


def _has_a_cards_shape(planes: Planes) -> bool:
    shape = min(planes.size) / max(planes.size)
    return abs(float(np.log(shape / CARD_ASPECT))) <= _MAX_ASPECT_ERROR


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
