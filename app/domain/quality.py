"""Figures about judged answers that cannot flatter: no picture speaks for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.domain.learning_types import Answered
from app.domain.quality_types import Accuracy, CalibrationBin, JudgedAnswer, Share
from app.domain.scoring import expected_calibration_error
from app.domain.statistics import wilson_interval
from app.domain.types import Status

#: Bins of the curve that is drawn; the error is taken over more.
CURVE_BINS = 10
_MOST_WRONG = 50


def share(part: int, whole: int) -> Share:
    """A share with its interval."""
    return Share(part, whole, *wilson_interval(part, whole))


def accuracy_of(judged: Sequence[JudgedAnswer]) -> Accuracy:
    """What judged answers say about all answers.

    An answer that a template of the very same picture decided says nothing: it counts as what the gallery
    answers without anything learnt, and not at all where nobody knows that.

    Args:
        judged: Each picture of a card once, the latest first.
    """
    honest = [(one, one.alone if one.knew_itself else one.given) for one in judged]
    counted = [replace(one, given=answer) for one, answer in honest if answer is not None]
    known = [one for one in counted if one.right_card_id is not None]
    strangers = [one for one in counted if one.right_card_id is None]
    accepted = [one for one in counted if one.given.status is Status.ACCEPTED]
    named = [one for one in counted if one.given.status is not Status.UNKNOWN]
    confidences = [one.given.confidence_printing for one in named]
    right = [_is_right(one, one.given) for one in named]
    wrong = [one for one, is_right in zip(named, right, strict=True) if not is_right]
    learnt = [one for one in counted if one.learnt and not one.knew_itself and one.alone is not None]
    return Accuracy(
        judged=len(counted),
        left_out=len(judged) - len(counted),
        card=share(sum(_shows_picture(one, one.given) for one in known), len(known)),
        printing=share(sum(_is_right(one, one.given) for one in known), len(known)),
        accepted=share(sum(_is_right(one, one.given) for one in accepted), len(accepted)),
        unknown=share(sum(one.given.status is Status.UNKNOWN for one in strangers), len(strangers)),
        calibration=_curve(confidences, right),
        calibration_error=expected_calibration_error(confidences, right),
        gained=sum(_is_right(one, one.given) and not _alone_is_right(one) for one in learnt),
        lost=sum(_alone_is_right(one) and not _is_right(one, one.given) for one in learnt),
        wrong_detections=tuple((one.scan_id, one.detection_id) for one in wrong[:_MOST_WRONG]),
    )


def _is_right(one: JudgedAnswer, answer: Answered) -> bool:
    named = None if answer.status is Status.UNKNOWN else answer.card_id
    return named == one.right_card_id


def _alone_is_right(one: JudgedAnswer) -> bool:
    return one.alone is not None and _is_right(one, one.alone)


def _shows_picture(one: JudgedAnswer, answer: Answered) -> bool:
    if answer.status is Status.UNKNOWN:
        return False
    same_group = answer.artwork_group_id is not None and answer.artwork_group_id == one.right_group
    return same_group or answer.card_id == one.right_card_id


def _curve(confidences: Sequence[float], right: Sequence[bool]) -> tuple[CalibrationBin, ...]:
    values, correct = np.asarray(confidences, np.float64), np.asarray(right, bool)
    place = np.minimum((values * CURVE_BINS).astype(int), CURVE_BINS - 1)
    return tuple(
        CalibrationBin(float(values[inside].mean()), int(correct[inside].sum()), int(inside.sum()))
        for inside in (place == index for index in range(CURVE_BINS))
        if inside.any()
    )
