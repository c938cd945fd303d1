"""Figures about judged answers that cannot flatter: no picture speaks for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np

from app.domain.learning_types import Answered
from app.domain.quality_types import Accuracy, CalibrationBin, JudgedAnswer, SeenAt, Share, TemplateEffect
from app.domain.scoring import expected_calibration_error
from app.domain.statistics import wilson_interval
from app.domain.types import Status

#: Bins of the curve that is drawn; the error is taken over more.
CURVE_BINS = 10
_MOST_LISTED = 50
_MOST_TEMPLATES = 12


def share(part: int, whole: int) -> Share:
    """A share with its interval."""
    return Share(part, whole, *wilson_interval(part, whole))


def accuracy_of(judged: Sequence[JudgedAnswer], disputed: Sequence[SeenAt] = ()) -> Accuracy:
    """What judged answers say about all answers.

    An answer that a template of the very same picture decided says nothing: it counts as what the gallery
    answers without anything learnt, and not at all where nobody knows that.

    Args:
        judged: Each crop once, the latest first.
        disputed: Accepted answers that a word contradicts which nothing has proved; each once, the latest
            first, and none of those judged.
    """
    # In pairs, not as answers made anew: there are thousands, and a figure of a page waits for them.
    counted = [(one, answer) for one in judged if (answer := _honest(one)) is not None]
    known = [(one, answer) for one, answer in counted if one.right_card_id is not None]
    strangers = [answer for one, answer in counted if one.right_card_id is None and one.is_card]
    accepted = [(one, answer) for one, answer in counted if answer.status is Status.ACCEPTED]
    named = [(one, answer) for one, answer in counted if answer.status is not Status.UNKNOWN]
    confidences = [answer.confidence_printing for _, answer in named]
    right = [_is_right(*pair) for pair in named]
    wrong = [one for (one, _), is_right in zip(named, right, strict=True) if not is_right]
    accepted_right = sum(_is_right(*pair) for pair in accepted)
    gained, lost = _turned([one for one, _ in counted])
    return Accuracy(
        judged=len(counted),
        left_out=len(judged) - len(counted),
        card=share(sum(_shows_picture(*pair) for pair in known), len(known)),
        printing=share(sum(_is_right(*pair) for pair in known), len(known)),
        accepted=share(accepted_right, len(accepted)),
        unknown=share(sum(answer.status is Status.UNKNOWN for answer in strangers), len(strangers)),
        calibration=_curve(confidences, right),
        calibration_error=expected_calibration_error(confidences, right),
        gained=len(gained),
        lost=len(lost),
        wrong_detections=tuple((one.scan_id, one.detection_id) for one in wrong[:_MOST_LISTED]),
        disputed=len(disputed),
        accepted_at_worst=share(accepted_right, len(accepted) + len(disputed)),
        disputed_detections=tuple(disputed[:_MOST_LISTED]),
    )


def _honest(one: JudgedAnswer) -> Answered | None:
    """The answer that counts; None where that is not known."""
    return one.alone if one.knew_itself else one.given


def effects_of(judged: Sequence[JudgedAnswer]) -> dict[UUID, TemplateEffect]:
    """What each learnt template did to judged answers, by the correction that it was learnt from.

    An answer as it was given is held against what the gallery's own pictures answer to the same crop, so it
    takes nothing but what is stored. That is not the same as answering all crops of the past anew: a template
    counts for what it decided since it was learnt, for answers that people chose to judge, and not for what
    its crop did in verification while another template decided. Answers to the very photo that it was learnt
    from count for nothing.
    """
    fair = [one for one in judged if one.learnt and not one.knew_itself]
    gained, lost = _turned(fair)
    decided = Counter(one.learnt_from for one in fair)
    return {
        correction_id: TemplateEffect(times, _seen(gained, correction_id), _seen(lost, correction_id))
        for correction_id, times in decided.items()
        if correction_id is not None
    }


def most_telling(effects: Mapping[UUID, TemplateEffect]) -> list[UUID]:
    """Which of them to show: those that spoil more than they mend, the worst first, then the most useful."""

    def worth(correction_id: UUID) -> int:
        return len(effects[correction_id].gained) - len(effects[correction_id].lost)

    turning = sorted((one for one, effect in effects.items() if effect.gained or effect.lost), key=str)
    harmful = sorted((one for one in turning if worth(one) < 0), key=worth)
    useful = sorted((one for one in turning if worth(one) >= 0), key=worth, reverse=True)
    return harmful[:_MOST_TEMPLATES] + useful[:_MOST_TEMPLATES]


def _turned(judged: Sequence[JudgedAnswer]) -> tuple[list[JudgedAnswer], list[JudgedAnswer]]:
    """Answers that learnt templates turned right, and those that they turned wrong."""
    learnt = [one for one in judged if one.learnt and not one.knew_itself and one.alone is not None]
    gained = [one for one in learnt if _is_right(one, one.given) and not _alone_is_right(one)]
    lost = [one for one in learnt if _alone_is_right(one) and not _is_right(one, one.given)]
    return gained, lost


def _seen(judged: Sequence[JudgedAnswer], correction_id: UUID) -> tuple[SeenAt, ...]:
    return tuple((one.scan_id, one.detection_id) for one in judged if one.learnt_from == correction_id)


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
        CalibrationBin(
            confidence_from=index / CURVE_BINS,
            confidence_to=(index + 1) / CURVE_BINS,
            mean_confidence=float(values[place == index].mean()),
            right=int(correct[place == index].sum()),
            answers=int((place == index).sum()),
        )
        for index in np.unique(place).tolist()
    )
