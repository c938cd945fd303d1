"""The permit: no scan is worked on without one, and nobody waits in line for one.

A scan that finds every permit taken is refused at once with ``Busy`` (503 and ``Retry-After``), before its
body is read where that is known by then: a queue would only make everybody slow and hold uploads.

The permit is taken when the body is there, or a few senders that say nothing would keep everybody out. Bodies
on their way have a bound of their own, and end with the request's deadline. Where that bound is reached, the
body that comes most slowly makes room: senders that say nothing would keep everybody out once more.
"""

from __future__ import annotations

import asyncio
import time
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


class Upload:
    """A picture on its way.

    Args:
        leaving: Ends the request when it is rescheduled.
    """

    def __init__(self, leaving: asyncio.Timeout) -> None:
        self._leaving = leaving
        self._began_s = time.monotonic()
        self._received_bytes = 0
        self._has_arrived = False
        self.given_up = False

    @property
    def may_be_given_up(self) -> bool:
        """Whether it is still coming; a picture that is there is not taken back."""
        return not (self._has_arrived or self.given_up)

    @property
    def pace(self) -> float:
        """Bytes a second so far. The second on top is for those that have only just begun."""
        return self._received_bytes / (time.monotonic() - self._began_s + 1.0)

    def came(self, size_bytes: int) -> None:
        """Some of it is here."""
        self._received_bytes += size_bytes

    def arrived(self) -> None:
        """All of it is here."""
        self._has_arrived = True
        if not self.given_up:
            self._leaving.reschedule(None)

    def give_up(self) -> None:
        """Ends it, so that somebody else may send."""
        self.given_up = True
        self._leaving.reschedule(asyncio.get_running_loop().time())


class Admission:
    """Hands out a bounded number of permits while memory lasts."""

    def __init__(self, permits: int, guard: MemoryGuard) -> None:
        self._permits = permits
        self._taken = 0
        self._uploads: list[Upload] = []
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
        return len(self._uploads)

    def scan_memory(self) -> ScanMemory:
        """What one scan, or one picture that is decoded again, reserves its memory with."""
        return ScanMemory(self._guard)

    @asynccontextmanager
    async def upload(self) -> AsyncIterator[Upload]:
        """To be held around reading the body of a scan, which tells the upload what comes.

        Raises:
            Busy: a permit would be refused now, so the body need not come at all; too many are coming; or
                this one came more slowly than all others when another needed its place.
            MemoryTight: the memory guard refuses more work.
        """
        self._refuse_when_full()
        self._make_room_for_upload()
        leaving = asyncio.timeout(None)
        try:
            async with leaving:
                upload = Upload(leaving)
                self._uploads.append(upload)
                try:
                    yield upload
                finally:
                    self._uploads.remove(upload)
        except TimeoutError as error:
            if not leaving.expired():
                raise
            raise Busy("the picture came too slowly while others waited; try again shortly") from error

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

    def _make_room_for_upload(self) -> None:
        staying = [upload for upload in self._uploads if not upload.given_up]
        if len(staying) < self._permits * UPLOADS_A_PERMIT:
            return
        coming = [upload for upload in staying if upload.may_be_given_up]
        if not coming:
            raise Busy(f"{len(staying)} uploads are coming in already; try again shortly")
        min(coming, key=lambda upload: upload.pace).give_up()  # of several that sent nothing, the oldest

    def _refuse_when_full(self) -> None:
        if self._taken >= self._permits:
            raise Busy(f"all {self._permits} scans that may run at once are running; try again shortly")
        self._guard.admit(pending=self._taken)

    def _give_back(self) -> None:
        self._taken -= 1
