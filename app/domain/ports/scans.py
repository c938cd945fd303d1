"""What services need of what was seen: a store of scans and corrections, and figures over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from app.domain.correction_types import Correction, NewCorrection
from app.domain.quality_types import Quality, QualityFilter
from app.domain.scan_filter import ScanFilter
from app.domain.types import Identification, RequestKey, ScanResult, ScanSummary, StoredImage


class ScanStore(Protocol):
    """Scans, detections and corrections with their pictures."""

    async def save(
        self,
        result: ScanResult,
        image: StoredImage,
        crops: Sequence[StoredImage],
        key_id: str | None,
        request_key: RequestKey | None = None,
    ) -> UUID:
        """Stores a scan with its detections, pictures and idempotency key: all of it or nothing.

        Returns:
            The scan that the key stands for: this one, or that of a request that was first with the same key
            and body; then nothing is stored.

        Raises:
            IdempotencyConflict: the key was meanwhile used with another body; nothing is stored.
        """
        ...

    async def get(self, scan_id: UUID) -> ScanResult | None:
        """The reply as it was given."""
        ...

    async def list(self, chosen: ScanFilter, limit: int) -> list[ScanSummary]:
        """Scans that are like that, newest first.

        Raises:
            SearchTimeout: the statement was cancelled.
        """
        ...

    async def delete(self, scan_id: UUID) -> bool:
        """Forgets a scan with its pictures; what corrections learnt from it stays. False if unknown."""
        ...

    async def scan_image(self, scan_id: UUID) -> StoredImage | None:
        """The picture of a scan."""
        ...

    async def detection_image(self, detection_id: UUID) -> StoredImage | None:
        """The rectified crop of a detection."""
        ...

    async def detection(self, detection_id: UUID) -> Identification | None:
        """One card of a scan as it was answered."""
        ...

    async def find_idempotent(self, request_key: RequestKey, key_id: str | None) -> UUID | None:
        """The scan an idempotency key already made.

        Raises:
            IdempotencyConflict: the key was used with another body.
        """
        ...

    async def add_correction(
        self, correction: NewCorrection, body_sha256: str, crop: StoredImage | None
    ) -> tuple[Correction, bool]:
        """Stores a correction; the flag is False where its idempotency key had already stored it.

        Raises:
            NotFound: unknown scan, detection or card.
            IdempotencyConflict: the key was used with another body.
        """
        ...

    async def find_correction(self, key: str, key_id: str | None, body_sha256: str) -> Correction | None:
        """The correction that an idempotency key already stored.

        Raises:
            IdempotencyConflict: the key was used with another body.
        """
        ...

    async def get_correction(self, correction_id: UUID) -> Correction | None:
        """One correction."""
        ...

    async def corrections_of(self, scan_id: UUID) -> Sequence[Correction]:
        """What people said about a scan, in order of arrival; none where the scan is unknown."""
        ...

    async def undo_correction(self, correction_id: UUID) -> tuple[Correction, bool] | None:
        """Marks a correction undone, with everything it changed; None if unknown.

        Returns:
            The correction, and whether that is new (False: it had been undone before).
        """
        ...

    async def purge(self, older_than_days: int) -> int:
        """Deletes scans past their retention, none where it is 0, and pictures without a use.

        Returns:
            How many scans.
        """
        ...


class QualityStore(Protocol):
    """Figures over what is stored."""

    async def figures(self, chosen: QualityFilter) -> Quality:
        """How well cards were named.

        Raises:
            SearchTimeout: a statement was cancelled.
        """
        ...
