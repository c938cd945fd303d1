"""A gallery moves into a space fitted on its own cards, and loses nothing on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import numpy as np
import pytest
from pgvector import HalfVector

from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.db.scans import PostgresScanStore
from app.domain.correction_types import NewCorrection, Verdict
from app.domain.errors import DatabaseUnavailable
from app.domain.space import Moments, Space, fit_space
from app.domain.types import CardFilter, EncoderInfo, Vectors
from tests.integration.db.builders import (
    ENCODER,
    identification,
    picture,
    reference,
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


@pytest.fixture
def gallery(database: Database) -> PostgresGallery:
    return gallery_of(database)


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


async def test_a_gallery_of_few_cards_keeps_no_space(database: Database, gallery: PostgresGallery) -> None:
    await put(gallery, 0, LEAST_CARDS - 1)
    assert await gallery.fit_space() is False
    status = await gallery.status()
    assert (status.fingerprint, status.space_cards) == (WHITENING.fingerprint, None)
    assert (await fetch(database, "SELECT count(*) FROM templates WHERE encoded IS NOT NULL"))[0][0] == 0


async def test_an_encoder_without_an_exponent_gets_no_space(database: Database) -> None:
    plain = gallery_of(database, ENCODER)
    await put(plain, 0, 2 * LEAST_CARDS)
    assert await plain.fit_space() is False
    assert (await plain.status()).space_cards is None


async def test_nothing_imported_yet_needs_no_space(gallery: PostgresGallery) -> None:
    assert await gallery.fit_space() is False


async def test_the_space_is_fitted_on_the_official_picture_of_each_card_and_stored_with_the_gallery(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    assert await gallery.fit_space() is True
    row = (await fetch(database, "SELECT space, space_cards, fingerprint FROM galleries"))[0]
    moments = Moments(ENCODER.dimension)
    moments.add(vectors_of(200)[:90:3].astype(np.float16).astype(np.float32))
    expected = fit_space(moments, 0.2)
    assert Space.from_bytes(row["space"], row["space_cards"]).to_bytes() == expected.to_bytes()
    status = await gallery.status()
    assert (status.space_cards, status.encoder_fingerprint) == (30, WHITENING.fingerprint)
    assert status.fingerprint == row["fingerprint"] == expected.fingerprint(WHITENING.fingerprint)
    assert status.other_galleries == {}


async def test_a_moved_gallery_finds_the_same_cards_at_the_similarities_of_the_space(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    assert await found(gallery, 30) == names(30)
    await gallery.fit_space()
    assert await found(gallery, 30) == names(30)
    row = (await fetch(database, "SELECT space, space_cards FROM galleries"))[0]
    space = Space.from_bytes(row["space"], row["space_cards"])
    query = vectors_of(200)[4:5]
    exact = np.sort(space.apply(query) @ space.apply(vectors_of(200)[:90]).T)[0, ::-1][:9]
    hits = await gallery.search(query, 9, EVERYTHING)
    assert all(hit.in_space for hit in hits)
    np.testing.assert_allclose([hit.similarity for hit in hits], exact, atol=4e-3)


async def test_the_space_is_fitted_again_once_the_gallery_has_grown_by_half(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 20)
    assert await gallery.fit_space() is True
    first = await gallery.status()
    await put(gallery, 20, 29)
    assert await gallery.fit_space() is False
    await put(gallery, 29, 30)
    assert await gallery.fit_space() is True
    second = await gallery.status()
    assert (first.space_cards, second.space_cards) == (20, 30)
    assert first.fingerprint != second.fingerprint
    assert await gallery.fit_space() is False
    assert await found(gallery, 30) == names(30)


async def test_cards_that_come_after_a_fit_are_stored_in_the_space_with_the_encoders_own_vector(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 20)
    await gallery.fit_space()
    await put(gallery, 20, 25)
    await gallery.put_templates([("card-000", reference("card-000", vectors_of(200)[:3]))])
    assert await found(gallery, 25) == names(25)
    plain = gallery_of(database, replace(ENCODER, fingerprint="c" * 64))
    await put(plain, 0, 25)
    kept = [row[-1] for row in await templates(database)]
    assert kept == [row[-1] for row in await templates(database, replace(ENCODER, fingerprint="c" * 64))]
    missing = "SELECT count(*) FROM templates JOIN galleries g ON g.id = gallery_id WHERE space IS NOT NULL"
    assert (await fetch(database, f"{missing} AND encoded IS NULL"))[0][0] == 0


async def test_a_gallery_that_lost_its_cards_gives_its_space_up(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    before = await templates(database)
    await gallery.fit_space()
    await gallery.remove_cards(names(30)[10:])
    assert await gallery.fit_space() is True
    status = await gallery.status()
    assert (status.space_cards, status.fingerprint) == (None, WHITENING.fingerprint)
    assert await templates(database) == before[:30]
    assert (await fetch(database, "SELECT count(*) FROM templates WHERE encoded IS NOT NULL"))[0][0] == 0
    assert await found(gallery, 10) == names(10)


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


async def test_a_move_keeps_every_template_those_of_corrections_and_inactive_ones_too(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    await learn(database, active=True)
    await learn(database, active=False)
    before = await templates(database)
    assert len(before) == 92
    await gallery.fit_space()
    assert await templates(database) == before
    assert (await fetch(database, "SELECT count(*) FROM templates"))[0][0] == 92
    hits = await gallery.search(unit_vectors(9, 1), 1, EVERYTHING)
    assert [(hit.card.card_id, hit.source) for hit in hits] == [("card-003", "correction")]


async def test_a_move_leaves_the_galleries_of_other_encoders_alone(
    database: Database, gallery: PostgresGallery
) -> None:
    other = replace(ENCODER, fingerprint="c" * 64, name="other")
    await put(gallery, 0, 30)
    await put(gallery_of(database, other), 0, 30)
    before = await templates(database, other)
    await gallery.fit_space()
    assert await templates(database, other) == before
    assert (await gallery.status()).other_galleries == {other.fingerprint: 90}


async def test_a_moved_gallery_has_its_index_at_once_and_the_old_index_is_gone(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    await gallery.build_index()
    await gallery.fit_space()
    assert (await gallery.status()).index_state == "ready"
    indexes = "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'templates_hnsw%'"
    assert [row[0] for row in await fetch(database, indexes)] == ["templates_hnsw_2"]


async def test_an_index_whose_gallery_is_gone_is_dropped_by_the_next_build(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 5)
    await gallery.build_index()
    await fetch(database, "DELETE FROM galleries")
    await put(gallery, 0, 5)
    await gallery.build_index()
    indexes = "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'templates_hnsw%'"
    assert [row[0] for row in await fetch(database, indexes)] == ["templates_hnsw_2"]


async def test_another_replica_finds_its_cards_right_after_a_move(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    replica = gallery_of(database)
    assert await found(replica, 30) == names(30)
    await gallery.fit_space()
    assert await found(replica, 30) == names(30)
    await replica.check()
    await put(replica, 30, 45)
    await gallery.fit_space()
    assert await found(replica, 45) == names(45)


async def test_an_import_that_runs_during_a_move_loses_nothing(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    importing = gallery_of(database)
    lock = "SELECT id FROM galleries FOR UPDATE"
    async with held(database, lock):
        # The move has the writers' lock already and waits for the row: what comes now comes in the middle.
        moving = asyncio.create_task(gallery.fit_space())
        await wait_until_blocked(database)
        putting = asyncio.create_task(put(importing, 30, 40))
        removing = asyncio.create_task(importing.remove_cards(["card-000"]))
        await wait_until_blocked(database, 3)
    assert await moving is True
    await putting
    assert await removing == 1
    assert (await gallery.status()).templates == 39 * 3
    assert await found(importing, 40) == await found(gallery, 40)
    assert (await found(gallery, 40))[1:] == names(40)[1:]
    assert (await fetch(database, "SELECT count(*) FROM templates WHERE encoded IS NULL"))[0][0] == 0


async def test_searches_go_on_during_a_move(database: Database, gallery: PostgresGallery) -> None:
    await put(gallery, 0, 30)
    async with held(database, "SELECT id FROM galleries FOR UPDATE"):
        moving = asyncio.create_task(gallery.fit_space())
        await wait_until_blocked(database)
        assert await found(gallery_of(database), 30) == names(30)
    assert await moving is True


async def test_replicas_that_fit_at_once_move_the_gallery_once(database: Database) -> None:
    await put(gallery_of(database), 0, 30)
    moved = await asyncio.gather(*(gallery_of(database).fit_space() for _ in range(3)))
    assert sorted(moved) == [False, False, True]
    assert (await fetch(database, "SELECT count(*) FROM templates"))[0][0] == 90


@pytest.mark.parametrize("event", ["INSERT ON templates", "DELETE ON galleries", "UPDATE ON galleries"])
async def test_a_move_that_fails_leaves_the_old_gallery(
    database: Database, gallery: PostgresGallery, event: str
) -> None:
    await put(gallery, 0, 30)
    await gallery.build_index()
    before = await templates(database), await gallery.status()
    async with database.connection() as connection:
        await connection.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'out of luck'; END $$;"
            f"CREATE TRIGGER fail AFTER {event} EXECUTE FUNCTION fail()"
        )
    with pytest.raises(asyncpg.PostgresError, match="out of luck"):
        await gallery.fit_space()
    assert (await templates(database), await gallery.status()) == before
    assert await found(gallery, 30) == names(30)
    await fetch(database, "DROP FUNCTION fail CASCADE")
    assert await gallery.fit_space() is True


async def test_a_move_that_is_killed_leaves_the_old_gallery(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    before = await templates(database), await gallery.status()
    async with held(database, "SELECT id FROM galleries FOR UPDATE"):
        moving = asyncio.create_task(gallery.fit_space())
        await wait_until_blocked(database)
        await fetch(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        with pytest.raises(DatabaseUnavailable):
            await moving
    assert (await templates(database), await gallery.status()) == before
    assert await gallery.fit_space() is True


async def test_what_a_correction_undone_during_a_move_taught_is_inactive_afterwards(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    await learn(database, active=True)
    correction_id = (await fetch(database, "SELECT id FROM corrections"))[0][0]
    async with held(database, "SELECT id FROM galleries FOR UPDATE"):
        moving = asyncio.create_task(gallery.fit_space())
        await wait_until_blocked(database)
        undoing = asyncio.create_task(PostgresScanStore(database).undo_correction(correction_id))
        await wait_until_blocked(database, 2)
    assert await moving is True
    assert await undoing is not None
    active = await fetch(database, "SELECT active FROM templates WHERE source = 'correction'")
    assert [row[0] for row in active] == [False]


async def test_artwork_groups_depend_neither_on_the_space_nor_on_a_move_meanwhile(
    database: Database, gallery: PostgresGallery
) -> None:
    vectors = vectors_of(200)
    await put(gallery, 0, 30)
    near = 0.95 * vectors[0] + 0.3 * unit_vectors(11, 1)[0]
    reprint = (near / np.linalg.norm(near)).astype(np.float32)
    await gallery.put_cards([simple_update("reprint", reprint[None], name="Name of card-000")])
    groups = await gallery.refresh_artwork_groups()
    of_pair = await gallery.artwork_groups_of(["card-000", "reprint"])
    assert of_pair["card-000"] == of_pair["reprint"]
    async with held(database, "SELECT id FROM galleries FOR UPDATE"):
        moving = asyncio.create_task(gallery.fit_space())
        await wait_until_blocked(database)
        refreshing = asyncio.create_task(gallery_of(database).refresh_artwork_groups())
        await wait_until_blocked(database, 2)
    assert await moving is True
    assert await refreshing == groups
    assert await gallery.artwork_groups_of(["card-000", "reprint"]) == of_pair
