"""The scan store port against a real PostgreSQL: scans, their pictures, retention, idempotency."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest

from app.db.pool import Database
from app.db.scans import PostgresScanStore
from app.domain.errors import IdempotencyConflict
from app.domain.scan_filter import ScanFilter
from app.domain.types import Identification, RequestKey, ScanResult, Status
from app.settings import Settings
from tests.integration.db.builders import identification, picture, scan, sha256

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def store(database: Database) -> PostgresScanStore:
    return PostgresScanStore(database)


async def save(
    store: PostgresScanStore,
    result: ScanResult,
    key_id: str | None = None,
    request_key: RequestKey | None = None,
) -> UUID:
    """Saves with pictures named after the scan and its detections; returns the scan that stands."""
    crops = [picture(str(card.detection_id)) for card in result.cards]
    return await store.save(result, picture(str(result.scan_id)), crops, key_id, request_key)


async def blob_count(database: Database) -> int:
    async with database.connection() as connection:
        return await connection.fetchval("SELECT count(*) FROM blobs")


def same(one: Identification, other: Identification) -> bool:
    """Equality by value; a quad is an array and has no single truth value."""
    names = [name for name in Identification.__slots__ if name != "quad_px"]
    return np.array_equal(one.quad_px, other.quad_px) and all(
        getattr(one, name) == getattr(other, name) for name in names
    )


async def test_a_scan_comes_back_as_it_was_answered(store: PostgresScanStore) -> None:
    result = scan(identification(), identification(Status.UNKNOWN, card=None), created_at=NOW)
    await save(store, result)
    found = await store.get(result.scan_id)
    assert found is not None
    assert all(map(same, found.cards, result.cards))
    assert len(found.cards) == 2
    for name in ("scan_id", "width_px", "height_px", "sha256", "timings_ms", "encoder", "created_at"):
        assert getattr(found, name) == getattr(result, name)


async def test_pictures_come_back_with_their_media_type(store: PostgresScanStore) -> None:
    result = scan(identification(), identification())
    await save(store, result)
    assert await store.scan_image(result.scan_id) == picture(str(result.scan_id))
    second = result.cards[1].detection_id
    assert await store.detection_image(second) == picture(str(second))


async def test_what_is_unknown_is_none(store: PostgresScanStore) -> None:
    assert await store.get(uuid4()) is None
    assert await store.scan_image(uuid4()) is None
    assert await store.detection_image(uuid4()) is None
    assert await store.delete(uuid4()) is False


async def test_a_scan_without_cards_is_kept_and_dated(store: PostgresScanStore) -> None:
    result = scan()
    await save(store, result)
    found = await store.get(result.scan_id)
    assert found is not None
    assert found.cards == ()
    assert found.created_at is not None
    assert abs(found.created_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_one_crop_for_each_card_is_required(store: PostgresScanStore) -> None:
    with pytest.raises(ValueError, match="0 crops"):
        await store.save(scan(identification()), picture("page"), [], None)


async def test_the_list_is_newest_first_with_counts_by_status(store: PostgresScanStore) -> None:
    old = scan(identification(), identification(Status.REVIEW), created_at=NOW - timedelta(hours=2))
    new = scan(identification(Status.UNKNOWN, None), created_at=NOW)
    empty = scan(created_at=NOW - timedelta(hours=1))
    for result in (old, new, empty):
        await save(store, result)
    listed = await store.list(ScanFilter(), 10)
    assert [summary.scan_id for summary in listed] == [new.scan_id, empty.scan_id, old.scan_id]
    assert [(s.cards, s.accepted, s.review, s.unknown) for s in listed] == [
        (1, 0, 0, 1),
        (0, 0, 0, 0),
        (2, 1, 1, 0),
    ]
    assert [s.scan_id for s in await store.list(ScanFilter(before=NOW), 1)] == [empty.scan_id]
    assert [s.scan_id for s in await store.list(ScanFilter(status=Status.REVIEW), 10)] == [old.scan_id]


async def test_a_forgotten_scan_takes_its_pictures_but_not_shared_ones(
    database: Database, store: PostgresScanStore
) -> None:
    page = picture("the same page, uploaded twice")
    first, second = scan(identification()), scan(identification())
    await store.save(first, page, [picture("first crop")], None)
    await store.save(second, page, [picture("second crop")], None)
    assert await store.delete(first.scan_id) is True
    assert await store.get(first.scan_id) is None
    assert await store.detection_image(first.cards[0].detection_id) is None
    assert await store.scan_image(second.scan_id) == page
    assert await blob_count(database) == 2


async def test_a_purge_deletes_what_is_past_its_days_and_nothing_else(
    database: Database, store: PostgresScanStore
) -> None:
    old = [scan(identification(), created_at=NOW - timedelta(days=31, minutes=i)) for i in range(3)]
    young = scan(identification(), created_at=NOW - timedelta(days=29))
    for result in (*old, young):
        await save(store, result)
    assert await store.purge(0) == 0
    assert await store.purge(30) == 3
    assert [summary.scan_id for summary in await store.list(ScanFilter(), 10)] == [young.scan_id]
    assert await blob_count(database) == 2
    assert await store.purge(30) == 0


async def test_a_purge_may_take_longer_than_a_search(settings: Settings, database: Database) -> None:
    assert settings.database_url is not None
    async with database.connection() as connection:
        await connection.execute(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(0.3); RETURN OLD; END';"
            "CREATE TRIGGER dawdle BEFORE DELETE ON scans FOR EACH ROW EXECUTE FUNCTION dawdle()"
        )
    hasty = settings.model_copy(update={"statement_timeout_ms": 100})
    other = await Database.open(settings.database_url.get_secret_value(), hasty)
    try:
        store = PostgresScanStore(other)
        await save(store, scan(identification(), created_at=NOW - timedelta(days=31)))
        assert await store.purge(30) == 1
    finally:
        await other.close()


@pytest.mark.parametrize("older_than_days", [0, 30])
async def test_a_purge_sweeps_pictures_a_failed_writer_left(
    database: Database, store: PostgresScanStore, older_than_days: int
) -> None:
    result = scan(identification())
    await save(store, result)
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO blobs (sha256, media_type, data, used_at) VALUES"
            " ($1, 'image/png', 'x', now() - interval '2 hours'), ($2, 'image/png', 'y', now())",
            sha256("old orphan"),
            sha256("young orphan"),
        )
        await connection.execute("UPDATE blobs SET used_at = now() - interval '2 h' WHERE data <> 'y'")
    await store.purge(older_than_days)
    assert await blob_count(database) == 3
    assert await store.scan_image(result.scan_id) is not None


async def test_an_idempotency_key_leads_back_to_its_scan(store: PostgresScanStore) -> None:
    result, key = scan(), RequestKey("key", "body")
    assert await store.find_idempotent(key, "alice") is None
    assert await save(store, result, "alice", key) == result.scan_id
    assert await store.find_idempotent(key, "alice") == result.scan_id
    assert await store.find_idempotent(key, "bob") is None
    with pytest.raises(IdempotencyConflict):
        await store.find_idempotent(RequestKey("key", "another body"), "alice")


async def test_a_second_scan_of_the_same_key_is_not_stored_and_the_first_one_stands(
    database: Database, store: PostgresScanStore
) -> None:
    result, key = scan(identification()), RequestKey("key", "body")
    await save(store, result, None, key)
    blobs = await blob_count(database)
    assert await save(store, scan(identification()), None, key) == result.scan_id
    with pytest.raises(IdempotencyConflict):
        await save(store, scan(identification()), None, RequestKey("key", "another body"))
    assert [summary.scan_id for summary in await store.list(ScanFilter(), 10)] == [result.scan_id]
    assert await blob_count(database) == blobs


async def test_of_scans_stored_at_the_same_time_with_one_key_one_stands(store: PostgresScanStore) -> None:
    rivals, key = [scan(identification()) for _ in range(4)], RequestKey("key", "body")
    answers = await asyncio.gather(*(save(store, rival, None, key) for rival in rivals))
    stored = await store.list(ScanFilter(), 10)
    assert [summary.scan_id for summary in stored] == [answers[0]]
    assert set(answers) == {answers[0]}


async def test_a_key_ends_with_its_scan_even_while_another_scan_waits_for_it(
    database: Database, store: PostgresScanStore
) -> None:
    result, rival, key = scan(), scan(), RequestKey("key", "body")
    await save(store, result, None, key)
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM scans WHERE id = $1", result.scan_id)
        waiting = asyncio.create_task(save(store, rival, None, key))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert await waiting == rival.scan_id
    assert await store.find_idempotent(key, None) == rival.scan_id
    await store.delete(rival.scan_id)
    assert await store.find_idempotent(key, None) is None
