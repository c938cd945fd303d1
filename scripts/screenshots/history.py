"""A month of a service's life: a few pages that are really scanned, and many more that are made up.

What is made up goes straight into the tables, as the service would have stored it: cards of the gallery,
confidences that are nearly honest, people who judge some answers, and crops that were learnt and decide later
answers. The pictures of what is made up are those of the gallery and of the pages that were really scanned.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np

from app.db.pool import Database
from app.domain.types import Card, EncoderInfo, Status, Vectors
from scripts.screenshots import people

HISTORY_DAYS = 30
_CARDS_A_SCAN = (1, 4, 9, 9, 9, 12)
_ANSWERS = {Status.ACCEPTED: 0.87, Status.REVIEW: 0.08, Status.UNKNOWN: 0.05}
_SURE = {Status.ACCEPTED: (60, 1), Status.REVIEW: (4, 3), Status.UNKNOWN: (1, 9)}
_STAGES_MS = {"decode": 45, "detect": 160, "embed": 70, "search": 15, "verify": 120}
_NOTES = ("verification_skipped", "printings_skipped", "topk_reduced", "orientation_skipped")


@dataclass(frozen=True, slots=True)
class KnownCard:
    """A card of the gallery: what it is, a stored picture that shows it, and its vector (dimension,)."""

    card: Card
    artwork_group_id: int
    picture_sha256: str
    vector: Vectors


class Month:
    """Makes a month up.

    Args:
        info: The encoder that is said to have answered.
        database: Of the service whose month it is.
        seed: Equal seeds make equal months, but for when they end.
    """

    def __init__(self, info: EncoderInfo, database: Database, seed: int = 1) -> None:
        self._info = info
        self._database = database
        self._rng = np.random.default_rng(seed)
        self._now = datetime.now(UTC)

    async def fill(self, detections: int) -> None:
        """Stores scans with so many detections, and what people said about some of them."""
        async with self._database.maintenance() as connection:
            async with connection.transaction():
                gallery = await _gallery(connection)
                pages = [
                    row["image_sha256"] for row in await connection.fetch("SELECT image_sha256 FROM scans")
                ]
                moments = self._moments(detections)
                scans = [self._scan(moment, str(self._rng.choice(pages))) for moment, _ in moments]
                answers = [
                    self._answer(scan["id"], scan["created_at"], position, gallery)
                    for scan, (_, cards) in zip(scans, moments, strict=True)
                    for position in range(cards)
                ]
                said = people.judge(answers, gallery, self._rng)
                await _copy(connection, "scans", scans)
                await _copy(connection, "detections", [answer.row for answer in answers])
                await people.store(connection, said, gallery, self._rng)
            # What PostgreSQL does by itself over a month; it has had seconds.
            await connection.execute("VACUUM ANALYZE")
            await connection.execute("CHECKPOINT")

    def _moments(self, detections: int) -> list[tuple[datetime, int]]:
        """When scans were made and how many cards they show; more at weekends."""
        days = np.arange(HISTORY_DAYS)
        ends = self._now.replace(hour=21, minute=0, second=0, microsecond=0)
        weight = [2.0 if (ends - timedelta(days=int(day))).weekday() >= 5 else 1.0 for day in days]
        weight = [one * self._rng.uniform(0.7, 1.3) for one in weight]
        found: list[tuple[datetime, int]] = []
        left = detections
        while left > 0:
            day = int(self._rng.choice(days, p=np.array(weight) / sum(weight)))
            hours = float(self._rng.beta(4, 2)) * 14
            cards = min(left, int(self._rng.choice(_CARDS_A_SCAN)))
            made = ends - timedelta(days=day, hours=14 - hours)
            found.append((min(made, self._now - timedelta(minutes=1)), cards))
            left -= cards
        return sorted(found)

    def _scan(self, moment: datetime, page_sha256: str) -> dict[str, Any]:
        slow = 4.0 if self._rng.random() < 0.04 else 1.0
        stages = {name: slow * ms * self._rng.lognormal(0, 0.3) for name, ms in _STAGES_MS.items()}
        timings = {**stages, "total": sum(stages.values()) + 12}
        return {
            "id": people.new_id(self._rng),
            "sha256": self._rng.bytes(32).hex(),
            "width_px": 2400,
            "height_px": 3200,
            "image_sha256": page_sha256,
            "timings_ms": json.dumps({name: round(ms, 1) for name, ms in timings.items()}),
            "encoder_fingerprint": self._info.fingerprint,
            "encoder_name": self._info.name,
            "encoder_precision": self._info.precision,
            "encoder_dimension": self._info.dimension,
            "created_at": moment,
        }

    def _answer(
        self, scan_id: UUID, moment: datetime, position: int, gallery: Sequence[KnownCard]
    ) -> people.Answer:
        rng = self._rng
        status = Status(rng.choice(list(_ANSWERS), p=list(_ANSWERS.values())))
        sure = float(rng.beta(*_SURE[status]))
        first, *others = (gallery[index] for index in rng.choice(len(gallery), 5, replace=False))
        names = [first, *others]
        shares = [sure, *sorted((float(one) * (1 - sure) for one in rng.random(4)), reverse=True)]
        is_learnt = moment > self._now - timedelta(days=22) and rng.random() < 0.05
        row = {
            "id": people.new_id(rng),
            "scan_id": scan_id,
            "position": position,
            "quad_px": [100.0, 100.0, 800.0, 100.0, 800.0, 1080.0, 100.0, 1080.0],
            "detection_score": 0.97,
            "rotation": 0,
            "grid_row": position // 3,
            "grid_column": position % 3,
            "status": str(status),
            "card_id": None if status is Status.UNKNOWN else first.card.card_id,
            "card": None if status is Status.UNKNOWN else json.dumps(asdict(first.card)),
            "confidence_card": min(1.0, sure + 0.01),
            "confidence_printing": sure,
            "candidates": json.dumps(
                [
                    _candidate(known, share, learnt=is_learnt and known is first)
                    for known, share in zip(names, shares, strict=True)
                ]
            ),
            "ambiguous_with": [],
            "sharpness": float(rng.beta(6, 2)),
            "glare": float(rng.beta(1, 9)),
            "height_px": int(rng.integers(420, 1100)),
            "advice": [],
            "degraded": [str(rng.choice(_NOTES, p=(0.6, 0.2, 0.15, 0.05)))] if rng.random() < 0.012 else [],
            "crop_sha256": first.picture_sha256,
        }
        return people.Answer(row, moment, first, others[0], is_learnt)


def _candidate(known: KnownCard, share: float, *, learnt: bool) -> dict[str, Any]:
    return {
        "card": asdict(known.card),
        "artwork_group_id": known.artwork_group_id,
        "similarity": round(0.6 + 0.33 * share, 4),
        "confidence": round(share, 6),
        "template_source": "correction" if learnt else "official",
        "inliers": int(140 * share),
        "agreement": round(share, 4),
        "difference": None,
        "neighbours": None,
    }


async def _gallery(connection: asyncpg.Connection) -> list[KnownCard]:
    """Every card with the photo of it that was really taken, or else its own picture."""
    rows = await connection.fetch(
        "SELECT DISTINCT ON (c.card_id) c.*, t.gallery_id,"
        " coalesce(t.encoded, t.embedding) AS vector, coalesce(d.crop_sha256, r.blob_sha256) AS picture"
        " FROM cards c JOIN templates t USING (card_id) JOIN reference_images r USING (card_id)"
        " LEFT JOIN detections d ON d.card_id = c.card_id AND d.status = 'accepted'"
        " WHERE t.source = 'official' ORDER BY c.card_id"
    )
    return [
        KnownCard(
            Card(**{name: row[name] for name in Card.__slots__}),
            row["artwork_group_id"],
            row["picture"],
            row["vector"].to_numpy().astype(np.float32),
        )
        for row in rows
    ]


async def _copy(connection: asyncpg.Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        names = list(rows[0])
        records = [tuple(row[name] for name in names) for row in rows]
        await connection.copy_records_to_table(table, records=records, columns=names)
