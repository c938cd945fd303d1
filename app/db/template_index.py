"""The HNSW index of one gallery: built once, by whichever replica comes first, and never left half-built."""

from __future__ import annotations

import asyncio
from typing import Literal

import asyncpg

from app.db.pool import Database
from app.db.queries import Queries

IndexState = Literal["none", "building", "ready", "invalid"]

#: One build at a time, of whatever gallery: the bytes of "hnsw".
_ADVISORY_LOCK = int.from_bytes(b"hnsw")
_POLL_INTERVAL_S = 0.2
#: A million templates of 256 dimensions took 23 minutes with little beside it (docs/measurements.md).
_OTHER_BUILDER_TIMEOUT_S = 3600.0
#: A graph that does not fit into memory is built several times slower. What a template takes beside its
#: vector: 64 links of 16 bytes on the lowest level, the element itself, and what the allocator rounds up to.
_BYTES_A_TEMPLATE = 1500
_BUILD_MEMORY_MB = (256, 2048)


async def index_state(connection: asyncpg.Connection, queries: Queries, gallery_id: int) -> IndexState:
    """What the catalog says about the index; ``invalid`` is what an interrupted build left."""
    row = await connection.fetchrow(queries.with_numbers("template_index_state", gallery_id=gallery_id))
    return _state(row)


def _state(row: asyncpg.Record | None) -> IndexState:
    if row is None:
        return "none"
    if row["building"]:
        return "building"
    return "ready" if row["valid"] else "invalid"


async def build_index(database: Database, gallery_id: int, dimension: int) -> None:
    """Builds the index unless it is there and valid; waits where another process is building one.

    One that an earlier version built with other parameters is built anew; searches are exact meanwhile.
    Indexes of galleries that are gone are dropped: a move that was stopped at its very end leaves one.

    Raises:
        DatabaseUnavailable: another process has been building for an hour.
    """
    queries = database.queries
    async with database.maintenance() as connection:
        await lock_index_builds(connection, queries)
        await drop_orphaned_indexes(connection, queries)
        row = await connection.fetchrow(queries.with_numbers("template_index_state", gallery_id=gallery_id))
        if row is None or _state(row) != "ready" or not row["as_wanted"]:
            await connection.execute(queries.with_numbers("drop_template_index", gallery_id=gallery_id))
            await _set_build_memory(connection, queries, gallery_id, dimension)
            await connection.execute(
                queries.with_numbers("build_template_index", gallery_id=gallery_id, dimension=dimension)
            )
        await connection.execute(queries["analyze_templates"])


async def build_index_at_once(
    connection: asyncpg.Connection, queries: Queries, gallery_id: int, dimension: int
) -> None:
    """Builds the index of a gallery that this transaction has just filled; searches of others go on.

    Writers of templates wait for the transaction's end. The session must hold ``lock_index_builds``.
    """
    await _set_build_memory(connection, queries, gallery_id, dimension)
    await connection.execute(
        queries.with_numbers("build_template_index_at_once", gallery_id=gallery_id, dimension=dimension)
    )
    await connection.execute(queries["analyze_templates"])


def build_memory_mb(templates: int, dimension: int) -> int:
    """Megabytes that the graph of so many float16 vectors is built in, within limits."""
    needed_mb = templates * (2 * dimension + _BYTES_A_TEMPLATE) // 1_000_000
    return min(max(needed_mb, _BUILD_MEMORY_MB[0]), _BUILD_MEMORY_MB[1])


async def _set_build_memory(
    connection: asyncpg.Connection, queries: Queries, gallery_id: int, dimension: int
) -> None:
    templates = await connection.fetchval(queries["count_templates"], gallery_id)
    await connection.execute(queries["set_build_memory"], f"{build_memory_mb(templates, dimension)}MB")


async def drop_orphaned_indexes(connection: asyncpg.Connection, queries: Queries) -> None:
    """Drops the indexes of galleries that are gone, outside a transaction, without blocking searches."""
    for row in await connection.fetch(queries["galleries_of_orphaned_indexes"]):
        await connection.execute(queries.with_numbers("drop_template_index", gallery_id=row["gallery_id"]))


async def lock_index_builds(connection: asyncpg.Connection, queries: Queries) -> None:
    """Keeps other processes from building indexes until the session ends.

    Asks again and again: a session that waits in the server holds a snapshot, and CREATE INDEX CONCURRENTLY
    in the other session would wait for that snapshot in turn.

    Raises:
        DatabaseUnavailable: another process has been building for an hour.
    """
    async with asyncio.timeout(_OTHER_BUILDER_TIMEOUT_S):
        while True:
            if await connection.fetchval(queries["try_lock_session"], _ADVISORY_LOCK):
                return
            await asyncio.sleep(_POLL_INTERVAL_S)
