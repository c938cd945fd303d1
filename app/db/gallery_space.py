"""Moves a gallery into a space fitted on its own cards: in one transaction, while searches go on.

Another space makes another gallery: the templates are copied into a new one, which takes the old one's place
when the transaction ends. So a search sees the one or the other, never both, and whatever stops the move
leaves the old gallery as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import numpy as np
from pgvector import HalfVector

from app.db.current_gallery import GalleryLookup
from app.db.pool import Database
from app.db.queries import Queries
from app.db.template_index import build_index_at_once, drop_orphaned_indexes, lock_index_builds
from app.domain.space import Moments, Space, SpacePolicy, fit_space
from app.domain.types import EncoderInfo

#: Writers of templates share it, a move has it alone: the bytes of "space".
_ADVISORY_LOCK = int.from_bytes(b"space")
#: Vectors in memory at once.
_BATCH = 1000


async def keep_templates(connection: asyncpg.Connection, queries: Queries) -> None:
    """To be called first in a transaction that changes templates or reads them in several statements.

    Waits while a gallery moves, of whatever encoder: what changed between its copy and its end would be lost,
    and removing a card touches every gallery.
    """
    await connection.execute(queries["keep_templates"], _ADVISORY_LOCK)


async def have_templates_alone(connection: asyncpg.Connection, queries: Queries) -> None:
    """To be called first in a transaction that replaces or removes a whole gallery.

    Writers wait for its end, searches go on.
    """
    await connection.execute(queries["lock_transaction"], _ADVISORY_LOCK)


async def move_into_space(database: Database, encoder: EncoderInfo, policy: SpacePolicy) -> bool:
    """Fits the space anew where the policy says so; returns whether it did.

    The new gallery has its index and the planner's statistics from the moment that it is there.

    Raises:
        DatabaseUnavailable: the database cannot be reached, or writers held on for five minutes.
    """
    queries = database.queries
    async with database.maintenance() as connection:
        if await _due_gallery(connection, queries, encoder, policy) is None:
            return False
        # Asked for before the transaction: a build under way waits for transactions, this one included.
        await lock_index_builds(connection, queries)
        async with connection.transaction():
            await have_templates_alone(connection, queries)
            # Another process may have been first, or cards may have come and gone.
            old_id = await _due_gallery(connection, queries, encoder, policy)
            if old_id is None:
                return False
            await _move(connection, queries, encoder, policy, old_id)
        await drop_orphaned_indexes(connection, queries)
    return True


async def _due_gallery(
    connection: asyncpg.Connection, queries: Queries, encoder: EncoderInfo, policy: SpacePolicy
) -> int | None:
    """Id of the encoder's gallery if another space is due, else None."""
    gallery = await GalleryLookup(queries, encoder).find(connection)
    if gallery is None:
        return None
    cards = await connection.fetchval(queries["count_cards_to_fit"], gallery.gallery_id)
    fitted_on = None if gallery.space is None else gallery.space.cards
    return gallery.gallery_id if policy.is_due(cards, fitted_on) else None


async def _move(
    connection: asyncpg.Connection, queries: Queries, encoder: EncoderInfo, policy: SpacePolicy, old_id: int
) -> None:
    await connection.execute(queries["lock_gallery"], old_id)
    space = await _fit(connection, queries, encoder.dimension, policy, old_id)
    new_id = await connection.fetchval(
        queries["add_gallery_in_space"],
        old_id,
        encoder.fingerprint if space is None else space.fingerprint(encoder.fingerprint),
        None if space is None else space.to_bytes(),
        None if space is None else space.cards,
    )
    async for rows in _batches(connection, queries, "vectors_to_move", old_id):
        ids = [row["id"] for row in rows]
        await connection.execute(queries["copy_templates"], new_id, ids, await _moved(rows, space))
    await connection.execute(queries["delete_gallery"], old_id)
    await connection.execute(queries["make_gallery_current"], new_id)
    await build_index_at_once(connection, queries, new_id, encoder.dimension)


async def _fit(
    connection: asyncpg.Connection, queries: Queries, dimension: int, policy: SpacePolicy, gallery_id: int
) -> Space | None:
    """The space of the gallery's cards as they are now; None where they are too few for one."""
    moments = Moments(dimension)
    async for rows in _batches(connection, queries, "vectors_to_fit", gallery_id):
        await asyncio.to_thread(moments.add, _as_array(rows))
    if not policy.wants(moments.cards):
        return None
    return await asyncio.to_thread(fit_space, moments, policy.exponent)


async def _moved(rows: list[asyncpg.Record], space: Space | None) -> list[HalfVector | None]:
    if space is None:
        return [None] * len(rows)
    return await asyncio.to_thread(lambda: [HalfVector(one) for one in space.apply(_as_array(rows))])


async def _batches(
    connection: asyncpg.Connection, queries: Queries, query: str, gallery_id: int
) -> AsyncIterator[list[asyncpg.Record]]:
    """Ids and vectors that a query of a gallery gives, ``_BATCH`` at a time, inside the transaction."""
    await connection.execute(queries.with_numbers(query, gallery_id=gallery_id))
    while rows := await connection.fetch(queries.with_numbers("fetch_vectors", count=_BATCH)):
        yield rows
    await connection.execute(queries["close_vectors"])


def _as_array(rows: list[asyncpg.Record]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.stack([row["vector"].to_numpy() for row in rows]).astype(np.float32)
