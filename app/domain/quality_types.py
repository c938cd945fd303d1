"""What an operator sees of a service's answers over time, as immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from app.domain.learning_types import Answered
from app.domain.types import Card, Status


@dataclass(frozen=True, slots=True)
class QualityFilter:
    """Which scans count; empty means no limit.

    Attributes:
        since: Made at this moment or later.
        until: Made before this moment.
        set_id: Only cards answered to be of this set.
        encoder: Only answers of the encoder with this name.
    """

    since: datetime | None = None
    until: datetime | None = None
    set_id: str | None = None
    encoder: str | None = None


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """An answer that people have judged, as it was given.

    Attributes:
        detection_id: Which.
        scan_id: Of which scan.
        right_card_id: What it is; None where the gallery lacks it, or it is no card.
        right_group: The artwork group of that.
        given: The answer.
        alone: What the gallery's own pictures answer, nothing learnt among them; None where nobody knows, or
            where nothing learnt decided.
        knew_itself: Whether the answer was decided by a template that was learnt from this very picture.
        learnt: Whether it was decided by any template that was learnt.
        learnt_from: The correction of which that template was learnt, as far as can be told.
        is_card: False where people say that no card is to be seen there.
    """

    detection_id: UUID
    scan_id: UUID
    right_card_id: str | None
    right_group: int | None
    given: Answered
    alone: Answered | None
    knew_itself: bool
    learnt: bool
    learnt_from: UUID | None = None
    is_card: bool = True


SeenAt = tuple[UUID, UUID]
"""A scan and one of its detections."""


@dataclass(frozen=True, slots=True)
class TemplateEffect:
    """What one learnt template did to answers that people have judged.

    Attributes:
        decided: How many of them it decided, whatever the gallery alone says.
        gained: Where the answer is right and the gallery alone is wrong.
        lost: The reverse.
    """

    decided: int = 0
    gained: tuple[SeenAt, ...] = ()
    lost: tuple[SeenAt, ...] = ()


@dataclass(frozen=True, slots=True)
class LearntTemplate:
    """A template that was learnt and is searched, with what it did.

    Attributes:
        correction_id: What it was learnt from.
        card: Whose template it is.
        scan_id: Where its crop comes from; None once that is forgotten,
        detection_id: None likewise, and where a person drew the card.
        learnt_at: When the correction was made.
        effect: What it did to judged answers.
    """

    correction_id: UUID
    card: Card
    scan_id: UUID | None
    detection_id: UUID | None
    learnt_at: datetime
    effect: TemplateEffect


@dataclass(frozen=True, slots=True)
class Share:
    """Of so many so many, with the 95 % interval after Wilson."""

    part: int
    whole: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Answers of about one confidence: how sure they were on average, and how many of them were right.

    They are those of a confidence of at least ``confidence_from`` and less than ``confidence_to``, or 1.
    """

    confidence_from: float
    confidence_to: float
    mean_confidence: float
    right: int
    answers: int


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What is known of answers that people have judged.

    Attributes:
        judged: How many count.
        left_out: Answers that a template of the very same picture decided, with no other answer known.
        card: Cards of the gallery whose picture was named.
        printing: Cards of the gallery whose printing was named.
        accepted: Accepted answers that name the right printing; where no card is to be seen, none does.
        unknown: Cards of no gallery that were called unknown.
        calibration: Of the printings' confidences, by rising confidence.
        calibration_error: Over 15 bins; None without answers.
        gained: Answers right thanks to what was learnt that the gallery alone gets wrong.
        lost: The reverse.
        wrong_detections: Of answers that named a wrong printing, for people to look at, the latest first.
        disputed: Accepted answers that a person contradicts, where nothing has proved either. None of them
            is among those judged.
        accepted_at_worst: ``accepted``, were every disputed answer wrong.
        disputed_detections: Of disputed answers, the latest first.
    """

    judged: int
    left_out: int
    card: Share
    printing: Share
    accepted: Share
    unknown: Share
    calibration: tuple[CalibrationBin, ...]
    calibration_error: float | None
    gained: int
    lost: int
    wrong_detections: tuple[SeenAt, ...]
    disputed: int
    accepted_at_worst: Share
    disputed_detections: tuple[SeenAt, ...]


@dataclass(frozen=True, slots=True)
class StatusCounts:
    """Cards by what was said about them."""

    accepted: int = 0
    review: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """What was scanned in one day, UTC."""

    day: date
    scans: int
    cards: StatusCounts


@dataclass(frozen=True, slots=True)
class Coverage:
    """Cards named of one set or language: what it is called, and the id that answers carry."""

    key: str
    name: str
    cards: StatusCounts


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """A card that was answered, and what people said it was, so many times."""

    answered: Card
    right: Card
    times: int


@dataclass(frozen=True, slots=True)
class UnknownGroup:
    """Alike crops of a card that the gallery lacks."""

    number: int
    seen: int
    last_seen: datetime
    detection_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class StageTime:
    """Milliseconds of one stage of a scan."""

    stage: str
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class WorthReviewing:
    """A detection whose correction would teach much, and why."""

    detection_id: UUID
    scan_id: UUID
    status: Status
    first: Card | None
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Quality:
    """Everything the quality page shows.

    Attributes:
        corrections: How many stand how, of all reasons.
        reasons: How corrections stand, why, and how many do: the most usual ones,
        more_reasons: and how many others there are.
        learnt_templates: Crops that are searched, in the gallery of any encoder or of the one chosen.
    """

    days: tuple[Day, ...]
    accuracy: Accuracy
    confused: tuple[ConfusedPair, ...]
    sets: tuple[Coverage, ...]
    languages: tuple[Coverage, ...]
    corrections: Mapping[str, int]
    reasons: tuple[tuple[str, str, int], ...]
    learnt_templates: int
    learnt: tuple[LearntTemplate, ...]
    unknown_groups: tuple[UnknownGroup, ...]
    stages: tuple[StageTime, ...]
    degraded: Mapping[str, int]
    review: tuple[WorthReviewing, ...]
    encoders: tuple[str, ...] = field(default=())
    more_reasons: int = 0
