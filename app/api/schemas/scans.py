"""Scans on the wire: the reply to ``POST /identify`` and the list of what was seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Milliseconds, Probability, QuadPoints, Strict, points, score
from app.api.schemas.cards import CardModel
from app.api.schemas.explanations import ExplanationModel
from app.domain.types import (
    Candidate,
    Degraded,
    Identification,
    Rotation,
    ScanResult,
    ScanSummary,
    Status,
    TemplateSource,
)


class ImageModel(Strict):
    """The uploaded picture, in pixels after its EXIF orientation is applied."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)
    sha256: str


class GridModel(Strict):
    """Place of a card on a page, counted from zero."""

    row: int
    column: int


class ConfidenceModel(Strict):
    """Calibrated: that the picture is right, and that this very printing is."""

    card: Probability
    printing: Probability


class EvidenceModel(Strict):
    """What stands behind a candidate; only with ``explain=true``."""

    artwork_group_id: int = Field(description="candidates with the same number show the same picture")
    agreement: Probability | None = Field(
        description="how well the reference picture fits the crop; null where it was not compared"
    )
    difference: float | None = Field(
        description="how far the crop is from this printing where the printings of the picture differ, "
        "beyond the nearest one, which has 0; null where not compared"
    )
    neighbours: Probability | None = Field(
        description="share of the sure cards of the picture that are of this set; null where none was asked"
    )


class CandidateModel(Strict):
    """One printing that a detection could be."""

    card: CardModel
    confidence: Probability
    similarity: Probability
    inliers: int | None = Field(
        description="patches of the reference picture found in place; null where not compared"
    )
    template_source: TemplateSource
    evidence: EvidenceModel | None = Field(default=None, description="only with explain=true")

    @classmethod
    def of(cls, candidate: Candidate, *, explain: bool) -> CandidateModel:
        """From the domain; without ``explain`` the field ``evidence`` stays unset and is not sent."""
        evidence: dict[str, Any] = {}
        if explain:
            evidence["evidence"] = EvidenceModel(
                artwork_group_id=candidate.artwork_group_id,
                agreement=None if candidate.agreement is None else score(candidate.agreement),
                difference=None if candidate.difference is None else round(candidate.difference, 4),
                neighbours=None if candidate.neighbours is None else score(candidate.neighbours),
            )
        return cls(
            card=CardModel.of(candidate.card),
            confidence=score(candidate.confidence),
            similarity=score(candidate.similarity),
            inliers=candidate.inliers,
            template_source=candidate.template_source,
            **evidence,
        )


class QualityModel(Strict):
    """How well a card can be read."""

    sharpness: Probability
    glare: Probability
    height_px: int
    advice: list[str]


class DetectionModel(Strict):
    """One card found in a scan, with its answer."""

    detection_id: UUID
    quad: QuadPoints
    rotation: Rotation
    grid: GridModel | None
    status: Status
    card: CardModel | None
    confidence: ConfidenceModel
    candidates: list[CandidateModel]
    ambiguous_with: list[str]
    quality: QualityModel
    degraded: list[Degraded]
    explanation: ExplanationModel | None = Field(
        default=None,
        description="only with explain=true; null where nothing was found, the first of the candidates has "
        "no picture, or there was no time left",
    )

    @classmethod
    def of(cls, found: Identification, *, explain: bool) -> DetectionModel:
        """From the domain; without ``explain`` the field ``explanation`` stays unset and is not sent."""
        explanation: dict[str, Any] = {}
        if explain:
            known = found.explanation
            explanation["explanation"] = None if known is None else ExplanationModel.of(known)
        return cls(
            detection_id=found.detection_id,
            quad=points(found.quad_px),
            rotation=found.rotation,
            grid=GridModel(row=found.grid.row, column=found.grid.column) if found.grid else None,
            status=found.status,
            card=CardModel.of(found.card) if found.card else None,
            confidence=ConfidenceModel(
                card=score(found.confidence.card), printing=score(found.confidence.printing)
            ),
            candidates=[CandidateModel.of(candidate, explain=explain) for candidate in found.candidates],
            ambiguous_with=list(found.ambiguous_with),
            quality=QualityModel(
                sharpness=score(found.quality.sharpness),
                glare=score(found.quality.glare),
                height_px=found.quality.height_px,
                advice=list(found.quality.advice),
            ),
            degraded=list(found.degraded),
            **explanation,
        )


class TimingsModel(Strict):
    """Milliseconds by stage; 0 where a stage had nothing to do. ``total`` includes what lies between."""

    decode: Milliseconds
    detect: Milliseconds
    embed: Milliseconds
    search: Milliseconds
    verify: Milliseconds
    total: Milliseconds


class EncoderModel(Strict):
    """Which encoder answered."""

    name: str
    precision: str
    fingerprint: str


class ScanModel(Strict):
    """The answer to one picture."""

    scan_id: UUID
    image: ImageModel
    cards: list[DetectionModel] = Field(description="in reading order")
    timings_ms: TimingsModel
    encoder: EncoderModel

    @classmethod
    def of(cls, result: ScanResult, *, explain: bool) -> ScanModel:
        """From the domain."""
        stages = {name: round(result.timings_ms.get(name, 0.0), 1) for name in TimingsModel.model_fields}
        return cls(
            scan_id=result.scan_id,
            image=ImageModel(width=result.width_px, height=result.height_px, sha256=result.sha256),
            cards=[DetectionModel.of(found, explain=explain) for found in result.cards],
            timings_ms=TimingsModel(**stages),
            encoder=EncoderModel(
                name=result.encoder.name,
                precision=result.encoder.precision,
                fingerprint=result.encoder.fingerprint,
            ),
        )


class ScanSummaryModel(Strict):
    """One line of the list of scans: how many cards it had, by status."""

    scan_id: UUID
    created_at: datetime
    image: ImageModel
    cards: int
    accepted: int
    review: int
    unknown: int

    @classmethod
    def of(cls, summary: ScanSummary) -> ScanSummaryModel:
        """From the domain."""
        return cls(
            scan_id=summary.scan_id,
            created_at=summary.created_at,
            image=ImageModel(width=summary.width_px, height=summary.height_px, sha256=summary.sha256),
            cards=summary.cards,
            accepted=summary.accepted,
            review=summary.review,
            unknown=summary.unknown,
        )


class ScanListModel(Strict):
    """Scans, newest first."""

    scans: list[ScanSummaryModel]
    next_before: datetime | None = Field(description="pass as ?before= for the next page; null on the last")
