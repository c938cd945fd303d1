"""Re-fits confidences and thresholds on labelled answers, and says on held-out cards what that gains.

Each kind of answer (``AnswerKind``) is fitted by itself, where it has labels enough; the others keep their
constants. So does a kind whose cross-validated log loss does not fall.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.domain.adjustment import (
    Adjustment,
    LabelledAnswer,
    fit_card,
    fit_printing_scale,
    log_loss,
    with_printings,
)
from app.domain.calibration import Calibration, Calibrations
from app.domain.errors import LabelsError
from app.domain.scoring import expected_calibration_error
from app.domain.thresholds import Targets, with_thresholds
from app.domain.types import AnswerKind, Confidence, Status

#: Different pictures that one kind of answer must have labels of; and of them, answered rightly and wrongly.
#: Without wrong answers (cards of no gallery are such) nothing would tell how sure is too sure.
LEAST_PICTURES, LEAST_RIGHT, LEAST_WRONG = 60, 10, 10
#: Different pictures of several printings that a scale of the printings is fitted on.
LEAST_PRINTED = 30
#: Cards are dealt into this many parts; each is judged by constants fitted on the others.
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """How good confidences and statuses are. Log losses in nats; pairs are (how often, of how many)."""

    log_loss_card: float
    log_loss_printing: float
    ece_card: float
    ece_printing: float
    accepted_picture_right: tuple[int, int]
    accepted_printing_right: tuple[int, int]
    known_accepted: tuple[int, int]
    known_called_unknown: tuple[int, int]
    unknown_called_unknown: tuple[int, int]


@dataclass(frozen=True, slots=True)
class KindFit:
    """What came of one kind of answer.

    Attributes:
        answers: How many were labelled.
        adjustment: Of all of them; changes nothing where that is no better.
        calibration: The new constants; None where the old ones stay.
        remarks: What was left as it was, and why.
        before: Answers and statuses of the old constants.
        after: The same answers, each by constants that were fitted without its picture.
    """

    kind: AnswerKind
    answers: int
    adjustment: Adjustment
    calibration: Calibration | None
    remarks: tuple[str, ...]
    before: tuple[tuple[LabelledAnswer, Status], ...]
    after: tuple[tuple[LabelledAnswer, Status], ...]


@dataclass(frozen=True, slots=True)
class Refit:
    """What labels make of an encoder's confidences.

    Attributes:
        kinds: Those with labels enough.
        left_out: Why others keep their constants.
        calibrations: All constants; None where no kind is better for the fit.
        before: Of the answers of ``kinds`` together.
        after: Likewise, cross-validated.
    """

    kinds: tuple[KindFit, ...]
    left_out: tuple[str, ...]
    calibrations: Calibrations | None
    before: Figures
    after: Figures


def refit(answers: Sequence[LabelledAnswer], calibrations: Calibrations, targets: Targets) -> Refit:
    """Fits each kind of answer that has labels enough.

    Args:
        answers: As ``calibrations`` gave them.
        calibrations: Constants to start from.
        targets: For the thresholds.

    Raises:
        LabelsError: no kind has labels enough; the message says how many it takes and how many there are.
    """
    fits, left_out = [], []
    for kind in AnswerKind:
        mine = [one for one in answers if one.kind is kind]
        constants = calibrations.of_kind(kind)
        if mine and constants is not None:
            if _are_enough(mine):
                fits.append(_fit_kind(kind, mine, constants, targets))
            else:
                left_out.append(_count(kind, mine))
    if not fits:
        raise LabelsError(
            f"too few labels to fit confidences on: one kind of answer needs {LEAST_PICTURES} different "
            f"cards, {LEAST_RIGHT} of them answered rightly and {LEAST_WRONG} wrongly (cards of no gallery "
            f"count as such); here: {'; '.join(left_out) or 'none with corners and card_id or in_gallery'}"
        )
    better = {one.kind.value: one.calibration for one in fits if one.calibration is not None}
    return Refit(
        kinds=tuple(fits),
        left_out=tuple(left_out),
        calibrations=replace(calibrations, **better) if better else None,
        before=_figures([one for fit in fits for one in fit.before]),
        after=_figures([one for fit in fits for one in fit.after]),
    )


def _pictures(answers: Iterable[LabelledAnswer]) -> int:
    return len({one.picture for one in answers})


def _sides(answers: Sequence[LabelledAnswer]) -> tuple[int, int]:
    """Different pictures that were answered rightly, and wrongly."""
    right = _pictures(one for one in answers if one.picture_right)
    return right, _pictures(one for one in answers if not one.picture_right)


def _are_enough(answers: Sequence[LabelledAnswer]) -> bool:
    right, wrong = _sides(answers)
    return _pictures(answers) >= LEAST_PICTURES and right >= LEAST_RIGHT and wrong >= LEAST_WRONG


def _count(kind: AnswerKind, answers: Sequence[LabelledAnswer]) -> str:
    right, wrong = _sides(answers)
    return f"{kind.value} has {_pictures(answers)} ({right} rightly, {wrong} wrongly)"


@dataclass(frozen=True, slots=True)
class _Trial:
    """One part of the cards, and what was fitted on the others."""

    adjustment: Adjustment
    rest: tuple[LabelledAnswer, ...]
    held_out: tuple[LabelledAnswer, ...]

    def printing_shares(self, *, adjusted: bool) -> list[float]:
        scale = self.adjustment.printing_scale if adjusted else 1.0
        answers = with_printings(self.held_out)
        return [one.odds.share_of_the_first(scale) for one in answers if one.odds is not None]


def _fit_kind(
    kind: AnswerKind, answers: Sequence[LabelledAnswer], old: Calibration, targets: Targets
) -> KindFit:
    printed = _pictures(with_printings(answers))
    fits_printings = printed >= LEAST_PRINTED
    trials = _trials(answers, fits_printings)
    card_helps, remarks = _card_helps(trials)
    printing_helps = False
    if fits_printings:
        printing_helps, more = _printing_helps(trials)
        remarks += more
    else:
        remarks += (
            f"printings stay: it takes {LEAST_PRINTED} different pictures of several printings, "
            f"and there are {printed}",
        )
    before = tuple((one, _status(old, one)) for trial in trials for one in trial.held_out)
    adjustment = _only(_fit(answers, fits_printings), card=card_helps, printing=printing_helps)
    # Thresholds follow from their targets, whether or not the confidences are as good as they get.
    calibration, kept = _constants(old, adjustment, answers, targets)
    if calibration == old:
        return KindFit(kind, len(answers), adjustment, None, remarks + kept, before, before)
    after = []
    for trial in trials:
        part = _only(trial.adjustment, card=card_helps, printing=printing_helps)
        constants, _ = _constants(old, part, trial.rest, targets)
        moved = [part.of(one) for one in trial.held_out]
        after += [(one, _status(constants, one)) for one in moved]
    return KindFit(kind, len(answers), adjustment, calibration, remarks + kept, before, tuple(after))


def _fit(answers: Sequence[LabelledAnswer], fits_printings: bool) -> Adjustment:
    scale = fit_printing_scale(answers) if fits_printings else 1.0
    return replace(fit_card(answers), printing_scale=scale)


def _constants(
    old: Calibration, adjustment: Adjustment, answers: Sequence[LabelledAnswer], targets: Targets
) -> tuple[Calibration, tuple[str, ...]]:
    moved = [adjustment.of(one) for one in answers]
    return with_thresholds(adjustment.constants(old), moved, targets)


def _only(adjustment: Adjustment, *, card: bool, printing: bool) -> Adjustment:
    """The parts of an adjustment that helped."""
    return Adjustment(
        scale=adjustment.scale if card else 1.0,
        shift=adjustment.shift if card else 0.0,
        printing_scale=adjustment.printing_scale if printing else 1.0,
    )


def _trials(answers: Sequence[LabelledAnswer], fits_printings: bool) -> list[_Trial]:
    """Deals the pictures into parts that have as many wrong answers, in an order of no meaning."""
    wrong = {one.picture for one in answers if not one.picture_right}
    pictures = {one.picture for one in answers}
    ordered = sorted(pictures, key=lambda name: (name in wrong, zlib.crc32(name.encode()), name))
    part_of = {picture: place % FOLDS for place, picture in enumerate(ordered)}
    trials = []
    for part in range(FOLDS):
        rest = tuple(one for one in answers if part_of[one.picture] != part)
        held_out = tuple(one for one in answers if part_of[one.picture] == part)
        trials.append(_Trial(_fit(rest, fits_printings), rest, held_out))
    return trials


def _card_helps(trials: Sequence[_Trial]) -> tuple[bool, tuple[str, ...]]:
    held_out = [one for trial in trials for one in trial.held_out]
    right = [one.picture_right for one in held_out]
    without = log_loss([one.card for one in held_out], right)
    moved = [trial.adjustment.of(one).card for trial in trials for one in trial.held_out]
    return _helps("picture", log_loss(moved, right), without)


def _printing_helps(trials: Sequence[_Trial]) -> tuple[bool, tuple[str, ...]]:
    right = [one.printing_right for trial in trials for one in with_printings(trial.held_out)]
    without = [share for trial in trials for share in trial.printing_shares(adjusted=False)]
    moved = [share for trial in trials for share in trial.printing_shares(adjusted=True)]
    return _helps("printing", log_loss(moved, right), log_loss(without, right))


def _helps(what: str, loss: float, without: float) -> tuple[bool, tuple[str, ...]]:
    if loss < without:
        return True, ()
    remark = f"{what} stays: on held-out cards the log loss is {loss:.4f} with the fit, {without:.4f} without"
    return False, (remark,)


def _status(calibration: Calibration, answer: LabelledAnswer) -> Status:
    return calibration.status(Confidence(answer.card, answer.printing))


def _figures(judged: Sequence[tuple[LabelledAnswer, Status]]) -> Figures:
    answers = [one for one, _ in judged]
    cards, printings = [one.card for one in answers], [one.printing for one in answers]
    pictures_right, printings_right = (
        [one.picture_right for one in answers],
        [one.printing_right for one in answers],
    )
    accepted = [one for one, status in judged if status is Status.ACCEPTED]
    known = [status for one, status in judged if one.known]
    unknown = [status for one, status in judged if not one.known]
    return Figures(
        log_loss_card=log_loss(cards, pictures_right),
        log_loss_printing=log_loss(printings, printings_right),
        ece_card=expected_calibration_error(cards, pictures_right) or 0.0,
        ece_printing=expected_calibration_error(printings, printings_right) or 0.0,
        accepted_picture_right=(sum(one.picture_right for one in accepted), len(accepted)),
        accepted_printing_right=(sum(one.printing_right for one in accepted), len(accepted)),
        known_accepted=(known.count(Status.ACCEPTED), len(known)),
        known_called_unknown=(known.count(Status.UNKNOWN), len(known)),
        unknown_called_unknown=(unknown.count(Status.UNKNOWN), len(unknown)),
    )
