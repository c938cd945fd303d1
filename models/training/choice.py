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
_STEPS, _HALVINGS, _ROUNDS = 100, 30, 100


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

    def losses(self, weights: Floats, strays: float = 0.0) -> Floats:
        """Negative logarithm of the probability of each right option, (cases,).

        Args:
            weights: (columns,).
            strays: The share of cases whose evidence says nothing at all: every option is as likely there.
        """
        odds = np.where(self.there, self.evidence @ weights, -np.inf)
        highest = odds.max(axis=1, keepdims=True)
        whole = highest[:, 0] + np.log(np.exp(odds - highest).sum(axis=1))
        losses = np.asarray(whole - odds[np.arange(len(odds)), self.right], np.float64)
        if not strays:
            return losses
        chance = (1.0 - strays) * np.exp(-losses) + strays / self.there.sum(axis=1)
        return np.asarray(-np.log(chance), np.float64)

    def probabilities(self, weights: Floats) -> Floats:
        """Of every option, (cases, options)."""
        odds = np.where(self.there, self.evidence @ weights, -np.inf)
        odds = np.exp(odds - odds.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float64)


def fit_choices(choices: Choices, strays: float = 0.0) -> Floats:
    """The likeliest weights of at least 0, (columns,).

    A weight that would fall below 0 is held there and the others are fitted again. With strays, by
    expectation and maximisation: each case counts by the chance that it is none.

    Args:
        choices: What was chosen.
        strays: As for ``Choices.losses``.
    """
    counts, weights = np.ones(len(choices.right)), np.zeros(choices.evidence.shape[2])
    for _ in range(_ROUNDS if strays else 1):
        before, weights = weights, _fit(choices, counts)
        counts = (1.0 - strays) * np.exp(choices.losses(weights, strays) - choices.losses(weights))
        if np.abs(weights - before).max() < 1e-6:
            break
    return weights


def _fit(choices: Choices, counts: Floats) -> Floats:
    columns = list(range(choices.evidence.shape[2]))
    weights = np.zeros(len(columns))
    while columns:
        part = Choices(choices.evidence[:, :, columns], choices.there, choices.right)
        found = _newton(part, counts)
        if (found >= 0).all():
            weights[columns] = found
            break
        columns = [column for column, value in zip(columns, found, strict=True) if value >= 0]
    return weights


def _newton(choices: Choices, counts: Floats) -> Floats:
    weights = np.zeros(choices.evidence.shape[2])
    loss = _penalised(choices, counts, weights)
    shown = np.take_along_axis(choices.evidence, choices.right[:, None, None], axis=1)[:, 0]
    for _ in range(_STEPS):
        share = choices.probabilities(weights)
        mean = np.einsum("no,nok->nk", share, choices.evidence)
        slope = counts @ (shown - mean) - _RIDGE * weights
        away = choices.evidence - mean[:, None]
        bend = np.einsum("n,no,nok,nol->kl", counts, share, away, away) + _RIDGE * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        for _ in range(_HALVINGS):
            nearer = _penalised(choices, counts, weights + step)
            if nearer <= loss:
                break
            step = step / 2.0
        weights, before, loss = weights + step, loss, nearer
        if before - loss < 1e-9:
            break
    return weights


def _penalised(choices: Choices, counts: Floats, weights: Floats) -> float:
    return float(counts @ choices.losses(weights) + 0.5 * _RIDGE * np.square(weights).sum())
