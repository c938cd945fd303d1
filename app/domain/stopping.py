"""Stopping: how it is told from the errors on the way out, and how long threads are waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any


def asked_to_stop() -> bool:
    """Whether this task was cancelled, even where an error raised since then has taken that one's place.

    Outside a task nobody can be cancelled.
    """
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs here
        return False
    return task is not None and task.cancelling() > 0


async def finish(work: Iterable[Future[Any]], timeout_s: float) -> bool:
    """Waits for what threads have in hand, however it ends; returns whether all of it did within the time.

    The event loop goes on meanwhile. Threads cannot be stopped: those that take longer are left running.
    """
    waited_for = [asyncio.wrap_future(future) for future in work]
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*waited_for, return_exceptions=True)
    except TimeoutError:
        return False
    return True
