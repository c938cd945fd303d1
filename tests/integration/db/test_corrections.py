"""Corrections against a real PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest
from pgvector import HalfVector

from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.db.scans import PostgresScanStore
from app.domain.correction_types import CorrectionStatus, NewCorrection, Verdict
from app.domain.errors import IdempotencyConflict, NotFound
from app.domain.types import CardFilter, ScanResult
from tests.integration.db.builders import (
    DROWZEE,
    ENCODER,
    identification,
    picture,
    reference,
    scan,
    unit_vectors,
    update,
)

QUAD = np.array([[0.0, 0.0], [63.0, 0.5], [63.0, 88.0], [0.0, 88.0]])


@pytest.fixture
def store(database: Database) -> PostgresScanStore:
    return PostgresScanStore(database)


@pytest.fixture
async def stored(database: Database, store: PostgresScanStore) -> ScanResult:
    """A gallery of one card and a scan with one detection."""
    gallery = PostgresGallery(database, ENCODER)
    await gallery.put_cards([update(DROWZEE, reference("drowzee", unit_vectors(1, 3)))])
    result = scan(identification())
    await store.save(result, picture("page"), [picture("crop")], "alice")
    return result


def about(result: ScanResult, key: str | None = None) -> NewCorrection:
    """Someone says that the scan's only detection is the Drowzee."""
    return NewCorrection(
        Verdict.CARD,
        detection_id=result.cards[0].detection_id,
        card_id=DROWZEE.card_id,
        note="it is",
        key_id="alice",
        idempotency_key=key,
    )


async def blobs(database: Database) -> set[bytes]:
    async with database.connection() as connection:
        return {row["data"] for row in await connection.fetch("SELECT data FROM blobs")}


async def test_a_correction_is_stored_pending_and_found_again(
    store: PostgresScanStore, stored: ScanResult
) -> None:
    correction, is_new = await store.add_correction(about(stored), "body", None)
    assert is_new
    assert correction.status is CorrectionStatus.PENDING
    assert correction.verdict is Verdict.CARD
    assert (correction.scan_id, correction.detection_id) == (stored.scan_id, stored.cards[0].detection_id)
    assert (correction.card_id, correction.note, correction.key_id) == ("sv5-131", "it is", "alice")
    assert correction.created_at.utcoffset() is not None
    assert await store.get_correction(correction.correction_id) == correction
    assert await store.get_correction(uuid4()) is None


async def test_a_missed_card_is_corrected_by_its_quad(store: PostgresScanStore, stored: ScanResult) -> None:
    missed = NewCorrection(Verdict.CARD, scan_id=stored.scan_id, quad_px=QUAD, card_id=DROWZEE.card_id)
    correction, _ = await store.add_correction(missed, "body", picture("crop of the missed card"))
    assert correction.detection_id is None
    assert correction.quad_px is not None
    np.testing.assert_array_equal(correction.quad_px, QUAD)


async def test_corrections_of_what_is_not_there_are_refused(
    database: Database, store: PostgresScanStore, stored: ScanResult
) -> None:
    for unknown in (
        replace(about(stored), detection_id=uuid4()),
        replace(about(stored), card_id="no-such-card"),
        NewCorrection(Verdict.NOT_A_CARD, scan_id=uuid4(), quad_px=QUAD),
    ):
        with pytest.raises(NotFound):
            await store.add_correction(unknown, "body", picture("stray"))
    assert picture("stray").data not in await blobs(database)


async def test_a_repeated_key_stores_once_and_another_body_conflicts(
    store: PostgresScanStore, stored: ScanResult
) -> None:
    first, _ = await store.add_correction(about(stored, "key"), "body", None)
    assert await store.add_correction(about(stored, "key"), "body", None) == (first, False)
    with pytest.raises(IdempotencyConflict):
        await store.add_correction(about(stored, "key"), "another body", None)
    _, is_new = await store.add_correction(replace(about(stored, "key"), key_id=None), "body", None)
    assert is_new, "another API key has its own idempotency keys"


async def test_a_correction_is_found_by_the_key_that_stored_it(
    store: PostgresScanStore, stored: ScanResult
) -> None:
    first, _ = await store.add_correction(about(stored, "key"), "body", None)
    assert await store.find_correction("key", "alice", "body") == first
    assert await store.find_correction("key", None, "body") is None
    assert await store.find_correction("other", "alice", "body") is None
    with pytest.raises(IdempotencyConflict):
        await store.find_correction("key", "alice", "another body")


