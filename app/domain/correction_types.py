"""What people say a detection really is, as immutable values."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.types import Quad


class Verdict(enum.StrEnum):
    """What a person says a detection really is."""

    CARD = "card"
    NOT_IN_GALLERY = "not_in_gallery"
    NOT_A_CARD = "not_a_card"


class CorrectionStatus(enum.StrEnum):
    """What became of a correction."""

    PENDING = "pending"
    LEARNED = "learned"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """What a person says: about a detection, or about a card that a scan missed."""

    verdict: Verdict
    detection_id: UUID | None = None
    scan_id: UUID | None = None
    quad_px: Quad | None = None
    card_id: str | None = None
    note: str | None = None
    key_id: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A stored correction and what became of it."""

    correction_id: UUID
    status: CorrectionStatus
    reason: str | None
    verdict: Verdict
    detection_id: UUID | None
    scan_id: UUID | None
    quad_px: Quad | None
    card_id: str | None
    note: str | None
    key_id: str | None
    created_at: datetime
    updated_at: datetime
