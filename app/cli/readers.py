"""Readers of replies: what they have not taken is bounded, and dropped where they take nothing.

A reply is written whole and waits in this process's memory until its reader takes it. Left to itself the
server waits for ever, and some hundred connections that ask for pictures and read nothing fill a gigabyte.
Nothing above the connection can tell: the application is told that a reply is sent when it is written.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, ClassVar, Final

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Of all replies together. A dozen pictures of 12 megapixels, or two of 80; on the smallest host that
#: docs/operations.md names, scans of 12 megapixels still have room beside it.
UNSENT_BUDGET_BYTES: Final = 64 * 1024 * 1024
#: Whoever takes nothing for a whole span of this is let go. nginx waits for 60 s between two writes; here it
#: is 30 to 60 s.
STALLED_AFTER_S: Final = 30.0
#: What the kernel keeps for a connection beside what is on its way, in bytes; the rest waits with us, where
#: it is counted. Left to itself it took 2.7 MB of a picture, in 3.9 MB that a control group is charged for.
KERNEL_UNSENT_BYTES: Final = 128 * 1024

#: Within its first second nobody is called slow.
_NEW_FOR_S: Final = 1.0
#: What a reply's head never fills: its body is then written at once, and counted.
_HEAD_ROOM_BYTES: Final = 64 * 1024
#: ``struct linger``: what is left is thrown away on closing, in the kernel, too.
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class SlowReader:
    """A connection with something that has not been taken."""

    def __init__(self, transport: asyncio.Transport, now_s: float) -> None:
        self._transport = transport
        self._since_s = now_s
        #: Counted whole until all of it is gone, as memory is given back.
        self.held_bytes = transport.get_write_buffer_size()
        self._left_before_bytes = self.held_bytes
        self.timer: asyncio.TimerHandle | None = None

    @property
    def left_bytes(self) -> int:
        """What has not been taken."""
        return self._transport.get_write_buffer_size()

    def has_moved(self) -> bool:
        """Whether anything was taken since this was asked before."""
        before_bytes, self._left_before_bytes = self._left_before_bytes, self.left_bytes
        return self._left_before_bytes < before_bytes

    def waited_s(self, now_s: float) -> float:
        """For how long it has held memory."""
        return now_s - self._since_s

    def worth(self, now_s: float) -> tuple[bool, float]:
        """Who is cut last: those that have only just begun, then by bytes taken a second."""
        waited_s = self.waited_s(now_s)
        return waited_s < _NEW_FOR_S, (self.held_bytes - self.left_bytes) / (waited_s + _NEW_FOR_S)

    def cut(self) -> None:
        """Closes the connection and drops what it holds."""
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()


class UnsentReplies:
    """What all readers of one server have not taken. Used on its event loop alone."""

    def __init__(self, budget_bytes: int, stalled_after_s: float) -> None:
        self._budget_bytes = budget_bytes
        self._stalled_after_s = stalled_after_s
        self._readers: dict[asyncio.Transport, SlowReader] = {}
        self._held_bytes = 0

    def add(self, transport: asyncio.Transport) -> None:
        """Counts what waits for a reader. Where that is too much, the slowest of the others make room."""
        loop = asyncio.get_running_loop()
        reader = SlowReader(transport, loop.time())
        # One reply alone may be larger than the budget: pictures have a limit of their own.
        while self._readers and self._held_bytes + reader.held_bytes > self._budget_bytes:
            now_s = loop.time()
            slowest = min(self._readers, key=lambda other: self._readers[other].worth(now_s))
            self._cut(slowest, "room")  # of several that took nothing, the oldest
        self._readers[transport] = reader
        self._held_bytes += reader.held_bytes
        reader.timer = loop.call_later(self._stalled_after_s, self._look_at, transport)

    def remove(self, transport: asyncio.Transport) -> None:
        """Forgets a reader that took everything or is gone; one that is not known is none."""
        reader = self._readers.pop(transport, None)
        if reader is not None:
            self._held_bytes -= reader.held_bytes
            if reader.timer is not None:
                reader.timer.cancel()

    def _look_at(self, transport: asyncio.Transport) -> None:
        reader = self._readers[transport]
        if reader.has_moved():
            loop = asyncio.get_running_loop()
            reader.timer = loop.call_later(self._stalled_after_s, self._look_at, transport)
        else:
            self._cut(transport, "stalled")

    def _cut(self, transport: asyncio.Transport, reason: str) -> None:
        reader = self._readers[transport]
        structlog.get_logger("app.cli").info(
            "slow_reader_cut",
            reason=reason,
            unsent_bytes=reader.left_bytes,
            waited_s=round(reader.waited_s(asyncio.get_running_loop().time()), 1),
        )
        self.remove(transport)
        reader.cut()


class _WatchedProtocol(H11Protocol):
    """HTTP as ever, but a reply is over when its reader has it, not when it is written.

    Until then the connection's next request is not begun: its reply would wait where nobody counts it.
    """

    unsent: ClassVar[UnsentReplies]
    _is_over_later = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes a new connection."""
        super().connection_made(transport)
        self._let_write()

    def connection_lost(self, exc: Exception | None) -> None:
        """Its memory is free by now."""
        self.unsent.remove(self.transport)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Something waits for the reader."""
        super().pause_writing()
        self.unsent.add(self.transport)

    def resume_writing(self) -> None:
        """The reader has everything."""
        self.unsent.remove(self.transport)
        self._let_write()
        super().resume_writing()
        if self._is_over_later:
            self._is_over_later = False
            self._go_on()

    def _go_on(self) -> None:
        try:
            super().on_response_complete()
            if not self.transport.is_closing():
                self.handle_events()
        except h11.LocalProtocolError:
            # What was sent ahead is no HTTP, and a reply that is over leaves none to say so in. The transport
            # would only log what is raised here, and a broken connection stay until the end, and spoil that.
            self.transport.abort()

    def on_response_complete(self) -> None:
        """The reply is written."""
        self.transport.set_write_buffer_limits(high=0)  # whatever is left of it now counts
        if self.flow.write_paused:
            self._is_over_later = True
            return
        self._let_write()
        super().on_response_complete()

    def handle_events(self) -> None:
        """Begins the next request, or goes on with this one."""
        if self._is_over_later:
            self.flow.pause_reading()
        else:
            super().handle_events()

    def _let_write(self) -> None:
        self.transport.set_write_buffer_limits(high=_HEAD_ROOM_BYTES, low=0)


def watched_protocol(
    budget_bytes: int = UNSENT_BUDGET_BYTES, stalled_after_s: float = STALLED_AFTER_S
) -> type[asyncio.Protocol]:
    """The protocol of one server, whose readers share a budget.

    Args:
        budget_bytes: The most that may wait for all readers together.
        stalled_after_s: A connection of which nothing was taken for this long is closed.
    """
    members: dict[str, Any] = {"unsent": UnsentReplies(budget_bytes, stalled_after_s)}
    return type("WatchedProtocol", (_WatchedProtocol,), members)
