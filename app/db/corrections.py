"""Storing what people say about detections, and taking it back."""

from __future__ import annotations

from uuid import UUID, uuid4

import asyncpg

from app.db.blobs import put_blobs
from app.db.gallery_space import keep_templates
from app.db.queries import Queries
from app.db.records import correction_from_row, quad_to_row
from app.domain.correction_types import Correction, NewCorrection, Verdict
from app.domain.errors import IdempotencyConflict, NotFound
from app.domain.types import StoredImage

#: Whoever judges corrections or takes one back holds it: the bytes of "learn".
LEARNING_LOCK = int.from_bytes(b"learn")
#: Longer than that lock is waited for; a server that is silent longer is gone.
LONGEST_WAIT_S = 360.0


async def add_correction(
    connection: asyncpg.Connection,
    queries: Queries,
    correction: NewCorrection,
    body_sha256: str,
    crop: StoredImage | None,
) -> tuple[Correction, bool]:
    """Stores a correction, inside a transaction; the flag is False where its key had already stored it.

    It refers to the crop it was said about: ``crop``, or that of the detection, so that the crop stays when
    the scan is forgotten.

    Raises:
        NotFound: unknown scan, detection or card.
        IdempotencyConflict: the key was used with another body.
    """
    earlier = await _find_by_key(connection, queries, correction, body_sha256)
    if earlier is not None:
        return earlier, False
    scan_id, crop_sha256 = await _lock_subject(connection, queries, correction)
    if correction.verdict is Verdict.CARD and not await connection.fetchrow(
        queries["get_card"], correction.card_id
    ):
        raise NotFound(f"no card {correction.card_id!r}")
    if crop is not None:
        (crop_sha256,) = await put_blobs(connection, queries, [crop])
    row = await _insert(connection, queries, correction, body_sha256, scan_id, crop_sha256)
    if row is not None:
        return correction_from_row(row), True
    # Another request with the same key was stored between the look-up and the insert.
    earlier = await _find_by_key(connection, queries, correction, body_sha256)
    assert earlier is not None
    return earlier, False


async def _insert(
    connection: asyncpg.Connection,
    queries: Queries,
    correction: NewCorrection,
    body_sha256: str,
    scan_id: UUID,
    crop_sha256: str | None,
) -> asyncpg.Record | None:
    """The new row; None where its idempotency key is taken."""
    return await connection.fetchrow(
        queries["insert_correction"],
        uuid4(),
        str(correction.verdict),
        scan_id,
        correction.detection_id,
        None if correction.quad_px is None else quad_to_row(correction.quad_px),
        correction.card_id if correction.verdict is Verdict.CARD else None,
        correction.note,
        correction.key_id,
        crop_sha256,
        correction.idempotency_key,
        body_sha256,
    )


async def find_correction(
    connection: asyncpg.Connection, queries: Queries, key: str, key_id: str | None, body_sha256: str
) -> Correction | None:
    """The correction that an idempotency key already stored; None if it stored none.

    Raises:
        IdempotencyConflict: the key was used with another body.
    """
    row = await connection.fetchrow(queries["find_correction_by_key"], key, key_id)
    if row is None:
        return None
    if row["body_sha256"] != body_sha256:
        raise IdempotencyConflict("this Idempotency-Key was used for a correction with another body")
    return correction_from_row(row)


async def get_correction(
    connection: asyncpg.Connection, queries: Queries, correction_id: UUID
) -> Correction | None:
    """One correction; None if unknown."""
    row = await connection.fetchrow(queries["get_correction"], correction_id)
    return None if row is None else correction_from_row(row)


async def undo_correction(
    connection: asyncpg.Connection, queries: Queries, correction_id: UUID
) -> tuple[Correction, bool] | None:
    """Marks a correction undone and its templates inactive, inside a transaction; None if unknown.

    The flag is False where it had been undone before.
    """
    # A judgement under way must not make a template of what is being taken back.
    await connection.execute(queries["lock_learning"], LEARNING_LOCK)
    await keep_templates(connection, queries)
    is_new = await connection.execute(queries["mark_correction_undone"], correction_id) == "UPDATE 1"
    await connection.execute(queries["deactivate_templates_of_correction"], correction_id)
    correction = await get_correction(connection, queries, correction_id)
    return None if correction is None else (correction, is_new)


async def _find_by_key(
    connection: asyncpg.Connection, queries: Queries, correction: NewCorrection, body_sha256: str
) -> Correction | None:
    if correction.idempotency_key is None:
        return None
    return await find_correction(
        connection, queries, correction.idempotency_key, correction.key_id, body_sha256
    )


async def _lock_subject(
    connection: asyncpg.Connection, queries: Queries, correction: NewCorrection
) -> tuple[UUID, str | None]:
    """Scan and crop that a correction is about; neither can be deleted before the transaction ends."""
    if correction.detection_id is not None:
        detection = await connection.fetchrow(queries["lock_detection"], correction.detection_id)
        if detection is None:
            raise NotFound(f"no detection {correction.detection_id}")
        return detection["scan_id"], detection["crop_sha256"]
    if correction.scan_id is None:
        raise ValueError("a correction is about a detection or a scan")
    if not await connection.fetchrow(queries["lock_scan"], correction.scan_id):
        raise NotFound(f"no scan {correction.scan_id}")
    return correction.scan_id, None
