"""One judgement at a time in this process, shared by all who wait for one."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from app.domain.correction_types import CorrectionStatus
from app.domain.errors import BinderlensError
from app.domain.learning import judge
from app.domain.learning_port import LearningStore
from app.domain.learning_types import LearningLimits


@dataclass(frozen=True, slots=True)
class LearningReport:
    """One run: corrections studied, how many stand otherwise than before, and how many stand how in all."""

    studied: int
    changed: int
    standing: Counter[CorrectionStatus]


class Judging:
    """Judges all that was studied.

    A judgement takes a connection of its own and the lock of all processes. Were each caller to open its own
    and to wait there, a hundred corrections taken back at once would take every connection of the server.

    Args:
        store: Where corrections, findings and templates are kept.
        limits: How much is learnt, and from whom.
    """

    def __init__(self, store: LearningStore, limits: LearningLimits) -> None:
        self._store = store
        self._limits = limits
        self._alone = asyncio.Lock()
        # Judgements are numbered. One that has begun may have missed what its callers changed since.
        self._begun = 0
        self._wanted = 0
        self._ended = 0
        self._done = 0
        self._outcome: LearningReport | BinderlensError = LearningReport(0, 0, Counter())
        self._done_at = -math.inf

    @property
    def is_behind(self) -> bool:
        """Whether somebody asked for a judgement that has not been done: it runs, waits, or has failed."""
        return self._done < self._wanted

    @property
    def age_s(self) -> float:
        """Seconds since the last judgement that was done; without end before the first."""
        return time.monotonic() - self._done_at

    def paused(self) -> AbstractAsyncContextManager[None]:
        """Waits until nobody judges in this process, and lets nobody begin meanwhile."""
        return self._alone

    async def judge(self) -> LearningReport:
        """Returns what came of a judgement that began after this call; whoever calls meanwhile shares it.

        Raises:
            Unavailable: it could not be done; those who share it get the same.
        """
        number = self._wanted = self._begun + 1
        async with self._alone:
            # Not where the one before has begun late enough. Where it was cancelled, it has not ended.
            if self._ended < number:
                await self._judge_now()
        if isinstance(self._outcome, BinderlensError):
            raise self._outcome
        return self._outcome

    async def _judge_now(self) -> None:
        self._begun += 1
        number = self._begun
        try:
            judged = await self._store.judge(lambda studies: judge(studies, self._limits))
        except BinderlensError as error:
            self._outcome = error
        else:
            self._done, self._done_at = number, time.monotonic()
            self._outcome = LearningReport(0, judged.changed, judged.standing)
        self._ended = number
