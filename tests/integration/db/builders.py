"""Invented cards, templates and scans for the tests of the database layer."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import uuid4

import numpy as np

from app.domain.gallery_types import CardUpdate, ReferenceTemplates
from app.domain.types import (
    Candidate,
    Card,
    Confidence,
    CropQuality,
    Degraded,
    EncoderInfo,
    GridCell,
    Identification,
    ScanResult,
    Status,
    StoredImage,
    TemplateSource,
    Vectors,
)

DIMENSION = 16
ENCODER = EncoderInfo(name="test", precision="fp32", fingerprint="a" * 64, dimension=DIMENSION)
OTHER_ENCODER = EncoderInfo(name="other", precision="fp32", fingerprint="b" * 64, dimension=8)
VIEWS = (TemplateSource.OFFICIAL, TemplateSource.AUGMENTED, TemplateSource.AUGMENTED)
DROWZEE = Card("sv5-131", "Drowzee", "sv5", "Temporal Forces", "131/162", "Common", "en", "pokemon")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def picture(text: str) -> StoredImage:
    """Bytes that differ by ``text``; the database never looks inside."""
    return StoredImage("image/png", f"picture of {text}".encode())


def unit_vectors(seed: int, count: int, dimension: int = DIMENSION) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def reference(source: str, vectors: Vectors) -> ReferenceTemplates:
    """One reference image with its views, the first of them official."""
    return ReferenceTemplates(sha256(source), picture(source), vectors, VIEWS[: len(vectors)])


def update(card: Card, *references: ReferenceTemplates) -> CardUpdate:
    """The card with these reference images and no others."""
    return CardUpdate(card, references, tuple(each.source_sha256 for each in references))


def simple_update(card_id: str, vectors: Vectors, **fields: str) -> CardUpdate:
    """A card with one reference image of its own."""
    name = fields.pop("name", f"Name of {card_id}")
    return update(Card(card_id, name, **fields), reference(card_id, vectors))


def identification(status: Status = Status.ACCEPTED, card: Card | None = DROWZEE) -> Identification:
    """A detection with every field set to something else than its default."""
    candidate = Candidate(DROWZEE, 7, 0.91, 0.98, TemplateSource.OFFICIAL, inliers=143)
    return Identification(
        detection_id=uuid4(),
        quad_px=np.array([[1.5, 2.0], [101.0, 2.5], [100.0, 142.0], [0.5, 141.0]]),
        rotation=90,
        grid=GridCell(0, 2),
        status=status,
        card=card,
        confidence=Confidence(0.998, 0.981),
        candidates=(candidate,),
        ambiguous_with=("svp-131",),
        quality=CropQuality(0.8, 0.1, 910, ("less glare",)),
        degraded=(Degraded.TOPK_REDUCED, Degraded.VERIFICATION_SKIPPED),
        score=0.75,
    )


def scan(*cards: Identification, created_at: datetime | None = None) -> ScanResult:
    scan_id = uuid4()
    return ScanResult(
        scan_id=scan_id,
        width_px=3456,
        height_px=4608,
        sha256=sha256(str(scan_id)),
        cards=cards,
        timings_ms={"decode": 1.0, "total": 5.25},
        encoder=ENCODER,
        created_at=created_at,
    )
