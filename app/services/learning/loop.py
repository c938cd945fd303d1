"""The learning loop: studies what is new, judges all there is, and does so until it is stopped."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager

import structlog

from app.domain.errors import BinderlensError
from app.domain.learning_port import LearningStore
from app.domain.learning_types import LearningLimits
from app.domain.stopping import asked_to_stop
from app.services.learning.judging import Judging, LearningReport
from app.services.learning.study import Student

#: What other replicas took in, or left undone, is found after this.
POLL_S = 2.0
#: However little there is to do, all is judged anew this often: a replica may have died before it did.
JUDGE_ANYWAY_S = 60.0
#: While many wait, what was studied is judged this often.
_JUDGE_EVERY_S = 1.0


class LearningLoop:
    """Turns corrections into templates.

    Args:
        store: Where corrections, findings and templates are kept.
        student: Looks at crops.
        limits: How much is learnt, and from whom.
    """

    def __init__(self, store: LearningStore, student: Student, limits: LearningLimits) -> None:
        self._store = store
        self._student = student
        self._judging = Judging(store, limits)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Says that there is something to learn."""
        self._woken.set()

    async def run_once(self) -> LearningReport:
        """Learns from everything that waits.

        Raises:
            Unavailable: it goes on from there when it is run again.
        """
        studied, changed, judged_at = 0, 0, time.monotonic()
        while await self._store.study_next(self._student.study):
            studied += 1
            if time.monotonic() - judged_at >= _JUDGE_EVERY_S:
                changed += (await self.judge()).changed
                judged_at = time.monotonic()
        report = await self.judge()
        return LearningReport(studied, changed + report.changed, report.standing)

    async def judge(self) -> LearningReport:
        """Decides anew about all that was studied: after corrections have come, or have been taken back.

        Raises:
            Unavailable: it is done later by whoever keeps learning.
        """
        return await self._judging.judge()

    @property
    def is_behind(self) -> bool:
        """Whether a judgement that somebody asked for is still to be done."""
        return self._judging.is_behind

    def no_judging(self) -> AbstractAsyncContextManager[None]:
        """Waits until nobody judges in this process, and lets nobody begin meanwhile."""
        return self._judging.paused()

    async def keep_learning(self) -> None:
        """Learns until it is cancelled; what goes wrong is logged and tried again."""
        log = structlog.get_logger()
        while True:
            self._woken.clear()
            try:
                if self._is_due() or await self._store.has_work():
                    report = await self.run_once()
                    if report.studied or report.changed:
                        log.info("learnt", studied=report.studied, changed=report.changed)
            except Exception as error:
                if asked_to_stop():  # it took the cancellation's place on the way out
                    raise asyncio.CancelledError from error
                if isinstance(error, BinderlensError):
                    log.warning("learning_waits", reason=str(error))
                else:
                    log.exception("learning_failed")
            await self._pause()

    def _is_due(self) -> bool:
        """Whether judging failed last, or whoever took a correction back may not have come to it."""
        return self.is_behind or self._judging.age_s >= JUDGE_ANYWAY_S

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
        except TimeoutError:
            return
