"""Work on pixels by two threads, of which none is made for it alone.

OpenCV 5.0 leaves 880 bytes behind for each thread that used it and ended (docs/experiments.md, 62): with a
pool for each call a service would never stop growing.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")

_HELPERS = os.cpu_count() or 1
_helpers = ThreadPoolExecutor(_HELPERS, thread_name_prefix="pixels-helper")
#: One for each helper: nothing waits in the pool's queue, where a scan's pixels would outlive the scan.
_free = BoundedSemaphore(_HELPERS)


def map_in_threads(work: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """What ``work`` gives for each item, in their order, by the caller and one thread that helps it.

    OpenCV lets go of the interpreter lock; more threads would only help where more cores idle. Where every
    helper is busy the caller does all of it, so ``work`` may call this as well.

    Args:
        work: Called from both threads.
        items: Begun in this order.

    Raises:
        Exception: what ``work`` raised, the caller's before the helper's; nothing runs any more then.
    """
    left = deque(enumerate(items))
    done: dict[int, T] = {}

    def take_turns() -> None:
        while True:
            try:
                place, item = left.popleft()
            except IndexError:
                return
            try:
                done[place] = work(item)
            except BaseException:
                left.clear()
                raise

    if len(items) < 2 or not _free.acquire(blocking=False):
        take_turns()
    else:
        try:
            _with_help(take_turns)
        finally:
            _free.release()
    return [done[place] for place in range(len(items))]


def _with_help(take_turns: Callable[[], None]) -> None:
    helper = _helpers.submit(take_turns)
    try:
        take_turns()
    finally:
        failure = helper.exception()  # waits for it
    try:
        if failure is not None:
            raise failure
    finally:
        # The error knows this frame, and the frame the error: a circle that would keep the scan's pixels.
        del failure, helper
