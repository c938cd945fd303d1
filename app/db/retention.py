"""Forgetting scans: on demand, and when their time is over. What corrections refer to stays."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from app.db.blobs import collect_blobs
from app.db.pool import Database
from app.db.queries import Queries

#: Scans deleted in one transaction: few enough that nobody who needs their pictures waits for long.
_BATCH_SCANS = 100
_BATCH_BLOBS = 500


async def delete_scans(connection: asyncpg.Connection, queries: Queries, scan_ids: Sequence[UUID]) -> int:
    """Deletes scans with detections and pictures, inside a transaction; returns how many there were."""
    ids = list(scan_ids)
    keys = [row["sha256"] for row in await connection.fetch(queries["blobs_of_scans"], ids)]
    deleted = await connection.fetch(queries["delete_scans"], ids)
    await collect_blobs(connection, queries, keys)
    return len(deleted)


async def purge(database: Database, older_than_days: int) -> int:
    """Deletes scans older than that many days, in small transactions; returns how many.

    Zero keeps all. Pictures that nothing refers to any more, left by writers that failed, go too. Without the
    statement timeout of searches: large scans would run into it, and be kept for ever.
    """
    queries = database.queries
    purged = 0
    batch = _BATCH_SCANS if older_than_days > 0 else 0
    async with database.maintenance() as connection:
        while batch == _BATCH_SCANS:
            async with connection.transaction():
                rows = await connection.fetch(queries["lock_expired_scans"], older_than_days, _BATCH_SCANS)
                batch = await delete_scans(connection, queries, [row["id"] for row in rows])
            purged += batch
        async with connection.transaction():
            orphans = await connection.fetch(queries["list_unreferenced_blobs"], _BATCH_BLOBS)
            await collect_blobs(connection, queries, [row["sha256"] for row in orphans])
    return purged
