"""The HNSW index of one gallery: built once, by whichever replica comes first, and never left half-built."""

from __future__ import annotations

import asyncio
from typing import Literal

import asyncpg

from app.db.pool import Database
from app.db.queries import Queries

IndexState = Literal["none", "building", "ready", "invalid"]

#: Advisory locks from here on, one a gallery: the bytes of "hnsw" and room for the gallery's id.
_ADVISORY_LOCK_BASE = int.from_bytes(b"hnsw") << 31
_POLL_INTERVAL_S = 0.2
#: 100,000 templates of 768 dimensions take a minute or two.
_OTHER_BUILDER_TIMEOUT_S = 1800.0


async def index_state(connection: asyncpg.Connection, queries: Queries, gallery_id: int) -> IndexState:
    """What the catalog says about the index; ``invalid`` is what an interrupted build left."""
    row = await connection.fetchrow(queries.with_numbers("template_index_state", gallery_id=gallery_id))
    if row is None:
        return "none"
    if row["building"]:
        return "building"
    return "ready" if row["valid"] else "invalid"


async def build_index(database: Database, gallery_id: int, dimension: int) -> None:
    """Builds the index unless it is there and valid; waits where another process is building it.

    Raises:
        DatabaseUnavailable: another process has been building for half an hour.
    """
    queries = database.queries
    async with database.maintenance() as connection:
        async with asyncio.timeout(_OTHER_BUILDER_TIMEOUT_S):
            await _lock(connection, queries, _ADVISORY_LOCK_BASE + gallery_id)
        if await index_state(connection, queries, gallery_id) != "ready":
            await connection.execute(queries.with_numbers("drop_template_index", gallery_id=gallery_id))
            await connection.execute(
                queries.with_numbers("build_template_index", gallery_id=gallery_id, dimension=dimension)
            )
        await connection.execute(queries["analyze_templates"])


async def _lock(connection: asyncpg.Connection, queries: Queries, key: int) -> None:
    """Asks for the lock again and again: a session that waits in the server holds a snapshot.

    CREATE INDEX CONCURRENTLY in the other session would wait for that snapshot in turn.
    """
    while True:
        if await connection.fetchval(queries["try_lock_session"], key):
            return
        await asyncio.sleep(_POLL_INTERVAL_S)
