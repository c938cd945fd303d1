"""The permit: no scan is worked on without one, and nobody waits in line for one.

A scan that finds every permit taken is refused at once with ``Busy`` (503 and ``Retry-After``), before its
body is read where that is known by then: a queue would only make everybody slow and hold uploads.

The permit is taken when the body is there, or a few senders that say nothing would keep everybody out. Bodies
on their way have a bound of their own, and end with the request's deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import TypeVar

from app.domain.errors import Busy
from app.domain.ports import MemoryGuard
from app.services.scan_memory import ScanMemory

T = TypeVar("T")

#: Uploads on their way for each permit. Sending a picture from a phone takes some times as long as the scan
#: of it; parts above a megabyte wait on disk, so this bounds disk, not memory.
UPLOADS_A_PERMIT = 16


class Admission:
    """Hands out a bounded number of permits while memory lasts."""

    def __init__(self, permits: int, guard: MemoryGuard) -> None:
        self._permits = permits
        self._taken = 0
        self._uploads = 0
        self._guard = guard

    @property
    def permits(self) -> int:
        """How many scans may be worked on at once."""
        return self._permits

    @property
    def taken(self) -> int:
        """How many are being worked on."""
        return self._taken

    @property
    def uploads(self) -> int:
        """How many pictures are coming in."""
        return self._uploads

    def scan_memory(self) -> ScanMemory:
        """What one scan, or one picture that is decoded again, reserves its memory with."""
        return ScanMemory(self._guard)

    @asynccontextmanager
    async def upload(self) -> AsyncIterator[None]:
        """To be held around reading the body of a scan.

        Raises:
            Busy: a permit would be refused now, so the body need not come at all; or too many are coming.
            MemoryTight: the memory guard refuses more work.
        """
        self._refuse_when_full()
        if self._uploads >= self._permits * UPLOADS_A_PERMIT:
            raise Busy(f"{self._uploads} uploads are coming in already; try again shortly")
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[None]:
        """Holds one permit.

        Raises:
            Busy: every permit is taken.
            MemoryTight: the memory guard refuses more work.
        """
        self._refuse_when_full()
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def keep_until(self, work: Future[T]) -> None:
        """Counts a permit as taken until abandoned work, which cannot be stopped, has ended.

        Call it on the event loop.
        """
        loop = asyncio.get_running_loop()
        self._taken += 1
        work.add_done_callback(lambda _: loop.call_soon_threadsafe(self._give_back))

    def _refuse_when_full(self) -> None:
        if self._taken >= self._permits:
            raise Busy(f"all {self._permits} scans that may run at once are running; try again shortly")
        self._guard.admit(pending=self._taken)

    def _give_back(self) -> None:
        self._taken -= 1
