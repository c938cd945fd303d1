"""What goes on while a gallery moves into another space, and what a move that is stopped leaves."""

from __future__ import annotations

import asyncio

import asyncpg
import numpy as np
import pytest

from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.db.scans import PostgresScanStore
from app.domain.errors import DatabaseUnavailable
from tests.integration.db.builders import (
    simple_update,
    unit_vectors,
)
from tests.integration.db.spaces import (
    fetch,
    found,
    gallery_of,
    held,
    learn,
    names,
    put,
    templates,
    vectors_of,
    wait_until_blocked,
)


@pytest.fixture
def gallery(database: Database) -> PostgresGallery:
    return gallery_of(database)


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
