"""Stored pictures by the hash of their bytes, each once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import asyncpg

from app.db.queries import Queries
from app.domain.types import StoredImage


def blob_key(image: StoredImage) -> str:
    """SHA-256 of the bytes, lowercase hexadecimal."""
    return hashlib.sha256(image.data).hexdigest()


async def put_blobs(
    connection: asyncpg.Connection, queries: Queries, images: Sequence[StoredImage]
) -> list[str]:
    """Stores pictures, inside a transaction that then refers to them; returns their keys in order."""
    if not images:
        return []
    # Beside the event loop: the pictures of one scan come to several megabytes.
    keys = await asyncio.to_thread(lambda: [blob_key(image) for image in images])
    await connection.execute(
        queries["put_blobs"],
        keys,
        [image.media_type for image in images],
        [image.data for image in images],
    )
    return keys


async def collect_blobs(connection: asyncpg.Connection, queries: Queries, keys: Sequence[str]) -> None:
    """Deletes those of ``keys`` that nothing refers to any more. Must run inside a transaction."""
    if keys:
        locked = [row["sha256"] for row in await connection.fetch(queries["lock_blobs"], list(set(keys)))]
        await connection.execute(queries["delete_unreferenced_blobs"], locked)
