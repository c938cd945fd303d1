"""The memory guard: gives memory back after each batch, and says when to stop before the host kills us.

What counts is anonymous memory. Mapped weights are resident too, but the kernel can drop them at any time.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from app.domain.errors import MemoryTight
from app.domain.types import MemorySnapshot
from app.inference.allocator import trim_heap
from app.inference.encoder import BATCH_SIZES
from app.inference.process_memory import MemoryLimit, ProcessMemory, read_process_memory

MIB = 1024 * 1024

#: What one more scan may need beyond what is in use, while nothing is known of its picture: 12 megapixels at
#: the decoder's peak (110 MB), then the crops of a page or one batch (30-60 MB each, the batch measured with
#: nine cards). What a larger picture needs is asked for with ``reserve`` as soon as its header is read.
SCAN_HEADROOM_BYTES = 160 * MIB

#: The headroom never takes more than this share of a small limit, or a small host could not serve at all.
HEADROOM_LARGEST_SHARE = 0.25

#: Freed memory below this is left to the allocator: it would be asked for again by the next batch.
RELEASE_FROM_BYTES = 16 * MIB

#: Batches without tightness after which the batch size grows again, at most to twice as many.
CALM_BATCHES_TO_GROW = 8


@dataclass(slots=True)
class _Counts:
    batches: int = 0
    releases: int = 0
    refusals: int = 0


class ProcessMemoryGuard:
    """Watches this process against a limit. Safe to use from several threads.

    Args:
        limit: What must not be reached, and how to see how near we are; None watches without a limit.
        headroom_bytes: What one more scan may need; cut to a quarter of the limit.
        read_memory: Reads this process's memory.
        release: Gives freed memory back to the system.
    """

    def __init__(
        self,
        limit: MemoryLimit | None,
        *,
        headroom_bytes: int = SCAN_HEADROOM_BYTES,
        read_memory: Callable[[], ProcessMemory] = read_process_memory,
        release: Callable[[], None] = trim_heap,
    ) -> None:
        self._limit = limit
        share_bytes = int(limit.limit_bytes * HEADROOM_LARGEST_SHARE) if limit else headroom_bytes
        self._headroom_bytes = min(headroom_bytes, share_bytes)
        self._read_memory = read_memory
        self._release = release
        self._lock = threading.Lock()
        self._reserving = threading.Lock()
        self._counts = _Counts()
        self._batch_size = BATCH_SIZES[0]
        self._calm_batches = 0
        self._next_aside_s = 0.0
        self._floor_bytes = read_memory().anonymous_bytes
        self._reserved_bytes = 0
        self._reservations = 0
        self._used_before_bytes = 0
        self._trimming = False

    @property
    def batch_size(self) -> int:
        """Most cards in the next batch."""
        return self._batch_size

    def has_room(self, pending: int = 0) -> bool:
        """Whether ``admit`` would let one more scan in; changes and counts nothing."""
        return self._unreserved_bytes() >= self._headroom_bytes * (pending + 1)

    def admit(self, pending: int = 0) -> None:
        """Lets one more scan in. Quick: it is called on the event loop.

        Args:
            pending: Scans admitted and not done. Each keeps its headroom, since those admitted at the same
                moment have used none of theirs yet.

        Raises:
            MemoryTight: it could bring the process to its limit. Memory is then given back in a thread, so
                that whoever comes again after ``retry_after_s`` may find room.
        """
        if not self.has_room(pending):
            self._give_back_aside()
            self._refuse("memory is tight: no room for another scan")

    def reserve(self, need_bytes: int) -> Callable[[], None]:
        """Keeps room for what a scan is about to allocate. Call it in a worker thread: it may collect.

        Args:
            need_bytes: The most that will be allocated at once.

        Returns:
            Gives the room back; call it once, when what was allocated is gone.

        Raises:
            MemoryTight: there is no room, although memory was given back.
        """
        if not self._try_reserve(need_bytes):
            self._give_back(collect=True)
            if not self._try_reserve(need_bytes):
                self._refuse(f"memory is tight: this picture needs {need_bytes // 1_000_000} MB")
        return partial(self._end_reservation, need_bytes)

    def admit_batch(self) -> int:
        """Lets one more batch of an admitted scan in.

        Returns:
            Most cards in it.

        Raises:
            MemoryTight: the limit is reached although memory was given back.
        """
        if self._free_bytes() <= 0:
            self._give_back(collect=True)
            if self._free_bytes() <= 0:
                self._refuse("memory is tight: the limit is reached")
        return self._batch_size

    def after_batch(self) -> None:
        """Gives back what the last batch left, and adapts the batch size. The tensors must be gone."""
        grown_bytes = self._read_memory().anonymous_bytes - self._floor_bytes
        tight = self._free_bytes() < self._headroom_bytes
        if tight or grown_bytes >= RELEASE_FROM_BYTES:
            self._give_back(collect=tight)
            tight = self._free_bytes() < self._headroom_bytes
        with self._lock:
            self._counts.batches += 1
            self._adapt(tight)

    def snapshot(self) -> MemorySnapshot:
        """What it sees now."""
        memory = self._read_memory()
        with self._lock:
            return MemorySnapshot(
                rss_bytes=memory.rss_bytes,
                anonymous_bytes=memory.anonymous_bytes,
                file_bytes=memory.file_bytes,
                peak_rss_bytes=memory.peak_rss_bytes,
                limit_bytes=self._limit.limit_bytes if self._limit else None,
                batches=self._counts.batches,
                releases=self._counts.releases,
                refusals=self._counts.refusals,
                batch_size=self._batch_size,
            )

    def _free_bytes(self) -> float:
        if self._limit is None:
            return float("inf")
        return self._limit.limit_bytes - self._limit.read_used_bytes()

    def _unreserved_bytes(self) -> float:
        """Free bytes that no scan has reserved. What a scan has allocated already is not counted twice."""
        if self._limit is None:
            return float("inf")
        used_bytes = self._limit.read_used_bytes()
        with self._lock:
            if not self._reservations:
                return self._limit.limit_bytes - used_bytes
            self._used_before_bytes = min(self._used_before_bytes, used_bytes)
            return self._limit.limit_bytes - max(used_bytes, self._used_before_bytes + self._reserved_bytes)

    def _try_reserve(self, need_bytes: int) -> bool:
        with self._reserving:  # to look and to take is one step, or two large scans would both find room
            if self._unreserved_bytes() < need_bytes:
                return False
            used_bytes = self._limit.read_used_bytes() if self._limit else 0
            with self._lock:
                if not self._reservations:
                    self._used_before_bytes = used_bytes
                self._reservations += 1
                self._reserved_bytes += need_bytes
            return True

    def _end_reservation(self, need_bytes: int) -> None:
        with self._lock:
            self._reservations -= 1
            self._reserved_bytes -= need_bytes
            if self._reservations or self._trimming:
                return
            self._trimming = True
        try:
            threading.Thread(target=self._trim_between_scans, name="memory-release", daemon=True).start()
        except RuntimeError:  # no more threads: the scan that has just been answered must not fail for that
            self._trimming = False

    def _trim_between_scans(self) -> None:
        """Gives back what pictures left in the heap, 20 MB that the next one would be laid beside.

        It counts as no release and moves no floor: nothing was tight.
        """
        try:
            self._release()
        finally:
            self._trimming = False

    def _give_back(self, *, collect: bool) -> None:
        if collect:
            gc.collect()  # cycles may hold pictures; costs tens of ms, so only when it is tight
        self._release()
        with self._lock:
            self._counts.releases += 1
            self._floor_bytes = self._read_memory().anonymous_bytes

    def _give_back_aside(self) -> None:
        """Gives back in a thread, at most once in ``retry_after_s``: collecting stops all meanwhile."""
        now_s = time.monotonic()
        with self._lock:
            if now_s < self._next_aside_s:
                return
            self._next_aside_s = now_s + (MemoryTight.retry_after_s or 0)
        threading.Thread(
            target=self._give_back, kwargs={"collect": True}, name="memory-release", daemon=True
        ).start()

    def _adapt(self, tight: bool) -> None:
        if tight:
            self._calm_batches = 0
            self._batch_size = max(1, self._batch_size // 2)
            return
        self._calm_batches += 1
        if self._calm_batches >= CALM_BATCHES_TO_GROW:
            self._calm_batches = 0
            self._batch_size = min(BATCH_SIZES[0], self._batch_size * 2)

    def _refuse(self, reason: str) -> None:
        with self._lock:
            self._counts.refusals += 1
        limit_mb = (self._limit.limit_bytes if self._limit else 0) // 1_000_000
        raise MemoryTight(f"{reason} within the limit of {limit_mb} MB")
