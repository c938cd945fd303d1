"""Logistic regression with weights of at least zero, for labels of which a few are not what they seem."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RIDGE = 1e-3  # pulls weights towards 0 where every case is told apart, and any weight would do
_NEWTON_STEPS, _ROUNDS = 100, 100


def fit_logistic(evidence: Floats, right: Floats, lookalikes: float = 0.0) -> tuple[float, ...]:
    """The likeliest weights where a share of the cases that would be right has a lookalike.

    Such a case shows all the evidence and is wrong all the same:
    ``P(right) = (1 - lookalikes) * logistic(w x)``. Answers are given by ``logistic(w x)`` alone: how many
    lookalikes a gallery has is its own, and here they are two in a thousand. Without the share a dozen of
    them in twelve thousand decide how steep the whole curve is, because a case that was nearly sure and is
    wrong costs more than hundreds of others. Expectation and maximisation (Dempster, Laird and Rubin 1977):
    each wrong case counts as right by the chance that it is a lookalike.

    Args:
        evidence: (cases, columns), the first column ones.
        right: (cases,), 0 or 1.
        lookalikes: That share, below 1.

    Returns:
        One weight a column; all but the first at least 0.
    """
    target, weights = right, np.zeros(evidence.shape[1])
    for _ in range(_ROUNDS if lookalikes else 1):
        before, weights = weights, _fit(evidence, target)
        p = _probability(evidence @ weights)
        target = np.where(right > 0, 1.0, lookalikes * p / (1.0 - (1.0 - lookalikes) * p))
        if np.abs(weights - before).max() < 1e-6:
            break
    return tuple(float(weight) for weight in weights)


def likeliest_share(evidence: Floats, right: Floats, shares: tuple[float, ...]) -> float:
    """The share of lookalikes, of those given, under which the cases are likeliest."""
    losses = []
    for lookalikes in shares:
        p = (1.0 - lookalikes) * _probability(evidence @ np.array(fit_logistic(evidence, right, lookalikes)))
        p = np.clip(p, 1e-12, 1.0 - 1e-12)
        losses.append(-np.where(right > 0, np.log(p), np.log1p(-p)).mean())
    return shares[int(np.argmin(losses))]


def _fit(evidence: Floats, target: Floats) -> Floats:
    """Newton's method; a weight that would fall below zero is held there and the others are fitted again.

    Columns that say nothing get a weight of zero.
    """
    free = [column for column in range(evidence.shape[1]) if not column or evidence[:, column].std() > 0]
    weights = np.zeros(evidence.shape[1])
    while True:
        solution = _newton(evidence[:, free], target)
        negative = [name for name, value in zip(free, solution, strict=True) if name and value < 0]
        if not negative:
            weights[free] = solution
            return weights
        free = [name for name in free if name not in negative]


def _newton(columns: Floats, target: Floats) -> Floats:
    solution = np.zeros(columns.shape[1])
    for _ in range(_NEWTON_STEPS):
        p = _probability(columns @ solution)
        gradient = columns.T @ (target - p) - _RIDGE * solution
        hessian = (columns * (p * (1 - p))[:, None]).T @ columns + _RIDGE * np.eye(len(solution))
        step = np.linalg.solve(hessian, gradient)
        solution += step
        if np.abs(step).max() < 1e-9:
            break
    return solution


def _probability(odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -30, 30))), np.float64)
