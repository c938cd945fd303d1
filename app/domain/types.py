"""The nouns of the product, as immutable values.

Pixels are those of the uploaded picture after its EXIF orientation is applied, x to the right, y down.
Pictures are RGB, ``uint8``, shape (height, width, 3), C-contiguous. Scores and confidences lie in [0, 1].
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.domain.explanation_types import Explanation

RgbImage = NDArray[np.uint8]
"""A picture: RGB, uint8, shape (height, width, 3)."""

Quad = NDArray[np.float64]
"""Four corners (4, 2) in pixels, from the card's own top left, clockwise."""

Vectors = NDArray[np.float32]
"""Embeddings of unit length, shape (count, dimension)."""

Rotation = Literal[0, 90, 180, 270]
"""How far a card is turned clockwise in the picture, in degrees, to the nearest quarter."""

#: Width over height of a trading card: 63 x 88 mm, the size shared by most games since 1993.
CARD_ASPECT = 63.0 / 88.0

#: Every card is rectified once to this size: 6 px a millimetre of 63 x 88 mm.
RECTIFIED_WIDTH_PX = 378
RECTIFIED_HEIGHT_PX = 528


class TemplateSource(enum.StrEnum):
    """Where a template comes from."""

    OFFICIAL = "official"
    AUGMENTED = "augmented"
    CORRECTION = "correction"


class Status(enum.StrEnum):
    """What a person has to do about a detection."""

    ACCEPTED = "accepted"
    REVIEW = "review"
    UNKNOWN = "unknown"


class AnswerKind(enum.StrEnum):
    """Which constants the confidences of an answer come from: see ``app.domain.calibration.Calibrations``."""

    PLAIN = "plain"
    IN_SPACE = "in_space"
    VERIFIED = "verified"
    VERIFIED_IN_SPACE = "verified_in_space"


class Degraded(enum.StrEnum):
    """What was skipped or cut for a card."""

    TOPK_REDUCED = "topk_reduced"
    SEARCH_TIMEOUT = "search_timeout"
    VERIFICATION_SKIPPED = "verification_skipped"
    ORIENTATION_SKIPPED = "orientation_skipped"
    PRINTINGS_SKIPPED = "printings_skipped"


@dataclass(frozen=True, slots=True)
class Card:
    """One printing."""

    card_id: str
    name: str
    set_id: str | None = None
    set_name: str | None = None
    number: str | None = None
    rarity: str | None = None
    language: str | None = None
    game: str | None = None


@dataclass(frozen=True, slots=True)
class CardFilter:
    """Narrows the gallery; empty means no limit."""

    game: str | None = None
    set_ids: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class TemplateHit:
    """One template found for one query of a search.

    Attributes:
        query_index: Which query.
        card: Whose template it is.
        artwork_group_id: Cards of one group show the same picture.
        similarity: Cosine to the query.
        source: Where the template comes from.
        in_space: Whether the gallery has a space of its own: cosines are others there.
    """

    query_index: int
    card: Card
    artwork_group_id: int
    similarity: float
    source: TemplateSource
    in_space: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a detection could be: one printing with the evidence for it.

    Attributes:
        card: The printing.
        artwork_group_id: Cards with the same number show the same picture.
        similarity: Of its best template.
        confidence: Probability that it is this printing.
        template_source: Where that template comes from.
        inliers: Patches of the reference picture that the crop shows in place; None where nobody looked.
        agreement: How well they fit, 0 to 1; None likewise.
        difference: How far the crop is from this printing beyond the nearest one; None where not compared.
        neighbours: Share of the sure cards around it that are of its set; None where none was asked.
    """

    card: Card
    artwork_group_id: int
    similarity: float
    confidence: float
    template_source: TemplateSource
    inliers: int | None = None
    agreement: float | None = None
    difference: float | None = None
    neighbours: float | None = None


@dataclass(frozen=True, slots=True)
class Confidence:
    """Probability that the picture is right (any card of the artwork group) and that this printing is."""

    card: float
    printing: float


@dataclass(frozen=True, slots=True)
class GridCell:
    """Place of a card on a page, counted from zero."""

    row: int
    column: int


@dataclass(frozen=True, slots=True)
class CropQuality:
    """How well one card can be read. ``sharpness`` and ``glare`` lie in [0, 1]."""

    sharpness: float
    glare: float
    height_px: int
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DetectedQuad:
    """One card-shaped thing found in a picture, before anything is known about what it shows.

    Attributes:
        quad_px: Corners, clockwise; starts at the corner that would be the card's top left were it upright
            (or, for a card on its side, were it turned a quarter clockwise). The gallery decides the rest.
        score: How surely this is a card, in [0, 1].
    """

    quad_px: Quad
    score: float


@dataclass(frozen=True, slots=True)
class Identification:
    """One detection with its answer. Neither ``explanation``, where asked for, nor ``kind`` is stored."""

    detection_id: UUID
    quad_px: Quad
    rotation: Rotation
    grid: GridCell | None
    status: Status
    card: Card | None
    confidence: Confidence
    candidates: tuple[Candidate, ...]
    ambiguous_with: tuple[str, ...]
    quality: CropQuality
    degraded: tuple[Degraded, ...] = ()
    score: float = 1.0
    explanation: Explanation | None = None
    kind: AnswerKind | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """Which encoder answered.

    Attributes:
        name: What people call it.
        precision: Number format that it computes in.
        fingerprint: Of the vectors it makes: equal ones can be compared.
        dimension: Length of a vector.
        whitening_exponent: How far the space of a gallery evens out how its vectors vary
            (``app.domain.space``), 0 for no space. A wish about galleries and no part of what answered.
        precision_reason: Why it computes in that format, for people.
    """

    name: str
    precision: str
    fingerprint: str
    dimension: int
    whitening_exponent: float = field(default=0.0, compare=False)
    precision_reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The answer to one uploaded picture. Times are milliseconds by stage."""

    scan_id: UUID
    width_px: int
    height_px: int
    sha256: str
    cards: tuple[Identification, ...]
    timings_ms: Mapping[str, float]
    encoder: EncoderInfo
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What a caller's ``Idempotency-Key`` stands for.

    Attributes:
        key: As it was sent.
        body_sha256: Hash of the body and the options it came with.
    """

    key: str
    body_sha256: str


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """One line of the list of scans."""

    scan_id: UUID
    created_at: datetime
    width_px: int
    height_px: int
    sha256: str
    cards: int
    accepted: int
    review: int
    unknown: int


@dataclass(frozen=True, slots=True)
class StoredImage:
    """Bytes of a stored picture and how to serve them."""

    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class MemorySnapshot:
    """What the memory guard saw, in bytes, and how often it worked.

    ``anonymous_bytes`` is what counts against the limit: file-backed pages (mapped weights) can be dropped
    by the kernel at any time. ``limit_bytes`` is None where neither the settings nor a cgroup set one.
    """

    rss_bytes: int
    anonymous_bytes: int
    file_bytes: int
    peak_rss_bytes: int
    limit_bytes: int | None
    batches: int
    releases: int
    refusals: int
    batch_size: int
