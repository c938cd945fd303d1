"""A store of corrections from which nothing is learnt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.domain.learning_types import CorrectionToStudy, Decision, Findings, Judged, Study
from app.domain.types import Vectors


@dataclass
class NothingToLearn:
    """Implements ``LearningStore``; counts how often judgement was asked for."""

    judged: int = 0

    async def study_next(self, study: Callable[[CorrectionToStudy], Awaitable[Findings]]) -> bool:
        return False

    async def has_work(self) -> bool:
        return False

    async def judge(self, decide: Callable[[Sequence[Study]], Mapping[UUID, Decision]]) -> Judged:
        self.judged += 1
        return Judged()

    async def own_similarities(self, vectors: Vectors, card_id: str) -> list[float]:
        return [-1.0] * len(vectors)

    async def views_taken(self, vector: Vectors, artwork_group_id: int) -> tuple[str, ...]:
        return ()
