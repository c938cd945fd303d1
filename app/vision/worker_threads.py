"""Work on pixels by two threads, of which none is made for it alone.

OpenCV 5.0 leaves 880 bytes behind for each thread that used it and ended (docs/experiments.md, 62): with a
pool for each call a service would never stop growing.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")

#: Threads come as they are first needed, one for each caller at the same time.
_helpers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="pixels-helper")


def map_in_threads(work: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """What ``work`` gives for each item, in their order, by the caller and one thread that helps it.

    OpenCV lets go of the interpreter lock; more threads would only help where more cores idle. Where every
    helper is busy the caller does all of it, so ``work`` may call this as well.

    Args:
        work: Called from both threads.
        items: Begun in this order.

    Raises:
        Exception: the first that ``work`` raised; nothing runs any more then.
    """
    if len(items) < 2:
        return [work(item) for item in items]
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

    helper = _helpers.submit(take_turns)
    try:
        take_turns()
    finally:
        # An error of the helper counts where the caller has none.
        failure = None if helper.cancel() else helper.exception()
    if failure is not None:
        raise failure
    return [done[place] for place in range(len(done))]
