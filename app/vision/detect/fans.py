"""Cards of a fan: each lies under the next, turned against it, and shows a part of itself."""

from __future__ import annotations

import numpy as np

from app.domain.geometry import quad_iou
from app.vision.detect.candidates import Quads
from app.vision.detect.pool import Floats64, Mask
from app.vision.detect.shapes import angle_between, turns

#: Of such a card only patches show, and fewer cells agree on it.
_LEAST_SCORE = 0.2
#: It overlaps a card above it by so much, and is turned against it by so many radians.
_LEAST_IOU, _LEAST_TURN = 0.2, 0.1
#: Cards of a fan overlap by three quarters of each at most; what overlaps more is one card.
SAME_FANNED_IOU = 0.6
#: Two looks from straight above whose quads overlap so much saw one card.
_MEANT_IOU = 0.75


def lie_under(quads: Quads, score: Floats64, sure: Quads, sure_score: Floats64) -> Mask:
    """Marks what may be a card of a fan that lies under another.

    Args:
        quads: (count, 4, 2), with what the first look gave each, (count,).
        score: Likewise.
        sure: What is a card for all we know, (others, 4, 2), with its scores, (others,).
        sure_score: Likewise.
    """
    turn, sure_turn = turns(quads), turns(sure)
    under = np.zeros(len(quads), dtype=bool)
    for one in np.flatnonzero(score >= _LEAST_SCORE):
        above = (sure_score > score[one]) & (angle_between(sure_turn, turn[one]) > _LEAST_TURN)
        under[one] = any(quad_iou(quads[one], other) > _LEAST_IOU for other in sure[above])
    return under


def are_among(quads: Quads, known: Quads) -> Mask:
    """Marks those that mean one of the known cards, (count,)."""
    same = [any(quad_iou(one, other) > SAME_FANNED_IOU for other in known) for one in quads]
    return np.array(same, dtype=bool)


def score_together(quads: Quads, first: Floats64) -> Floats64:
    """Scores of the first look, where it saw one covered card several times: each got a part of its cells.

    The patches that show guess at the hidden corners, and their guesses do not meet at once; that they mean
    the same card is seen when all have been looked at again.

    Args:
        quads: As the second look saw them, (count, 4, 2).
        first: Scores of the first look, (count,).
    """
    scores = [sum(first[[quad_iou(one, other) > _MEANT_IOU for other in quads]]) for one in quads]
    return np.minimum(1.0, np.array(scores, np.float64))
