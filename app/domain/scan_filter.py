"""Which scans somebody asks for: what lies behind a figure of the quality page, or a list of one's own."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from app.domain.correction_types import CorrectionStatus, Verdict
from app.domain.types import Degraded, Status


class Judged(enum.StrEnum):
    """What people said of an answer as it was given; the first correction that was learnt speaks.

    Disputed is an accepted answer that somebody contradicts, where nothing has proved either.
    """

    ANY = "any"
    RIGHT = "right"
    WRONG = "wrong"
    DISPUTED = "disputed"


class Stage(enum.StrEnum):
    """What a scan spends its time on."""

    DECODE = "decode"
    DETECT = "detect"
    EMBED = "embed"
    SEARCH = "search"
    VERIFY = "verify"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class ScanFilter:
    """Narrows scans; empty means no limit.

    What is said of a detection holds for one and the same detection of a scan, and what is said of a
    correction for one and the same correction, which is about that detection. Asked for corrections alone,
    those about cards that a scan missed count too.

    Attributes:
        since: Made at this moment or later.
        before: Made before this moment.
        encoder: Answered by the encoder with this name.
        stage: Together with the next one:
        slower_than_ms: this stage took longer, in milliseconds.
        status: Of a detection.
        set_id: Of the card that was answered.
        language: Of the card that was answered.
        card_id: The card that was answered.
        degraded: What was skipped or cut for a detection.
        learnt: Whether a template that was learnt decided the answer.
        confidence_from: A card is named, and the printing's confidence is at least this,
        confidence_to: and less than this, or 1 where this is 1.
        right_card_id: What a person says it is.
        verdict: What a person says.
        correction: How what a person says stands.
        reason: Why it stands so, in the very words.
        corrected_since: A person said it at this moment or later.
        unknown_group: Number of the unknown card that a person's word was put to.
        judged: Answers that people judged, or dispute.
    """

    since: datetime | None = None
    before: datetime | None = None
    encoder: str | None = None
    stage: Stage | None = None
    slower_than_ms: float | None = None
    status: Status | None = None
    set_id: str | None = None
    language: str | None = None
    card_id: str | None = None
    degraded: Degraded | None = None
    learnt: bool | None = None
    confidence_from: float | None = None
    confidence_to: float | None = None
    right_card_id: str | None = None
    verdict: Verdict | None = None
    correction: CorrectionStatus | None = None
    reason: str | None = None
    corrected_since: datetime | None = None
    unknown_group: int | None = None
    judged: Judged | None = None

    def contradiction(self) -> str | None:
        """Why no scan can ever be like that, for whoever asked; None where one can."""
        says_card = self.right_card_id is not None or self.verdict is Verdict.CARD
        not_learnt = self.correction not in (None, CorrectionStatus.LEARNED)
        is_disputed = self.judged is Judged.DISPUTED
        unproved = (None, CorrectionStatus.QUARANTINED, CorrectionStatus.REJECTED)
        of_unknown = self.unknown_group is not None
        answered = (self.card_id, self.set_id, self.language)
        impossible = {
            "since lies after before": _above(self.since, self.before),
            "confidence_from is greater than confidence_to": _above(self.confidence_from, self.confidence_to),
            "stage and slower_than_ms come together": (self.stage is None) != (self.slower_than_ms is None),
            "status unknown names no card: leave out card_id, set_id and language": (
                self.status is Status.UNKNOWN and any(value is not None for value in answered)
            ),
            "right_card_id goes with the verdict card alone": (
                self.right_card_id is not None and self.verdict not in (None, Verdict.CARD)
            ),
            "unknown_group goes with the verdict not_in_gallery alone": of_unknown
            and (says_card or self.verdict is Verdict.NOT_A_CARD),
            "unknown_group goes with corrections that were learned alone": of_unknown and not_learnt,
            "judged goes with corrections that were learned alone": (
                self.judged is not None and not is_disputed and not_learnt
            ),
            "judged as disputed goes with corrections in quarantine or rejected alone": (
                is_disputed and (self.correction not in unproved or of_unknown)
            ),
            "judged as disputed goes with the status accepted alone": (
                is_disputed and self.status not in (None, Status.ACCEPTED)
            ),
        }
        return next((words for words, holds in impossible.items() if holds), None)


def _above(low: datetime | float | None, high: datetime | float | None) -> bool:
    return low is not None and high is not None and low > high  # type: ignore[operator]