async def test_two_requests_with_one_key_at_once_store_one_correction(
    store: PostgresScanStore, stored: ScanResult
) -> None:
    answers = await asyncio.gather(
        *(store.add_correction(about(stored, "key"), "body", None) for _ in range(5))
    )
    assert len({correction.correction_id for correction, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1


async def test_a_repeat_is_answered_even_after_the_scan_is_gone(
    store: PostgresScanStore, stored: ScanResult
) -> None:
    first, _ = await store.add_correction(about(stored, "key"), "body", None)
    await store.delete(stored.scan_id)
    again, is_new = await store.add_correction(about(stored, "key"), "body", None)
    assert (again.correction_id, is_new) == (first.correction_id, False)


async def test_a_corrected_crop_outlives_its_scan(
    database: Database, store: PostgresScanStore, stored: ScanResult
) -> None:
    correction, _ = await store.add_correction(about(stored), "body", None)
    assert await store.delete(stored.scan_id)
    assert await blobs(database) == {picture("crop").data, picture("drowzee").data}
    kept = await store.get_correction(correction.correction_id)
    assert kept is not None
    assert (kept.scan_id, kept.detection_id) == (None, None)
    assert kept.card_id == DROWZEE.card_id


async def test_a_correction_stays_when_its_card_leaves_the_gallery(
    database: Database, store: PostgresScanStore, stored: ScanResult
) -> None:
    correction, _ = await store.add_correction(about(stored), "body", None)
    await PostgresGallery(database, ENCODER).remove_cards([DROWZEE.card_id])
    assert await store.get_correction(correction.correction_id) == correction
    result = await store.get(stored.scan_id)
    assert result is not None
    assert result.cards[0].card == DROWZEE


async def test_an_undone_correction_takes_its_templates_out_of_the_search(
    database: Database, store: PostgresScanStore, stored: ScanResult
) -> None:
    gallery = PostgresGallery(database, ENCODER)
    correction, _ = await store.add_correction(about(stored), "body", None)
    learnt = unit_vectors(9, 1)
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO templates (gallery_id, card_id, source, correction_id, embedding)"
            " SELECT id, $1, 'correction', $2, $3 FROM galleries",
            *(DROWZEE.card_id, correction.correction_id, HalfVector(learnt[0])),
        )
    assert (await gallery.search(learnt, 1, CardFilter()))[0].source == "correction"
    taken_back = await store.undo_correction(correction.correction_id)
    assert taken_back is not None
    undone, is_new = taken_back
    assert is_new
    assert undone.status is CorrectionStatus.UNDONE
    assert undone.updated_at > correction.updated_at
    assert "correction" not in [hit.source for hit in await gallery.search(learnt, 9, CardFilter())]
    assert await store.undo_correction(correction.correction_id) == (undone, False)
    assert await store.undo_correction(uuid4()) is None


async def test_templates_learnt_from_corrections_survive_an_import(
    database: Database, store: PostgresScanStore, stored: ScanResult
) -> None:
    correction, _ = await store.add_correction(about(stored), "body", None)
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO templates (gallery_id, card_id, source, correction_id, embedding)"
            " SELECT id, $1, 'correction', $2, $3 FROM galleries",
            *(DROWZEE.card_id, correction.correction_id, HalfVector(unit_vectors(9, 1)[0])),
        )
    gallery = PostgresGallery(database, ENCODER)
    await gallery.put_cards([update(DROWZEE, reference("new picture", unit_vectors(2, 3)))])
    assert (await gallery.status()).templates_by_source == {"official": 1, "augmented": 2, "correction": 1}


async def test_a_scan_has_its_corrections_and_nobody_elses(
    store: PostgresScanStore, stored: ScanResult
) -> None:
    other = scan(identification())
    await store.save(other, picture("page"), [picture("crop")], None)
    first, _ = await store.add_correction(about(stored), "one", None)
    missed = NewCorrection(Verdict.CARD, scan_id=stored.scan_id, quad_px=QUAD, card_id=DROWZEE.card_id)
    second, _ = await store.add_correction(missed, "two", picture("missed"))
    await store.add_correction(about(other), "three", None)
    listed = await store.corrections_of(stored.scan_id)
    assert [one.correction_id for one in listed] == [first.correction_id, second.correction_id]
    assert await store.corrections_of(uuid4()) == ()


async def test_a_detection_is_found_by_its_id(store: PostgresScanStore, stored: ScanResult) -> None:
    found = await store.detection(stored.cards[0].detection_id)
    assert found is not None
    assert (found.detection_id, found.candidates) == (
        stored.cards[0].detection_id,
        stored.cards[0].candidates,
    )
    assert await store.detection(uuid4()) is None
