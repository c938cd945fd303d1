"""How much time is left for work that an answer can do without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from app.domain.errors import DatabaseUnavailable, SearchTimeout

T = TypeVar("T")


class Clock:
    """How much of the time is left.

    Args:
        budget_ms: From now on.
    """

    def __init__(self, budget_ms: float) -> None:
        self._started = time.perf_counter()
        self._budget_ms = budget_ms

    @property
    def spent_ms(self) -> float:
        """Milliseconds since the start."""
        return (time.perf_counter() - self._started) * 1000.0

    @property
    def left_s(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self._budget_ms - self.spent_ms) / 1000.0

    def is_over(self) -> bool:
        """Whether nothing more should be begun."""
        return self.spent_ms >= self._budget_ms


async def in_time(
    clock: Clock, fetch: Callable[[Sequence[str]], Awaitable[dict[str, T]]], wanted: Sequence[str]
) -> dict[str, T]:
    """What the database has, if it says so in time; empty else, and whoever asks can do without."""
    if not wanted or clock.is_over():
        return {}
    try:
        async with asyncio.timeout(clock.left_s):
            return await fetch(wanted)
    except (SearchTimeout, DatabaseUnavailable, TimeoutError):
        return {}
