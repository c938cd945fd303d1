"""How work that is being cancelled tells that from the errors it meets on its way out."""

from __future__ import annotations

import asyncio


def asked_to_stop() -> bool:
    """Whether this task was cancelled, even where an error raised since then has taken that one's place.

    Outside a task nobody can be cancelled.
    """
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs here
        return False
    return task is not None and task.cancelling() > 0
