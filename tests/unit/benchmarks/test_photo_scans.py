"""Answers to real photos are judged by the names on them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import numpy as np

from app.domain.types import (
    Card,
    Confidence,
    CropQuality,
    EncoderInfo,
    Identification,
    ScanResult,
    Status,
)
from benchmarks.photo_scans import judge


def found(name: str | None, status: Status) -> Identification:
    return Identification(
        detection_id=uuid4(),
        quad_px=np.zeros((4, 2)),
        rotation=0,
        grid=None,
        status=status,
        card=Card(name.lower(), name) if name else None,
        confidence=Confidence(card=0.9, printing=0.9),
        candidates=(),
        ambiguous_with=(),
        quality=CropQuality(sharpness=1.0, glare=0.0, height_px=400, advice=()),
        degraded=(),
        score=0.9,
    )


def scan(*cards: Identification) -> ScanResult:
    return ScanResult(
        scan_id=uuid4(),
        width_px=10,
        height_px=10,
        sha256="",
        cards=cards,
        timings_ms={"total": 5.0},
        encoder=EncoderInfo("compact", "fp32", "f", 256),
        created_at=datetime.now(UTC),
    )


def test_a_name_that_is_not_on_the_photo_is_wrong_and_so_is_one_too_many() -> None:
    result = scan(
        found("Fireball", Status.ACCEPTED),
        found("Fireball", Status.REVIEW),
        found("Shatter", Status.ACCEPTED),
        found(None, Status.UNKNOWN),
    )
    answer = judge("a.jpg", result, ["Fireball", "Island", None])
    assert (answer.there, answer.found) == (3, 4)
    assert answer.accepted == ("Fireball", "Shatter")
    assert answer.review == ("Fireball",)
    assert sorted(answer.wrong) == ["Fireball", "Shatter"]


def test_nothing_is_wrong_on_a_photo_of_which_nobody_said_what_it_shows() -> None:
    answer = judge("b.jpg", scan(found("Fireball", Status.REVIEW)), None)
    assert (answer.there, answer.wrong) == (None, ())
