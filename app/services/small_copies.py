"""Small copies of scans, for lists: a page of history asks for some tens at once.

They take no permit, or a list would keep scans out, and scans the list. So few are made at a time, and where
one needs much memory, that is reserved as for a scan: a wide picture hardly higher than its copy cannot be
decoded any smaller than it is.
"""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import UUID

from app.domain.errors import NotFound
from app.domain.ports import ScanStore
from app.domain.types import StoredImage
from app.services.admission import Admission
from app.services.scan_memory import ScanMemory
from app.vision.small_pictures import needed_bytes, smaller

#: Made at a time. Each takes some milliseconds; the others wait, before their pictures are read.
AT_ONCE: Final = 2
#: What is taken without asking, in bytes: a copy of a usual page needs a tenth of it.
_UNASKED_BYTES: Final = 8_000_000


class SmallCopies:
    """Makes them.

    Args:
        scans: Where the pictures are.
        admission: Whose memory guard is asked.
    """

    def __init__(self, scans: ScanStore, admission: Admission) -> None:
        self._scans = scans
        self._admission = admission
        self._places = asyncio.Semaphore(AT_ONCE)

    async def of_scan(self, scan_id: UUID, height_px: int) -> StoredImage:
        """The picture of a scan at this height.

        Raises:
            NotFound: no such scan, or its picture has been deleted.
            MemoryTight: there is no room to decode it.
        """
        await self._places.acquire()
        try:
            image = await self._scans.scan_image(scan_id)
            if image is None:
                raise NotFound(f"no scan {scan_id}, or its picture has been deleted")
            making = asyncio.create_task(
                asyncio.to_thread(_make, image, height_px, self._admission.scan_memory())
            )
        except BaseException:
            self._places.release()
            raise
        # The thread cannot be stopped: it keeps its place when nobody waits for it any more.
        making.add_done_callback(self._end)
        return await asyncio.shield(making)

    def _end(self, making: asyncio.Task[StoredImage]) -> None:
        self._places.release()
        if not making.cancelled():
            making.exception()  # seen, also where nobody waits


def _make(image: StoredImage, height_px: int, memory: ScanMemory) -> StoredImage:
    need_bytes = needed_bytes(image, height_px)
    with memory:
        if need_bytes > _UNASKED_BYTES:
            memory.reserve(need_bytes)
        return smaller(image, height_px)
