"""The memory of one scan: reserved before its picture is decoded, kept until nobody works on it any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from app.domain.ports import MemoryGuard


class ScanMemory:
    """What one scan has reserved. A context that may be entered again, by its threads too.

    Threads cannot be stopped: when nobody waits for a scan any more, one may still be decoding it. So whoever
    works on the scan enters, and the last one to leave gives the memory back.
    """

    def __init__(self, guard: MemoryGuard) -> None:
        self._guard = guard
        self._lock = threading.Lock()
        self._inside = 0
        self._reserved: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        with self._lock:
            self._inside += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            ended = [] if self._inside else self._reserved[:]
            if not self._inside:
                self._reserved.clear()
        for give_back in ended:
            give_back()

    def reserve(self, need_bytes: int) -> None:
        """Keeps room for what is about to be allocated. Call it inside.

        Raises:
            MemoryTight: there is no room for that.
        """
        give_back = self._guard.reserve(need_bytes)
        with self._lock:
            self._reserved.append(give_back)
