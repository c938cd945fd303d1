"""How honest and how telling probabilities are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from app.domain.scoring import expected_calibration_error

#: Bins of the expected calibration error.
BINS = 15


@dataclass(frozen=True, slots=True)
class Honesty:
    """How well one kind of confidence agrees with what was right; None where nothing can be said.

    Attributes:
        answers: How many there were.
        ece: Expected calibration error over 15 bins.
        brier: Mean squared distance between confidence and truth.
        auroc: How often a right answer has more confidence than a wrong one; ties count half.
    """

    answers: int
    ece: float | None
    brier: float | None
    auroc: float | None

    def as_json(self) -> dict[str, float | None]:
        """For programs."""
        return asdict(self)


def honesty(confidences: Sequence[float], right: Sequence[bool]) -> Honesty:
    """Compares confidences in [0, 1] with whether each answer was right."""
    if not confidences:
        return Honesty(0, None, None, None)
    distance = np.asarray(confidences, dtype=np.float64) - np.asarray(right, dtype=np.float64)
    return Honesty(
        answers=len(confidences),
        ece=expected_calibration_error(confidences, right, BINS),
        brier=float((distance**2).mean()),
        auroc=auroc(confidences, right),
    )


def auroc(confidences: Sequence[float], right: Sequence[bool]) -> float | None:
    """Area under the receiver operating characteristic; None unless there are right and wrong answers.

    By the rank sum of Mann and Whitney, which is the same number.
    """
    truth = np.asarray(right, dtype=np.bool_)
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return None
    _, place, counts = np.unique(np.asarray(confidences), return_inverse=True, return_counts=True)
    last_rank = np.cumsum(counts)
    # Equal confidences share the mean of their ranks.
    ranks = (last_rank - (counts - 1) / 2.0)[place]
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))
