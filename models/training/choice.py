"""Conditional logit: how likely each of several options is the right one, and what evidence weighs in that.

McFadden, "Conditional Logit Analysis of Qualitative Choice Behavior", 1974. The likelihood is concave, so
Newton's method finds the one best answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Pulls weights towards 0 where every case is decided rightly, and any weight would do.
_RIDGE = 1e-3
_STEPS, _HALVINGS = 100, 30


@dataclass(frozen=True, slots=True)
class Choices:
    """Cases in each of which one option is right.

    Attributes:
        evidence: What speaks for each option, (cases, options, columns); any number where no option is.
        there: Which options there are, (cases, options).
        right: The number of the right option, (cases,).
    """

    evidence: Floats
    there: NDArray[np.bool_]
    right: NDArray[np.int_]

    def losses(self, weights: Floats) -> Floats:
        """Negative logarithm of the probability of each right option, (cases,)."""
        odds = np.where(self.there, self.evidence @ weights, -np.inf)
        highest = odds.max(axis=1, keepdims=True)
        whole = highest[:, 0] + np.log(np.exp(odds - highest).sum(axis=1))
        return np.asarray(whole - odds[np.arange(len(odds)), self.right], np.float64)

    def probabilities(self, weights: Floats) -> Floats:
        """Of every option, (cases, options)."""
        odds = np.where(self.there, self.evidence @ weights, -np.inf)
        odds = np.exp(odds - odds.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float64)


def fit_choices(choices: Choices) -> Floats:
    """The likeliest weights of at least 0, (columns,).

    A weight that would fall below 0 is held there and the others are fitted again.
    """
    columns = list(range(choices.evidence.shape[2]))
    weights = np.zeros(len(columns))
    while columns:
        part = Choices(choices.evidence[:, :, columns], choices.there, choices.right)
        found = _newton(part)
        if (found >= 0).all():
            weights[columns] = found
            break
        columns = [column for column, value in zip(columns, found, strict=True) if value >= 0]
    return weights


def _newton(choices: Choices) -> Floats:
    weights = np.zeros(choices.evidence.shape[2])
    loss = _penalised(choices, weights)
    shown = np.take_along_axis(choices.evidence, choices.right[:, None, None], axis=1)[:, 0]
    for _ in range(_STEPS):
        share = choices.probabilities(weights)
        mean = np.einsum("no,nok->nk", share, choices.evidence)
        slope = (shown - mean).sum(axis=0) - _RIDGE * weights
        away = choices.evidence - mean[:, None]
        bend = np.einsum("no,nok,nol->kl", share, away, away) + _RIDGE * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        for _ in range(_HALVINGS):
            nearer = _penalised(choices, weights + step)
            if nearer <= loss:
                break
            step = step / 2.0
        weights, before, loss = weights + step, loss, nearer
        if before - loss < 1e-9:
            break
    return weights


def _penalised(choices: Choices, weights: Floats) -> float:
    return float(choices.losses(weights).sum() + 0.5 * _RIDGE * np.square(weights).sum())
