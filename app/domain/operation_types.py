"""What operators are told of a process beside its memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections to the database: how many there are now, and what happened since the start.

    Attributes:
        size: Connections open.
        idle: Those of them that nobody uses.
        limit: How many there may be.
        opened: Connections ever opened; those beyond ``limit`` took the place of lost or idle ones.
        failures: How often work found the database away.
    """

    size: int
    idle: int
    limit: int
    opened: int
    failures: int


class ConnectionPool(Protocol):
    """What keeps the connections."""

    def use(self) -> PoolUse:
        """How it stands now."""
        ...

    async def check(self) -> str:
        """Asks the database for a sign of life; says how it stands.

        Raises:
            DatabaseUnavailable: there is none.
            SearchTimeout: it took too long.
        """
        ...
