"""Chooses what is accepted and what is unknown from the precision that is asked for, where labels show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.domain.adjustment import LabelledAnswer
from app.domain.calibration import (
    ACCEPT_PRECISION,
    LEAST_PRINTING,
    PRINTING_PRECISION,
    UNKNOWN_RECALL,
    Calibration,
)
from app.domain.statistics import wilson_interval

#: Different cards of no gallery that the threshold of ``unknown`` is fitted on.
LEAST_UNKNOWN = 30


@dataclass(frozen=True, slots=True)
class Targets:
    """What the thresholds are chosen for, as shares.

    Attributes:
        picture: Of the accepted answers that show the right picture.
        printing: Of the accepted answers that name the right printing.
        unknown: Of the cards of no gallery that are called ``unknown``.
    """

    picture: float = ACCEPT_PRECISION
    printing: float = PRINTING_PRECISION
    unknown: float = UNKNOWN_RECALL


def with_thresholds(
    calibration: Calibration, answers: Sequence[LabelledAnswer], targets: Targets
) -> tuple[Calibration, tuple[str, ...]]:
    """The constants with each threshold that the labels can show to reach its target.

    A precision is shown where the lower end of its Wilson 95 % interval reaches the target. Of several such
    thresholds the least is taken, so a precision on other cards may come out a little lower.

    Args:
        calibration: Its other thresholds stay as they are.
        answers: With the confidences that this calibration gives.
        targets: What to reach.

    Returns:
        The constants, and a remark for each threshold that stays.
    """
    remarks = []
    card = _least_shown([(one.card, one.picture_right) for one in answers], targets.picture)
    if card is None:
        remarks.append(_kept("accept_card", targets.picture, len(answers)))
        card = calibration.accept_card
    else:
        # A printing is no likelier than its picture, so no answer is lost by this; and elsewhere the search
        # takes a picture that reaches accept_card for settled, whatever its printing.
        card = max(LEAST_PRINTING, card)
    sure = [one for one in answers if one.card >= card]
    printing = _least_shown([(one.printing, one.printing_right) for one in sure], targets.printing)
    if printing is None:
        remarks.append(_kept("accept_printing", targets.printing, len(sure)))
        printing = calibration.accept_printing
    else:
        printing = max(LEAST_PRINTING, printing)
    unknown = [one for one in answers if not one.known]
    known_at, different = calibration.known_at, len({one.picture for one in unknown})
    if different < LEAST_UNKNOWN:
        remarks.append(
            f"known_at stays: it takes {LEAST_UNKNOWN} different cards of no gallery, "
            f"and there are {different}"
        )
    else:
        known_at = round(float(np.quantile([one.card for one in unknown], targets.unknown)), 6)
    constants = replace(
        calibration,
        accept_card=card,
        accept_printing=printing,
        known_at=min(card, known_at),
    )
    return constants, tuple(remarks)


def answers_to_show(precision: float) -> int:
    """How many answers, all of them right, show a precision; 0 where none ever do."""
    if precision >= 1.0:
        return 0
    count = 1
    while wilson_interval(count, count)[0] < precision:
        count *= 2
    low = count // 2
    while count - low > 1:
        middle = (low + count) // 2
        low, count = (low, middle) if wilson_interval(middle, middle)[0] >= precision else (middle, count)
    return count


def _least_shown(answers: Sequence[tuple[float, bool]], precision: float) -> float | None:
    """The least probability from which on the answers show the precision."""
    ordered = sorted(answers, reverse=True)
    least, hits = None, 0
    for count, (probability, is_right) in enumerate(ordered, start=1):
        hits += is_right
        # Answers as likely as each other are accepted together or not at all.
        ends = count == len(ordered) or ordered[count][0] < probability
        if ends and wilson_interval(hits, count)[0] >= precision:
            least = math.floor(probability * 1e6) / 1e6
    return least


def _kept(threshold: str, precision: float, answers: int) -> str:
    needed = answers_to_show(precision)
    takes = f"it takes {needed} or more" if needed else "no number of labels does"
    return f"{threshold} stays: {answers} answers do not show a precision of {precision:.2%} ({takes})"
