"""Rows of templates, scans, detections and corrections to and from the types of the domain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

import asyncpg
import numpy as np

from app.domain.correction_types import Correction, CorrectionStatus, Verdict
from app.domain.types import (
    Candidate,
    Card,
    Confidence,
    CropQuality,
    Degraded,
    EncoderInfo,
    GridCell,
    Identification,
    Quad,
    ScanResult,
    Status,
    TemplateHit,
    TemplateSource,
)


def quad_to_row(quad_px: Quad) -> list[float]:
    """Eight numbers, x and y of each corner."""
    return [float(value) for value in np.asarray(quad_px, dtype=np.float64).reshape(8)]


def quad_from_row(values: list[float]) -> Quad:
    """Four corners (4, 2), float64."""
    return np.asarray(values, dtype=np.float64).reshape(4, 2)


def scan_to_row(result: ScanResult, image_sha256: str, key_id: str | None) -> tuple[object, ...]:
    """Parameters of ``insert_scan``."""
    encoder = result.encoder
    return (
        result.scan_id,
        result.sha256,
        result.width_px,
        result.height_px,
        image_sha256,
        json.dumps(dict(result.timings_ms)),
        encoder.fingerprint,
        encoder.name,
        encoder.precision,
        encoder.dimension,
        key_id,
        result.created_at,
    )


def scan_from_rows(scan: asyncpg.Record, detections: list[asyncpg.Record]) -> ScanResult:
    """The answer of one scan; ``detections`` in reading order."""
    return ScanResult(
        scan_id=scan["id"],
        width_px=scan["width_px"],
        height_px=scan["height_px"],
        sha256=scan["sha256"],
        cards=tuple(map(detection_from_row, detections)),
        timings_ms=json.loads(scan["timings_ms"]),
        encoder=EncoderInfo(
            name=scan["encoder_name"],
            precision=scan["encoder_precision"],
            fingerprint=scan["encoder_fingerprint"],
            dimension=scan["encoder_dimension"],
        ),
        created_at=scan["created_at"],
    )


def detection_to_row(
    scan_id: UUID, position: int, found: Identification, crop_sha256: str
) -> tuple[object, ...]:
    """Parameters of ``insert_detection``."""
    return (
        found.detection_id,
        scan_id,
        position,
        quad_to_row(found.quad_px),
        found.score,
        found.rotation,
        None if found.grid is None else found.grid.row,
        None if found.grid is None else found.grid.column,
        str(found.status),
        None if found.card is None else found.card.card_id,
        None if found.card is None else json.dumps(asdict(found.card)),
        found.confidence.card,
        found.confidence.printing,
        json.dumps([asdict(candidate) for candidate in found.candidates]),
        list(found.ambiguous_with),
        found.quality.sharpness,
        found.quality.glare,
        found.quality.height_px,
        list(found.quality.advice),
        [str(degraded) for degraded in found.degraded],
        crop_sha256,
    )


def detection_from_row(row: asyncpg.Record) -> Identification:
    """One detection as it was answered."""
    return Identification(
        detection_id=row["id"],
        quad_px=quad_from_row(row["quad_px"]),
        rotation=row["rotation"],
        grid=None if row["grid_row"] is None else GridCell(row["grid_row"], row["grid_column"]),
        status=Status(row["status"]),
        card=None if row["card"] is None else Card(**json.loads(row["card"])),
        confidence=Confidence(card=row["confidence_card"], printing=row["confidence_printing"]),
        candidates=tuple(
            Candidate(
                **{
                    **candidate,
                    "card": Card(**candidate["card"]),
                    "template_source": TemplateSource(candidate["template_source"]),
                }
            )
            for candidate in json.loads(row["candidates"])
        ),
        ambiguous_with=tuple(row["ambiguous_with"]),
        quality=CropQuality(
            sharpness=row["sharpness"],
            glare=row["glare"],
            height_px=row["height_px"],
            advice=tuple(row["advice"]),
        ),
        degraded=tuple(map(Degraded, row["degraded"])),
        score=row["detection_score"],
    )


def correction_from_row(row: asyncpg.Record) -> Correction:
    """One correction and what became of it."""
    return Correction(
        correction_id=row["id"],
        status=CorrectionStatus(row["status"]),
        reason=row["reason"],
        verdict=Verdict(row["verdict"]),
        detection_id=row["detection_id"],
        scan_id=row["scan_id"],
        quad_px=None if row["quad_px"] is None else quad_from_row(row["quad_px"]),
        card_id=row["card_id"],
        note=row["note"],
        key_id=row["key_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def hits_from_rows(rows: Sequence[asyncpg.Record], *, in_space: bool) -> list[TemplateHit]:
    """What ``search_templates`` found in one gallery; hits of the same card share one ``Card``."""
    cards: dict[str, Card] = {}
    for row in rows:
        if row["card_id"] not in cards:
            cards[row["card_id"]] = Card(*(row[name] for name in Card.__slots__))
    return [
        TemplateHit(
            query_index=row["query_index"],
            card=cards[row["card_id"]],
            artwork_group_id=row["artwork_group_id"],
            similarity=row["similarity"],
            source=TemplateSource(row["source"]),
            in_space=in_space,
        )
        for row in rows
    ]
