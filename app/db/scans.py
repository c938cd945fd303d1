"""Scans, detections and corrections with their pictures, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from uuid import UUID

from app.db import corrections, retention
from app.db.blobs import put_blobs
from app.db.corrections import LONGEST_WAIT_S
from app.db.pool import Database
from app.db.records import (
    correction_from_row,
    detection_from_row,
    detection_to_row,
    scan_from_rows,
    scan_to_row,
)
from app.domain.correction_types import Correction, NewCorrection
from app.domain.errors import IdempotencyConflict
from app.domain.scan_filter import ScanFilter
from app.domain.types import Identification, RequestKey, ScanResult, ScanSummary, StoredImage


class _KeyTakenError(Exception):
    """Rolls a scan back whose idempotency key stands for another one."""

    def __init__(self, request_key: RequestKey) -> None:
        super().__init__(request_key.key)
        self.request_key = request_key


class PostgresScanStore:
    """Implements ``app.domain.ports.ScanStore``; every method may raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = database.queries

    async def save(
        self,
        result: ScanResult,
        image: StoredImage,
        crops: Sequence[StoredImage],
        key_id: str | None,
        request_key: RequestKey | None = None,
    ) -> UUID:
        """Stores a scan with its detections, pictures and idempotency key: all of it or nothing.

        Without STATEMENT_TIMEOUT_MS: the answer is there already, and a slow disk or a lock must not turn it
        into an error. The request's own deadline still holds.

        Returns:
            The scan that the key stands for: this one, or that of a request that was first with the same key
            and body; then nothing is stored.

        Raises:
            ValueError: not one crop a card.
            IdempotencyConflict: the key was meanwhile used with another body; nothing is stored.
        """
        if len(crops) != len(result.cards):
            raise ValueError(f"{len(crops)} crops do not fit {len(result.cards)} cards")
        while True:
            try:
                await self._insert(result, image, crops, key_id, request_key)
                return result.scan_id
            except _KeyTakenError as taken:
                earlier = await self.find_idempotent(taken.request_key, key_id)
            if earlier is not None:
                return earlier
            # That scan has been forgotten since, and its key with it: the next try may take the key.

    async def _insert(
        self,
        result: ScanResult,
        image: StoredImage,
        crops: Sequence[StoredImage],
        key_id: str | None,
        request_key: RequestKey | None,
    ) -> None:
        async with self._database.transaction(limit_statements=False) as connection:
            image_key, *crop_keys = await put_blobs(connection, self._queries, [image, *crops])
            await connection.execute(self._queries["insert_scan"], *scan_to_row(result, image_key, key_id))
            if request_key is not None:
                # Waits for another transaction that is taking the key, and sees what became of it.
                taken = await connection.fetchrow(
                    self._queries["insert_scan_idempotency"],
                    *(request_key.key, key_id, request_key.body_sha256, result.scan_id),
                )
                if taken is None:
                    raise _KeyTakenError(request_key)
            await connection.executemany(
                self._queries["insert_detection"],
                [
                    detection_to_row(result.scan_id, position, found, crop_key)
                    for position, (found, crop_key) in enumerate(zip(result.cards, crop_keys, strict=True))
                ],
            )

    async def get(self, scan_id: UUID) -> ScanResult | None:
        """The reply as it was given."""
        async with self._database.connection() as connection:
            # Detections first: a scan deleted in between is gone, not a scan without cards.
            detections = await connection.fetch(self._queries["get_detections"], scan_id)
            scan = await connection.fetchrow(self._queries["get_scan"], scan_id)
        return None if scan is None else scan_from_rows(scan, detections)

    async def list(self, chosen: ScanFilter, limit: int) -> list[ScanSummary]:
        """Scans that are like that, newest first.

        Raises:
            SearchTimeout: the statement was cancelled.
        """
        conditions = (getattr(chosen, field.name) for field in fields(chosen))
        async with self._database.connection() as connection:
            rows = await connection.fetch(self._queries["list_scans"], limit, *conditions)
        return [ScanSummary(**row) for row in rows]

    async def delete(self, scan_id: UUID) -> bool:
        """Forgets a scan with its pictures; what corrections learnt from it stays. False if unknown."""
        async with self._database.transaction() as connection:
            return await retention.delete_scans(connection, self._queries, [scan_id]) > 0

    async def scan_image(self, scan_id: UUID) -> StoredImage | None:
        """The picture of a scan."""
        return await self._image("scan_image", scan_id)

    async def detection_image(self, detection_id: UUID) -> StoredImage | None:
        """The rectified crop of a detection."""
        return await self._image("detection_image", detection_id)

    async def detection(self, detection_id: UUID) -> Identification | None:
        """One card of a scan as it was answered."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(self._queries["get_detection"], detection_id)
        return None if row is None else detection_from_row(row)

    async def find_idempotent(self, request_key: RequestKey, key_id: str | None) -> UUID | None:
        """The scan an idempotency key already made.

        Raises:
            IdempotencyConflict: the key was used with another body.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(self._queries["find_scan_idempotency"], request_key.key, key_id)
        if row is None:
            return None
        if row["body_sha256"] != request_key.body_sha256:
            raise IdempotencyConflict("this Idempotency-Key was used for a scan with another body")
        scan_id: UUID = row["scan_id"]
        return scan_id

    async def add_correction(
        self, correction: NewCorrection, body_sha256: str, crop: StoredImage | None
    ) -> tuple[Correction, bool]:
        """Stores a correction; the flag is False where its idempotency key had already stored it.

        Raises:
            NotFound: unknown scan, detection or card.
            IdempotencyConflict: the key was used with another body.
        """
        async with self._database.transaction() as connection:
            return await corrections.add_correction(connection, self._queries, correction, body_sha256, crop)

    async def find_correction(self, key: str, key_id: str | None, body_sha256: str) -> Correction | None:
        """The correction that an idempotency key already stored.

        Raises:
            IdempotencyConflict: the key was used with another body.
        """
        async with self._database.connection() as connection:
            return await corrections.find_correction(connection, self._queries, key, key_id, body_sha256)

    async def get_correction(self, correction_id: UUID) -> Correction | None:
        """One correction."""
        async with self._database.connection() as connection:
            return await corrections.get_correction(connection, self._queries, correction_id)

    async def corrections_of(self, scan_id: UUID) -> Sequence[Correction]:
        """What people said about a scan, in order of arrival; none where the scan is unknown."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(self._queries["corrections_of_scan"], scan_id)
        return tuple(map(correction_from_row, rows))

    async def undo_correction(self, correction_id: UUID) -> tuple[Correction, bool] | None:
        """Marks a correction undone, with everything it changed; None if unknown.

        By a connection of its own: whoever judges elsewhere may take longer than STATEMENT_TIMEOUT_MS, and
        those of the pool are for scans. The request's own deadline holds.

        Returns:
            The correction, and whether that is new (False: it had been undone before).
        """
        async with self._database.maintenance(LONGEST_WAIT_S) as connection, connection.transaction():
            return await corrections.undo_correction(connection, self._queries, correction_id)

    async def purge(self, older_than_days: int) -> int:
        """Deletes scans past their retention; returns how many. Zero keeps all."""
        return await retention.purge(self._database, older_than_days)

    async def _image(self, query: str, identifier: UUID) -> StoredImage | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(self._queries[query], identifier)
        return None if row is None else StoredImage(**row)
