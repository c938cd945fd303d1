"""Galleries that move into a space: what their tests share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import numpy as np
from pgvector import HalfVector

from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.db.scans import PostgresScanStore
from app.domain.correction_types import NewCorrection, Verdict
from app.domain.types import CardFilter, EncoderInfo, Vectors
from tests.integration.db.builders import (
    ENCODER,
    identification,
    picture,
    scan,
    simple_update,
    unit_vectors,
)

WHITENING = replace(ENCODER, whitening_exponent=0.2)
LEAST_CARDS = 20
EVERYTHING = CardFilter()
#: What a template is, whatever gallery it lies in: without its id, the vector as the encoder gave it.
TEMPLATES = """
SELECT t.card_id, t.source, t.active, t.reference_image_id, t.view_index, t.correction_id, t.created_at,
       coalesce(t.encoded, t.embedding)::text AS encoded
FROM templates t JOIN galleries g ON g.id = t.gallery_id
WHERE g.encoder_fingerprint = $1
ORDER BY t.card_id, t.source, t.view_index"""


def gallery_of(database: Database, encoder: EncoderInfo = WHITENING) -> PostgresGallery:
    return PostgresGallery(database, encoder, least_cards=LEAST_CARDS)


def vectors_of(count: int) -> Vectors:
    """Three views a card, alike; all cards around one direction, as those of an encoder are."""
    cards = np.repeat(unit_vectors(1, count), 3, axis=0) + 0.1 * unit_vectors(2, 3 * count)
    vectors = cards + 2 * unit_vectors(3, 1)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


async def put(gallery: PostgresGallery, first: int, end: int) -> None:
    vectors = vectors_of(200)
    await gallery.put_cards(
        [simple_update(f"card-{i:03}", vectors[3 * i : 3 * i + 3]) for i in range(first, end)]
    )


async def fetch(database: Database, query: str, *args: object) -> list[asyncpg.Record]:
    async with database.connection() as connection:
        return await connection.fetch(query, *args)


async def templates(database: Database, encoder: EncoderInfo = WHITENING) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await fetch(database, TEMPLATES, encoder.fingerprint)]


async def found(gallery: PostgresGallery, cards: int) -> list[str]:
    """The first card for the second view of each."""
    hits = await gallery.search(vectors_of(200)[1 : 3 * cards : 3], 1, EVERYTHING)
    return [hit.card.card_id for hit in hits]


def names(cards: int) -> list[str]:
    return [f"card-{i:03}" for i in range(cards)]


@asynccontextmanager
async def held(database: Database, query: str, *args: object) -> AsyncIterator[None]:
    """A statement's locks, held by another session."""
    async with database.transaction() as connection:
        await connection.execute(query, *args)
        yield


async def wait_until_blocked(database: Database, sessions: int = 1) -> None:
    """Until so many sessions of this database wait for a lock."""
    waiting = """SELECT count(*) >= $1 FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    async with asyncio.timeout(20):
        while not (await fetch(database, waiting, sessions))[0][0]:
            await asyncio.sleep(0.01)


async def learn(database: Database, active: bool) -> None:
    """A template that a correction brought."""
    store = PostgresScanStore(database)
    seen = scan(identification())
    await store.save(seen, picture(str(seen.scan_id)), [picture("crop")], "alice")
    about = NewCorrection(Verdict.CARD, detection_id=seen.cards[0].detection_id, card_id="card-003")
    correction, _ = await store.add_correction(about, "body", None)
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO templates (gallery_id, card_id, source, active, correction_id, embedding)"
            " SELECT id, 'card-003', 'correction', $1, $2, $3 FROM galleries WHERE current",
            *(active, correction.correction_id, HalfVector(unit_vectors(9, 1)[0])),
        )
