"""Corrections on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import numpy as np
from pydantic import Field, StringConstraints

from app.api.schemas.base import Name, QuadPoints, Strict, points
from app.domain.correction_types import Correction, CorrectionStatus, NewCorrection, Verdict


class CorrectionRequest(Strict):
    """What a person says about a detection, or (``scan_id`` and ``quad``) about a card that was missed."""

    verdict: Verdict
    detection_id: UUID | None = None
    scan_id: UUID | None = None
    quad: QuadPoints | None = None
    card_id: Name | None = Field(default=None, description="goes with the verdict 'card', and only with it")
    note: Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")] | None = None

    def to_domain(self, key_id: str | None, idempotency_key: str | None) -> NewCorrection:
        """As the correction service takes it; which fields go together is for that service to judge."""
        return NewCorrection(
            verdict=self.verdict,
            detection_id=self.detection_id,
            scan_id=self.scan_id,
            quad_px=None if self.quad is None else np.asarray(self.quad, dtype=np.float64),
            card_id=self.card_id,
            note=self.note,
            key_id=key_id,
            idempotency_key=idempotency_key,
        )


class CorrectionModel(Strict):
    """A stored correction and what became of it."""

    correction_id: UUID
    status: CorrectionStatus
    reason: str | None = Field(description="why it has this status; null while it is pending")
    verdict: Verdict
    detection_id: UUID | None
    scan_id: UUID | None
    quad: QuadPoints | None
    card_id: str | None
    note: str | None
    key_id: str | None = Field(description="id of the key it came with; null where no keys are set")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, correction: Correction) -> CorrectionModel:
        """From the domain."""
        return cls(
            correction_id=correction.correction_id,
            status=correction.status,
            reason=correction.reason,
            verdict=correction.verdict,
            detection_id=correction.detection_id,
            scan_id=correction.scan_id,
            quad=None if correction.quad_px is None else points(correction.quad_px),
            card_id=correction.card_id,
            note=correction.note,
            key_id=correction.key_id,
            created_at=correction.created_at,
            updated_at=correction.updated_at,
        )


class CorrectionListModel(Strict):
    """Corrections, in order of arrival."""

    corrections: list[CorrectionModel]
