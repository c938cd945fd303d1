"""Moves confidences onto what labels say: a scale and a shift for the picture, a scale for the printing.

Platt, "Probabilistic Outputs for Support Vector Machines", 1999, fits such a line through the log-odds; Guo,
Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", 2017, a temperature. Both pull here
towards changing nothing, so that few labels change little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.domain.calibration import Calibration, log_odds, logistic
from app.domain.types import AnswerKind

#: How far a scale (around 1), a shift (around 0, in nats) and the logarithm of a printing's scale (around 0)
#: stray before any label is seen: one standard deviation of a normal distribution each.
SCALE_SPREAD, SHIFT_SPREAD, PRINTING_SPREAD = 0.5, 1.0, 0.5
#: A smaller scale would let confidence no longer rise with evidence.
LEAST_SCALE = 0.1
_LADDER = np.geomspace(0.125, 8.0, 121)
_NEWTON_STEPS = 50

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PrintingOdds:
    """How the other printings of the leading picture stand against the first candidate.

    Attributes:
        measured: Log-odds of each against the first that a printing's scale multiplies.
        given: Log-odds likewise that no scale changes: what the neighbours on the page say.
        counts: How many printings each entry stands for, at least 1.
    """

    measured: tuple[float, ...]
    given: tuple[float, ...]
    counts: tuple[int, ...]

    def share_of_the_first(self, scale: float) -> float:
        """Probability of the first printing given that the picture is right."""
        nats = scale * np.array(self.measured) + np.array(self.given)
        others = np.array(self.counts) * np.exp(np.clip(nats, -700.0, 700.0))
        return float(1.0 / (1.0 + others.sum()))


@dataclass(frozen=True, slots=True)
class LabelledAnswer:
    """One answer beside what its label says.

    Attributes:
        picture: Names the picture that was photographed: answers about one are never on both sides of a
            cross-validation.
        kind: Which constants the confidences come from.
        card: Probability that the first candidate shows the right picture, above 0.
        printing: Probability that it is the very printing.
        picture_right: Whether it shows the right picture; False for cards of no gallery.
        printing_right: Whether it is the very printing.
        known: Whether the gallery has the card.
        odds: None where the leading picture has one printing alone.
    """

    picture: str
    kind: AnswerKind
    card: float
    printing: float
    picture_right: bool
    printing_right: bool
    known: bool
    odds: PrintingOdds | None = None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change of one kind's confidences; the default changes nothing."""

    scale: float = 1.0
    shift: float = 0.0
    printing_scale: float = 1.0

    def of(self, answer: LabelledAnswer) -> LabelledAnswer:
        """The answer with the confidences that the changed constants give it."""
        card = logistic(self.scale * log_odds(answer.card) + self.shift)
        share = min(1.0, answer.printing / answer.card)
        if answer.odds is not None:
            share = answer.odds.share_of_the_first(self.printing_scale)
        return replace(answer, card=card, printing=card * share)

    def constants(self, calibration: Calibration) -> Calibration:
        """The constants that give those confidences; thresholds stay."""
        return replace(
            calibration,
            bias=self.scale * calibration.bias + self.shift,
            margin_weight=self.scale * calibration.margin_weight,
            similarity_weight=self.scale * calibration.similarity_weight,
            agreement_weight=self.scale * calibration.agreement_weight,
            printing_temperature=calibration.printing_temperature / self.printing_scale,
            # Both count in units of the temperature.
            difference_nats=calibration.difference_nats * self.printing_scale,
            text_nats=calibration.text_nats * self.printing_scale,
            compared_temperature=calibration.compared_temperature / self.printing_scale,
            unclear_temperature=calibration.unclear_temperature / self.printing_scale,
        )


def log_loss(probabilities: Sequence[float], right: Sequence[bool]) -> float:
    """Mean negative log-likelihood in nats; 0 without any."""
    odds = np.array([log_odds(one) for one in probabilities])
    return float(_losses(odds, np.array(right, dtype=np.float64)).mean()) if len(odds) else 0.0


def fit_card(answers: Sequence[LabelledAnswer]) -> Adjustment:
    """The likeliest scale and shift of the log-odds of ``card``, pulled towards 1 and 0."""
    odds = np.array([log_odds(one.card) for one in answers], dtype=np.float64)
    right = np.array([one.picture_right for one in answers], dtype=np.float64)
    scale, shift = _fit_line(odds, right, start=(1.0, 0.0), free=(True, True))
    if scale < LEAST_SCALE:
        scale, shift = _fit_line(odds, right, start=(LEAST_SCALE, shift), free=(False, True))
    return Adjustment(scale=scale, shift=shift)


def fit_printing_scale(answers: Sequence[LabelledAnswer]) -> float:
    """The likeliest scale of the printings' log-odds, from a ladder and pulled towards 1.

    Args:
        answers: Only those with the right picture and several printings of it count.
    """
    asked = [(one.odds, one.printing_right) for one in with_printings(answers) if one.odds is not None]
    if not asked:
        return 1.0
    right = [is_right for _, is_right in asked]
    whose = np.repeat(np.arange(len(asked)), [len(odds.counts) for odds, _ in asked])
    measured = np.concatenate([odds.measured for odds, _ in asked])
    given = np.concatenate([odds.given for odds, _ in asked])
    counts = np.concatenate([odds.counts for odds, _ in asked])

    def cost(scale: float) -> float:
        nats = np.clip(scale * measured + given, -700.0, 700.0)
        others = np.bincount(whose, counts * np.exp(nats), minlength=len(asked))
        loss = len(asked) * log_loss((1.0 / (1.0 + others)).tolist(), right)
        return loss + 0.5 * (math.log(scale) / PRINTING_SPREAD) ** 2

    return min(map(float, _LADDER), key=cost)


def with_printings(answers: Sequence[LabelledAnswer]) -> list[LabelledAnswer]:
    """Answers that name the right picture, where that has several printings."""
    return [one for one in answers if one.picture_right and one.odds is not None]


def _fit_line(
    odds: Floats, right: Floats, start: tuple[float, float], free: tuple[bool, bool]
) -> tuple[float, float]:
    """Newton's method with halved steps on a convex cost; what is not free stays where it starts."""
    columns = np.stack([odds, np.ones_like(odds)], axis=1)
    pull = 1.0 / np.square([SCALE_SPREAD, SHIFT_SPREAD])
    centre, held = np.array([1.0, 0.0]), ~np.array(free)
    line = np.array(start)

    def cost(at: Floats) -> float:
        return float(_losses(columns @ at, right).sum() + 0.5 * (pull * np.square(at - centre)).sum())

    for _ in range(_NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(columns @ line, -700.0, 700.0)))
        gradient = columns.T @ (p - right) + pull * (line - centre)
        hessian = (columns * (p * (1.0 - p))[:, None]).T @ columns + np.diag(pull)
        gradient[held], hessian[held, :], hessian[:, held] = 0.0, 0.0, 0.0
        hessian[held, held] = 1.0
        step = np.linalg.solve(hessian, gradient)
        while cost(line - step) > cost(line) and np.abs(step).max() > 1e-9:
            step = step / 2.0
        line = line - step
        if np.abs(step).max() < 1e-9:
            break
    return float(line[0]), float(line[1])


def _losses(odds: Floats, right: Floats) -> Floats:
    """Negative log-likelihood of each, (n,) from log-odds (n,) and 0 or 1 (n,)."""
    losses: Floats = np.logaddexp(0.0, odds) - right * odds
    return losses
