"""A connection of the pool for work that may take longer than a search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import asyncpg

#: What the driver waits for one statement. It has no "for ever" where the pool has a limit of its own.
UNHURRIED_TIMEOUT_S = 3600.0


class UnhurriedConnection:
    """The statements of a connection without the time limit that the pool's driver puts on each.

    The server's limits are lifted apart from this; see ``Database.transaction``.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def execute(self, query: str, *args: object) -> str:
        """Runs a statement; returns its command tag."""
        status: str = await self._connection.execute(query, *args, timeout=UNHURRIED_TIMEOUT_S)
        return status

    async def executemany(self, query: str, args: Iterable[Sequence[object]]) -> None:
        """Runs a statement once for each sequence of arguments."""
        await self._connection.executemany(query, args, timeout=UNHURRIED_TIMEOUT_S)

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        """Every row of a statement."""
        rows: list[asyncpg.Record] = await self._connection.fetch(query, *args, timeout=UNHURRIED_TIMEOUT_S)
        return rows

    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None:
        """The first row of a statement; None where there is none."""
        return await self._connection.fetchrow(query, *args, timeout=UNHURRIED_TIMEOUT_S)

    async def fetchval(self, query: str, *args: object) -> object:
        """The first value of the first row; None where there is none."""
        return await self._connection.fetchval(query, *args, timeout=UNHURRIED_TIMEOUT_S)
