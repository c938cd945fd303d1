"""What the learning loop knows about a correction, and what it decides, as immutable values."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from app.domain.correction_types import CorrectionStatus, Verdict
from app.domain.types import Status, StoredImage, Vectors


class Support(enum.StrEnum):
    """What the crop alone says about the card that a person named."""

    BACKED = "backed"  # among the gallery's candidates, or its picture is found in the crop
    UNBACKED = "unbacked"  # nothing speaks for it
    OPPOSED = "opposed"  # the crop agrees clearly with another card


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to one crop.

    Attributes:
        card_id: The card named first; None where nothing was found.
        artwork_group_id: Of that card, None likewise.
        status: What was said about it.
        confidence_card: That it shows that picture.
        confidence_printing: That it is that printing.
    """

    card_id: str | None
    artwork_group_id: int | None
    status: Status
    confidence_card: float
    confidence_printing: float


@dataclass(frozen=True, slots=True)
class CorrectionToStudy:
    """A correction whose crop nobody has looked at yet.

    Attributes:
        correction_id: Which correction.
        verdict: What the person said.
        card_id: The card named; None without the verdict ``card``.
        crop: What it was said about; None where that has been deleted.
    """

    correction_id: UUID
    verdict: Verdict
    card_id: str | None
    crop: StoredImage | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What the gallery's own pictures say about a crop; nothing learnt has a part in it.

    Attributes:
        encoded: The crop, the right way up, as the encoder gave it, unit length, (dimension,).
        complaint: Why nothing can be learnt from the crop, in words; None where it will do.
        support: What the crop says about the card named.
        rival: Name of the card that speaks against it, for the reason; None where there is none.
        own_similarity: To the best of the named card's own templates, -1 where it has none.
        rival_similarity: To the best template of another picture, -1 where there is none.
        taken_from: Other cards of which a stored view would be taken for the named card's, were the crop its
            template; the clearest first.
        surprises: Whether the gallery alone answers another card: learning it changes something.
        features: The crop as verification looks for pictures; None where nothing is to be learnt from it.
        alone: What the gallery's own pictures answer; None where the crop cannot be read.
    """

    encoded: Vectors
    complaint: str | None = None
    support: Support = Support.UNBACKED
    rival: str | None = None
    own_similarity: float = -1.0
    rival_similarity: float = -1.0
    taken_from: tuple[str, ...] = ()
    surprises: bool = False
    features: bytes | None = None
    alone: Answered | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """One correction with what was found out about its crop.

    Attributes:
        correction_id: Which correction.
        sequence: Order of arrival.
        verdict: What the person said.
        card_id: The card named; None without the verdict ``card``.
        artwork_group_id: Cards of that group show the same picture; None likewise.
        person: Who said it: the id of the API key; None where no key was asked for.
        day: When it was said, UTC.
        subject: What it was said about: the hash of the crop.
        vector: The crop in the space that is searched, unit length, (dimension,).
        findings: What the gallery's own pictures say about the crop.
    """

    correction_id: UUID
    sequence: int
    verdict: Verdict
    card_id: str | None
    artwork_group_id: int | None
    person: str | None
    day: date
    subject: str
    vector: Vectors
    findings: Findings


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one correction.

    Attributes:
        status: ``learned``, ``quarantined`` or ``rejected``.
        reason: Why, for the person who sent it.
        is_template: Whether its crop is a template of the card named.
        unknown_group: Corrections that say of alike crops that the gallery lacks the card share a number.
    """

    status: CorrectionStatus
    reason: str
    is_template: bool = False
    unknown_group: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What judging all corrections came to.

    Attributes:
        changed: How many stand otherwise than before.
        standing: How many stand how, of those that were judged.
    """

    changed: int = 0
    standing: Counter[CorrectionStatus] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class LearningLimits:
    """How much is learnt, and from whom.

    Attributes:
        templates_per_card: Of one card the most useful so many.
        corrections_per_day: Of one person.
        duplicate: Templates of one card that are so alike show the same.
        same_unknown: Crops so alike show the same unknown card.
        hub: A crop to which views of so many other cards would fall is nobody's template.
        borne_out: A person whom so many crops bear out is believed where a crop says nothing either way,
        opposed_share: as long as no greater share of crops than this, of those, opposes them.
    """

    templates_per_card: int = 10
    corrections_per_day: int = 1000
    duplicate: float = 0.985
    same_unknown: float = 0.8
    hub: int = 3
    borne_out: int = 20
    opposed_share: float = 0.02
