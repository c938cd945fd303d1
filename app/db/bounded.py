"""Connections that can always be left, also where the server says nothing more.

Whoever no longer waits for a statement has the driver ask the server to cancel it. From then on the driver
waits for the server to say so, without a limit: in ROLLBACK, and in ``close``. Behind a firewall that forgot
the connection, or a proxy that hangs, this would be for ever, and nobody could stop the service.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Literal

import asyncpg
from asyncpg.transaction import Transaction

#: A server that is there cancels and rolls back within milliseconds. One that is not does so by itself later.
#: It comes on top of the deadline of whoever waits for an answer.
LEAVE_TIMEOUT_S = 2.0

_Isolation = Literal["read_uncommitted", "read_committed", "repeatable_read", "serializable"]


def give_up_if_closed(connection: asyncpg.Connection) -> None:
    """Has the pool replace a connection that is closed. Call it before the connection is released.

    Where the driver itself gave a connection up, over what a dying server sent, it does not tell the pool.
    That takes a closed connection for one that is being replaced: its place would be lost for ever. After as
    many such deaths as the pool has places, nobody would get a connection again.
    """
    with suppress(asyncpg.InterfaceError):  # it has been given back already
        if connection.is_closed():
            connection.terminate()


async def give_back(pool: asyncpg.Pool, connection: asyncpg.Connection) -> None:
    """Gives a connection back, or hangs up where the server does not make it ready for others in time.

    What was asked of it has been answered by then, or failed by an error of its own, so that this raises
    nothing. It goes on where its caller is cancelled, as when a request's deadline comes.
    """
    leaving = asyncio.ensure_future(pool.release(connection, timeout=LEAVE_TIMEOUT_S))
    # The driver leaves its task alone when it is cancelled, and nobody would ever ask what it raised.
    leaving.add_done_callback(_take_note)
    with suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await asyncio.shield(leaving)


def _take_note(leaving: asyncio.Future[None]) -> None:
    if not leaving.cancelled():
        leaving.exception()


class BoundedTransaction(Transaction):  # type: ignore[misc]
    """A transaction that cuts its connection where it cannot be rolled back in time."""

    __slots__ = ()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Commits as the driver does; a rollback must be done soon, and what led to it is what is raised."""
        if kind is None:
            await super().__aexit__(None, None, None)
            return
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                await super().__aexit__(kind, error, traceback)
        except TimeoutError:
            self._connection.terminate()


class BoundedConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection whose transactions and whose end do not wait for a server that is silent."""

    __slots__ = ()

    def transaction(
        self, *, isolation: _Isolation | None = None, readonly: bool = False, deferrable: bool = False
    ) -> BoundedTransaction:
        """As the driver's, with a bounded rollback."""
        self._check_open()
        return BoundedTransaction(self, isolation, readonly, deferrable)

    async def close(self, *, timeout: float | None = LEAVE_TIMEOUT_S) -> None:  # noqa: ASYNC109 - the driver's name
        """Says goodbye; hangs up where that takes longer than ``timeout`` seconds."""
        transport = self._transport
        try:
            async with asyncio.timeout(timeout):
                await super().close()
        except TimeoutError:
            transport.abort()
