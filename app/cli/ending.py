"""The end of the process after a signal to stop: in time, whatever still hangs."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from types import FrameType

import structlog

from app.db.embedded import abandon_all

#: After a signal to stop the process is gone within this, in any case. Scans in flight have 20 s of it, the
#: encoder's batch and pixel work in hand 15 s, the pool of connections 10 s.
END_LIMIT_S = 50.0
#: A log that nobody reads blocks whoever writes to it.
_REPORT_TIMEOUT_S = 1.0


class LastResort:
    """Ends the process when its time is over.

    Nothing else does: a thread that hangs is waited for without a limit, by the event loop's own end and by
    the interpreter's. What is stored stays whole; what is in flight is lost, as if the process were killed.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: threading.Timer | None = None

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Says whose tasks are named when it comes to that."""
        self._loop = loop

    def begin(self) -> None:
        """Starts the clock, with the first signal. May be called by a signal's handler."""
        if self._timer is None:
            self._timer = threading.Timer(END_LIMIT_S, self._end)
            self._timer.daemon = True
            self._timer.start()

    def _end(self) -> None:
        reporter = threading.Thread(target=self._report, name="last words", daemon=True)
        reporter.start()
        reporter.join(_REPORT_TIMEOUT_S)
        try:
            abandon_all()  # last: while this process lives it starts the server again
        finally:
            os._exit(1)

    def _report(self) -> None:
        tasks = [] if self._loop is None else asyncio.all_tasks(self._loop)
        structlog.get_logger().error(
            "shutdown_incomplete",
            limit_s=END_LIMIT_S,
            threads=_threads_at_work(),
            tasks=sorted(task.get_name() for task in tasks),
        )


def _threads_at_work() -> list[str]:
    """The threads that the interpreter waits for, each with the function it is in."""
    frames = sys._current_frames()
    found = []
    for thread in threading.enumerate():
        frame = frames.get(thread.ident or 0)
        if not thread.daemon and frame is not None and not _waits_for_work(frame):
            found.append(f"{thread.name}: {frame.f_code.co_qualname}")
    return found


def _waits_for_work(frame: FrameType) -> bool:
    """Whether a pool's thread is idle."""
    return (
        frame.f_globals.get("__name__") == "concurrent.futures.thread" and frame.f_code.co_name == "_worker"
    )
