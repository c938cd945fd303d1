"""Studies of corrections as the learning loop judges them, made up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

import numpy as np

from app.domain.correction_types import CorrectionStatus, Verdict
from app.domain.learning import judge
from app.domain.learning_types import Decision, Findings, LearningLimits, Study, Support
from app.domain.types import Vectors

LEARNED, QUARANTINED, REJECTED = (
    CorrectionStatus.LEARNED,
    CorrectionStatus.QUARANTINED,
    CorrectionStatus.REJECTED,
)
DIMENSION = 16


def direction(seed: int, near: Vectors | None = None, share: float = 0.0) -> Vectors:
    """A unit vector; with ``near`` it has that cosine to it."""
    random_vector = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    if near is not None:
        random_vector -= (random_vector @ near) * near
    random_vector /= np.linalg.norm(random_vector)
    if near is None:
        return random_vector
    return (share * near + np.sqrt(1 - share**2) * random_vector).astype(np.float32)


def study(
    number: int,
    card: str | None = "a",
    person: str | None = "p",
    vector: Vectors | None = None,
    **found: object,
) -> Study:
    """A backed correction about a crop of its own."""
    vector = direction(number) if vector is None else vector
    fields = {"support": Support.BACKED, "own_similarity": 0.5, "rival_similarity": 0.4, **found}
    return Study(
        correction_id=UUID(int=number),
        sequence=number,
        verdict=Verdict.CARD if card else Verdict.NOT_IN_GALLERY,
        card_id=card,
        artwork_group_id=None if card is None else ord(card[0]),
        person=person,
        day=date(2026, 11, 26),
        subject=f"crop {number}",
        vector=vector,
        findings=Findings(vector, **fields),
    )


def decided(studies: Iterable[Study], limits: LearningLimits | None = None) -> list[Decision]:
    """Decisions in the order of the studies."""
    studies = list(studies)
    decisions = judge(studies, limits)
    assert set(decisions) == {one.correction_id for one in studies}
    return [decisions[one.correction_id] for one in studies]
