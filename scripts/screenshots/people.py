"""What made-up people say about made-up answers, and what is learnt from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import numpy as np
from pgvector import HalfVector

from app.domain.types import Vectors

if TYPE_CHECKING:
    from scripts.screenshots.history import KnownCard

#: Of all answers so many are judged, but no more than so many.
_JUDGED_SHARE, _MOST_JUDGED = 0.02, 1600
_UNKNOWN_GROUPS = 7
_TEMPLATE = "its crop is a template of this card now"
_REASONS = {
    "learned": ("learnt as evidence; it shows no more than a template of this card that is there already",),
    "quarantined": (
        "nothing in the crop speaks for this card; it waits for a second person who says the same",
        "the crop agrees clearly with another card; it waits for a second person who says the same",
    ),
    "rejected": ("its picture is too blurred to learn from", "glare hides too much of its picture"),
    "pending": (None,),
    "undone": ("taken back, with everything it changed",),
}
_STANDING = {"learned": 0.88, "quarantined": 0.05, "rejected": 0.04, "pending": 0.01, "undone": 0.02}


@dataclass(frozen=True, slots=True)
class Answer:
    """One made-up detection: its row, when it was made, its first two candidates, and who decided."""

    row: dict[str, Any]
    moment: datetime
    first: KnownCard
    second: KnownCard
    is_learnt: bool


@dataclass(slots=True)
class Said:
    """One made-up correction with its study."""

    row: dict[str, Any]
    shown: KnownCard
    alone: dict[str, Any]
    is_template: bool = field(default=False)


def new_id(rng: np.random.Generator) -> UUID:
    """An id that the seed decides."""
    return UUID(bytes=rng.bytes(16), version=4)


def judge(answers: Sequence[Answer], gallery: Sequence[KnownCard], rng: np.random.Generator) -> list[Said]:
    """What people say: most of what is not sure, and of what learnt crops decided."""
    share = min(_JUDGED_SHARE, _MOST_JUDGED / max(1, len(answers)))
    weights = {"accepted": 0.6, "review": 4.0, "unknown": 3.0}
    chosen = [
        one for one in answers if rng.random() < share * weights[one.row["status"]] * (1 + 5 * one.is_learnt)
    ]
    return [_say(one, gallery, rng) for one in chosen]


def _say(answer: Answer, gallery: Sequence[KnownCard], rng: np.random.Generator) -> Said:
    row = answer.row
    is_unknown = row["status"] == "unknown"
    is_right = rng.random() < (0.85 if is_unknown else row["confidence_printing"] - 0.02)
    # Whoever is mistaken for something else is so again and again.
    other = gallery[(gallery.index(answer.first) + int(rng.integers(1, 3))) % len(gallery)]
    right = answer.first if is_right else other
    stands = str(rng.choice(list(_STANDING), p=list(_STANDING.values())))
    is_stranger = is_right if is_unknown else rng.random() < 0.01
    alone_right = is_right != (answer.is_learnt and rng.random() < (0.35 if is_right else 0.6))
    alone = right if alone_right else other if right is answer.first else answer.first
    when = min(answer.moment + timedelta(minutes=float(rng.uniform(1, 600))), datetime.now(UTC))
    group = 1 + int(rng.zipf(1.6)) % _UNKNOWN_GROUPS if is_stranger and stands == "learned" else None
    correction = {
        "id": new_id(rng),
        "status": stands,
        "reason": _REASONS[stands][int(rng.integers(len(_REASONS[stands])))],
        "verdict": "not_in_gallery" if is_stranger else "card",
        "scan_id": row["scan_id"],
        "detection_id": row["id"],
        "card_id": None if is_stranger else right.card.card_id,
        "crop_sha256": row["crop_sha256"],
        "body_sha256": rng.bytes(32).hex(),
        "created_at": when,
        "updated_at": when,
        "unknown_group": group,
        "answered_card_id": row["card_id"],
    }
    if group is not None:
        correction["reason"] = "noted: a card that is not in the gallery"
    said = Said(correction, answer.first, _answered(alone, row))
    if stands == "learned" and not is_stranger and rng.random() < 0.4:
        said.is_template, correction["reason"] = True, _TEMPLATE
    return said


def _answered(card: KnownCard, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "card_id": card.card.card_id,
        "artwork_group_id": card.artwork_group_id,
        "status": row["status"],
        "confidence_card": row["confidence_card"],
        "confidence_printing": row["confidence_printing"],
    }


async def store(
    connection: asyncpg.Connection,
    said: Sequence[Said],
    gallery: Sequence[KnownCard],
    rng: np.random.Generator,
) -> None:
    """Corrections, what was found out about their crops, templates, and who was taken for whom."""
    gallery_id = await connection.fetchval("SELECT id FROM galleries WHERE current")
    vectors = {known.card.card_id: known.vector for known in gallery}
    crops = [_near(one.shown.vector, rng) for one in said]
    names = list(said[0].row) if said else []
    await connection.copy_records_to_table(
        "corrections", records=[tuple(one.row[name] for name in names) for one in said], columns=names
    )
    await connection.copy_records_to_table(
        "correction_studies",
        records=[
            (one.row["id"], gallery_id, crop, json.dumps({"alone": one.alone, "complaint": _complaint(one)}))
            for one, crop in zip(said, crops, strict=True)
        ],
        columns=["correction_id", "gallery_id", "encoded", "findings"],
    )
    learnt = [one for one in said if one.is_template]
    await connection.copy_records_to_table(
        "templates",
        records=[
            (
                gallery_id,
                one.row["card_id"],
                "correction",
                one.row["id"],
                _near(vectors[one.row["card_id"]], rng),
                one.row["created_at"],
            )
            for one in learnt
        ],
        columns=["gallery_id", "card_id", "source", "correction_id", "embedding", "created_at"],
    )
    await connection.execute(
        "INSERT INTO confusion_pairs SELECT answered_card_id, card_id, count(*) FROM corrections"
        " WHERE status = 'learned' AND verdict = 'card' AND answered_card_id IS NOT NULL GROUP BY 1, 2"
        " ON CONFLICT (answered_card_id, right_card_id) DO UPDATE SET times = EXCLUDED.times"
    )


def _complaint(said: Said) -> str | None:
    """All that is rejected is so for its crop."""
    reason: str | None = said.row["reason"]
    return reason if said.row["status"] == "rejected" else None


def _near(vector: Vectors, rng: np.random.Generator) -> HalfVector:
    """A photo of much the same."""
    moved = vector + 0.3 * rng.normal(size=len(vector)) / np.sqrt(len(vector))
    return HalfVector((moved / np.linalg.norm(moved)).astype(np.float16))
