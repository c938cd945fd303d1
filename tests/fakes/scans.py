"""A scan store in dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from app.domain.correction_types import Correction, CorrectionStatus, NewCorrection
from app.domain.errors import IdempotencyConflict, NotFound
from app.domain.scan_filter import ScanFilter
from app.domain.types import Identification, RequestKey, ScanResult, ScanSummary, Status, StoredImage
from tests.fakes.scan_filters import keeps


@dataclass
class InMemoryScanStore:
    """Scans, detections and corrections in dictionaries."""

    scans: dict[UUID, ScanResult] = field(default_factory=dict)
    scan_images: dict[UUID, StoredImage] = field(default_factory=dict)
    crops: dict[UUID, StoredImage] = field(default_factory=dict)
    key_ids: dict[UUID, str | None] = field(default_factory=dict)
    corrections: dict[UUID, Correction] = field(default_factory=dict)
    _scan_keys: dict[tuple[str | None, str], tuple[str, UUID]] = field(default_factory=dict)
    _correction_keys: dict[tuple[str | None, str], tuple[str, UUID]] = field(default_factory=dict)

    async def save(
        self,
        result: ScanResult,
        image: StoredImage,
        crops: Sequence[StoredImage],
        key_id: str | None,
        request_key: RequestKey | None = None,
    ) -> UUID:
        if len(crops) != len(result.cards):
            raise ValueError(f"{len(crops)} crops do not fit {len(result.cards)} cards")
        if request_key is not None:
            earlier = await self.find_idempotent(request_key, key_id)
            if earlier is not None:
                return earlier
            self._scan_keys[key_id, request_key.key] = (request_key.body_sha256, result.scan_id)
        self.scans[result.scan_id] = result
        self.scan_images[result.scan_id] = image
        self.key_ids[result.scan_id] = key_id
        for found, crop in zip(result.cards, crops, strict=True):
            self.crops[found.detection_id] = crop
        return result.scan_id

    async def get(self, scan_id: UUID) -> ScanResult | None:
        return self.scans.get(scan_id)

    async def list(self, chosen: ScanFilter, limit: int) -> list[ScanSummary]:
        newest = sorted(self.scans.values(), key=_created_at, reverse=True)
        said = self.corrections.values()
        kept = [result for result in newest if keeps(chosen, result, said)]
        return [_summary(result) for result in kept[:limit]]

    async def delete(self, scan_id: UUID) -> bool:
        result = self.scans.pop(scan_id, None)
        if result is None:
            return False
        self.scan_images.pop(scan_id)
        self._scan_keys = {key: bound for key, bound in self._scan_keys.items() if bound[1] != scan_id}
        for found in result.cards:
            self.crops.pop(found.detection_id)
        return True

    async def scan_image(self, scan_id: UUID) -> StoredImage | None:
        return self.scan_images.get(scan_id)

    async def detection_image(self, detection_id: UUID) -> StoredImage | None:
        return self.crops.get(detection_id)

    async def detection(self, detection_id: UUID) -> Identification | None:
        known = (found for result in self.scans.values() for found in result.cards)
        return next((found for found in known if found.detection_id == detection_id), None)

    async def find_idempotent(self, request_key: RequestKey, key_id: str | None) -> UUID | None:
        return _same_body(self._scan_keys.get((key_id, request_key.key)), request_key.body_sha256)

    async def add_correction(
        self, correction: NewCorrection, body_sha256: str, crop: StoredImage | None
    ) -> tuple[Correction, bool]:
        key = (correction.key_id, correction.idempotency_key or "")
        if correction.idempotency_key is not None:
            known = _same_body(self._correction_keys.get(key), body_sha256)
            if known is not None:
                return self.corrections[known], False
        stored = self._stored(correction)
        self.corrections[stored.correction_id] = stored
        if correction.idempotency_key is not None:
            self._correction_keys[key] = (body_sha256, stored.correction_id)
        return stored, True

    async def find_correction(self, key: str, key_id: str | None, body_sha256: str) -> Correction | None:
        known = _same_body(self._correction_keys.get((key_id, key)), body_sha256)
        return None if known is None else self.corrections[known]

    async def get_correction(self, correction_id: UUID) -> Correction | None:
        return self.corrections.get(correction_id)

    async def corrections_of(self, scan_id: UUID) -> Sequence[Correction]:
        return tuple(one for one in self.corrections.values() if one.scan_id == scan_id)

    async def undo_correction(self, correction_id: UUID) -> tuple[Correction, bool] | None:
        known = self.corrections.get(correction_id)
        if known is None:
            return None
        if known.status is CorrectionStatus.UNDONE:
            return known, False
        undone = replace(known, status=CorrectionStatus.UNDONE, updated_at=datetime.now(UTC))
        self.corrections[correction_id] = undone
        return undone, True

    async def purge(self, older_than_days: int) -> int:
        limit = datetime.now(UTC) - timedelta(days=older_than_days)
        old = [scan_id for scan_id, result in self.scans.items() if _created_at(result) < limit]
        for scan_id in old:
            await self.delete(scan_id)
        return len(old)

    def _stored(self, correction: NewCorrection) -> Correction:
        scan_id = correction.scan_id
        if correction.detection_id is not None:
            scan_id = self._scan_of(correction.detection_id)
        if scan_id not in self.scans:
            raise NotFound(f"no detection {correction.detection_id} or scan {correction.scan_id}")
        now = datetime.now(UTC)
        return Correction(
            correction_id=uuid4(),
            status=CorrectionStatus.PENDING,
            reason=None,
            verdict=correction.verdict,
            detection_id=correction.detection_id,
            scan_id=scan_id,
            quad_px=correction.quad_px,
            card_id=correction.card_id,
            note=correction.note,
            key_id=correction.key_id,
            created_at=now,
            updated_at=now,
        )

    def _scan_of(self, detection_id: UUID) -> UUID | None:
        for result in self.scans.values():
            if any(found.detection_id == detection_id for found in result.cards):
                return result.scan_id
        return None


def _same_body(known: tuple[str, UUID] | None, body_sha256: str) -> UUID | None:
    if known is None:
        return None
    if known[0] != body_sha256:
        raise IdempotencyConflict("this Idempotency-Key was used with another body")
    return known[1]


def _created_at(result: ScanResult) -> datetime:
    assert result.created_at is not None
    return result.created_at


def _summary(result: ScanResult) -> ScanSummary:
    def count(status: Status) -> int:
        return sum(_has(found, status) for found in result.cards)

    return ScanSummary(
        scan_id=result.scan_id,
        created_at=_created_at(result),
        width_px=result.width_px,
        height_px=result.height_px,
        sha256=result.sha256,
        cards=len(result.cards),
        accepted=count(Status.ACCEPTED),
        review=count(Status.REVIEW),
        unknown=count(Status.UNKNOWN),
    )


def _has(found: Identification, status: Status) -> bool:
    return found.status is status
