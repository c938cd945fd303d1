"""What the learning loop needs of the outside: a store of findings, decisions and learnt templates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from app.domain.learning_types import CorrectionToStudy, Decision, Findings, Judged, Study
from app.domain.types import Vectors


class LearningStore(Protocol):
    """What the learning loop keeps, for one encoder."""

    async def study_next(self, study: Callable[[CorrectionToStudy], Awaitable[Findings]]) -> bool:
        """Studies the oldest correction that nobody is studying; False where there is none."""
        ...

    async def has_work(self) -> bool:
        """Whether any correction waits to be studied."""
        ...

    async def judge(self, decide: Callable[[Sequence[Study]], Mapping[UUID, Decision]]) -> Judged:
        """Decides about all corrections anew, and makes the templates what follows from that."""
        ...

    async def own_similarities(self, vectors: Vectors, card_id: str) -> list[float]:
        """For each vector (n, dimension) how alike the card's best own template is; -1 where it has none."""
        ...

    async def views_taken(self, vector: Vectors, artwork_group_id: int) -> tuple[str, ...]:
        """Cards of other pictures of which a stored view would fall to a template (dimension,)."""
        ...
