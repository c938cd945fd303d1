"""Identification quality on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Milliseconds, Probability, Strict
from app.api.schemas.cards import CardModel
from app.domain.quality_types import (
    Accuracy,
    ConfusedPair,
    Coverage,
    Day,
    LearntTemplate,
    Quality,
    SeenAt,
    Share,
    StatusCounts,
    UnknownGroup,
    WorthReviewing,
)
from app.domain.types import MemorySnapshot, Status


class ShareModel(Strict):
    """A share with its 95 % interval after Wilson."""

    part: int
    whole: int
    low: Probability
    high: Probability

    @classmethod
    def of(cls, share: Share) -> ShareModel:
        """From the domain."""
        return cls(part=share.part, whole=share.whole, low=share.low, high=share.high)


class StatusCountsModel(Strict):
    """Cards by status."""

    accepted: int
    review: int
    unknown: int

    @classmethod
    def of(cls, counts: StatusCounts) -> StatusCountsModel:
        """From the domain."""
        return cls(accepted=counts.accepted, review=counts.review, unknown=counts.unknown)


class DayModel(Strict):
    """One day, UTC."""

    day: date
    scans: int
    cards: StatusCountsModel

    @classmethod
    def of(cls, one: Day) -> DayModel:
        """From the domain."""
        return cls(day=one.day, scans=one.scans, cards=StatusCountsModel.of(one.cards))


class CoverageModel(Strict):
    """Cards named of one set or language."""

    key: str = Field(description="its set_id or language, as answers carry it")
    name: str
    cards: StatusCountsModel

    @classmethod
    def of(cls, one: Coverage) -> CoverageModel:
        """From the domain."""
        return cls(key=one.key, name=one.name, cards=StatusCountsModel.of(one.cards))


class CalibrationBinModel(Strict):
    """Answers of a confidence of at least ``confidence_from`` and less than ``confidence_to``, or 1."""

    confidence_from: Probability
    confidence_to: Probability
    mean_confidence: Probability
    right: int
    answers: int


class DetectionLink(Strict):
    """Where to look."""

    scan_id: UUID
    detection_id: UUID


def _links(seen: Sequence[SeenAt]) -> list[DetectionLink]:
    return [DetectionLink(scan_id=scan_id, detection_id=detection_id) for scan_id, detection_id in seen]


class AccuracyModel(Strict):
    """Of answers that people judged; a template of the very same picture has no say in them."""

    judged: int
    left_out: int = Field(description="decided by a template of the same picture, with no other answer known")
    card: ShareModel
    printing: ShareModel
    accepted: ShareModel = Field(description="accepted answers that name the right printing")
    unknown: ShareModel = Field(description="cards of no gallery that were called unknown")
    calibration: list[CalibrationBinModel]
    calibration_error: Probability | None
    gained: int = Field(description="answers right thanks to what was learnt")
    lost: int = Field(description="answers wrong for what was learnt")
    wrong: list[DetectionLink]
    disputed: int = Field(
        description="accepted answers that a person contradicts, where nothing has proved either"
    )
    accepted_at_worst: ShareModel = Field(description="accepted, were every disputed answer wrong")
    disputed_answers: list[DetectionLink] = Field(description="the latest of them")

    @classmethod
    def of(cls, found: Accuracy) -> AccuracyModel:
        """From the domain."""
        return cls(
            judged=found.judged,
            left_out=found.left_out,
            card=ShareModel.of(found.card),
            printing=ShareModel.of(found.printing),
            accepted=ShareModel.of(found.accepted),
            unknown=ShareModel.of(found.unknown),
            calibration=[CalibrationBinModel(**asdict(one)) for one in found.calibration],
            calibration_error=found.calibration_error,
            gained=found.gained,
            lost=found.lost,
            wrong=_links(found.wrong_detections),
            disputed=found.disputed,
            accepted_at_worst=ShareModel.of(found.accepted_at_worst),
            disputed_answers=_links(found.disputed_detections),
        )


class ConfusedPairModel(Strict):
    """A card that was answered, and what people said it was."""

    answered: CardModel
    right: CardModel
    times: int

    @classmethod
    def of(cls, pair: ConfusedPair) -> ConfusedPairModel:
        """From the domain."""
        return cls(answered=CardModel.of(pair.answered), right=CardModel.of(pair.right), times=pair.times)


class UnknownGroupModel(Strict):
    """Alike crops of a card that the gallery lacks."""

    number: int
    seen: int
    last_seen: datetime
    detection_ids: list[UUID]

    @classmethod
    def of(cls, group: UnknownGroup) -> UnknownGroupModel:
        """From the domain."""
        return cls(
            number=group.number,
            seen=group.seen,
            last_seen=group.last_seen,
            detection_ids=list(group.detection_ids),
        )


class LearntTemplateModel(Strict):
    """A learnt template, and which judged answers it turned, against what the gallery alone answers."""

    correction_id: UUID
    card: CardModel
    scan_id: UUID | None = Field(description="where its crop comes from; null once that is forgotten")
    detection_id: UUID | None = Field(description="null likewise, and where a person drew the card")
    learnt_at: datetime
    decided: int = Field(description="judged answers that it decided, other photos than its own")
    gained: list[DetectionLink] = Field(description="right, where the gallery alone is wrong")
    lost: list[DetectionLink] = Field(description="wrong, where the gallery alone is right")

    @classmethod
    def of(cls, one: LearntTemplate) -> LearntTemplateModel:
        """From the domain."""
        return cls(
            correction_id=one.correction_id,
            card=CardModel.of(one.card),
            scan_id=one.scan_id,
            detection_id=one.detection_id,
            learnt_at=one.learnt_at,
            decided=one.effect.decided,
            gained=_links(one.effect.gained),
            lost=_links(one.effect.lost),
        )


class ReasonModel(Strict):
    """Corrections that stand so for the same reason."""

    status: str
    reason: str
    corrections: int


class StageTimeModel(Strict):
    """Milliseconds of one stage."""

    stage: str
    p50_ms: Milliseconds
    p95_ms: Milliseconds


class WorthReviewingModel(Strict):
    """A detection whose correction would teach much."""

    detection_id: UUID
    scan_id: UUID
    status: Status
    first: CardModel | None
    confidence: Probability
    reason: str

    @classmethod
    def of(cls, one: WorthReviewing) -> WorthReviewingModel:
        """From the domain."""
        return cls(
            detection_id=one.detection_id,
            scan_id=one.scan_id,
            status=one.status,
            first=None if one.first is None else CardModel.of(one.first),
            confidence=one.confidence,
            reason=one.reason,
        )


class QualityModel(Strict):
    """How well cards are named, over time. Judged answers are those that people chose to look at."""

    days: list[DayModel]
    accuracy: AccuracyModel
    confused: list[ConfusedPairModel]
    sets: list[CoverageModel]
    languages: list[CoverageModel]
    corrections: dict[str, int] = Field(description="how many stand how, of all reasons")
    reasons: list[ReasonModel] = Field(description="the most usual ones")
    more_reasons: int = Field(description="how many others there are")
    learnt_templates: int = Field(description="learnt crops that are searched, each once")
    learnt: list[LearntTemplateModel] = Field(
        description="those that spoiled more answers than they mended, then the most useful"
    )
    unknown_groups: list[UnknownGroupModel]
    stages: list[StageTimeModel]
    degraded: dict[str, int]
    anonymous_bytes: int
    review: list[WorthReviewingModel]
    encoders: list[str]

    @classmethod
    def of(cls, quality: Quality, memory: MemorySnapshot) -> QualityModel:
        """From the domain."""
        return cls(
            days=list(map(DayModel.of, quality.days)),
            accuracy=AccuracyModel.of(quality.accuracy),
            confused=list(map(ConfusedPairModel.of, quality.confused)),
            sets=list(map(CoverageModel.of, quality.sets)),
            languages=list(map(CoverageModel.of, quality.languages)),
            corrections=dict(quality.corrections),
            reasons=[
                ReasonModel(status=status, reason=reason, corrections=count)
                for status, reason, count in quality.reasons
            ],
            more_reasons=quality.more_reasons,
            learnt_templates=quality.learnt_templates,
            learnt=list(map(LearntTemplateModel.of, quality.learnt)),
            unknown_groups=list(map(UnknownGroupModel.of, quality.unknown_groups)),
            stages=[
                StageTimeModel(stage=one.stage, p50_ms=one.p50_ms, p95_ms=one.p95_ms)
                for one in quality.stages
            ],
            degraded=dict(quality.degraded),
            anonymous_bytes=memory.anonymous_bytes,
            review=list(map(WorthReviewingModel.of, quality.review)),
            encoders=list(quality.encoders),
        )
