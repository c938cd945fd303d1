"""What the learning loop stores: findings about crops, decisions, and the templates that follow from them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
from pgvector import HalfVector

from app.db.corrections import LEARNING_LOCK, LONGEST_WAIT_S
from app.db.current_gallery import CurrentGallery, GalleryLookup
from app.db.gallery_space import keep_templates
from app.db.pool import Database
from app.domain.correction_types import Verdict
from app.domain.learning_types import (
    Answered,
    CorrectionToStudy,
    Decision,
    Findings,
    Judged,
    Study,
    Support,
)
from app.domain.types import EncoderInfo, Status, StoredImage, Vectors

#: Views of other cards that are looked at for being taken by a new template.
_VIEWS = 64


#: A gallery, a correction, and when it was studied: what was found then does not change.
_StudyKey = tuple[int, UUID, datetime]


class PostgresLearning:
    """Implements ``app.domain.learning_port.LearningStore``.

    Args:
        database: Where everything lies.
        encoder: Whose gallery learns.
    """

    def __init__(self, database: Database, encoder: EncoderInfo) -> None:
        self._database = database
        self._queries = database.queries
        self._encoder = encoder
        self._lookup = GalleryLookup(database.queries, encoder)
        self._known: dict[_StudyKey, tuple[Vectors, Findings]] = {}

    async def study_next(self, study: Callable[[CorrectionToStudy], Awaitable[Findings]]) -> bool:
        """Studies the oldest correction that nobody is studying, and stores what was found: or nothing.

        By a connection of its own: those of the pool are for scans, and for the study itself.

        Returns:
            False where there was none.
        """
        async with self._database.maintenance(LONGEST_WAIT_S) as connection, connection.transaction():
            gallery = await self._lookup.find(connection)
            if gallery is None:
                return False
            # New words come first: what was said about the old ones stands meanwhile.
            row = await connection.fetchrow(
                self._queries["claim_correction"], gallery.gallery_id
            ) or await connection.fetchrow(self._queries["claim_stale_correction"], gallery.gallery_id)
            if row is None:
                return False
            findings = await study(_to_study(row))
            await connection.execute(
                self._queries["put_study"],
                row["id"],
                gallery.gallery_id,
                HalfVector(findings.encoded),
                findings.features,
                _findings_to_row(findings),
            )
        return True

    async def has_work(self) -> bool:
        """Whether any correction waits to be studied."""
        async with self._database.connection() as connection:
            gallery = await self._lookup.find(connection)
            if gallery is None:
                return False
            return bool(
                await connection.fetchval(self._queries["has_correction_to_study"], gallery.gallery_id)
            )

    async def judge(self, decide: Callable[[Sequence[Study]], Mapping[UUID, Decision]]) -> Judged:
        """Decides about all corrections anew and makes the templates what follows from that: all or nothing.

        Corrections that wait for their study, and whatever came after them, are left as they are.

        """
        async with self._database.maintenance(LONGEST_WAIT_S) as connection, connection.transaction():
            await connection.execute(self._queries["lock_learning"], LEARNING_LOCK)
            await keep_templates(connection, self._queries)
            gallery = await self._lookup.find(connection)
            if gallery is None:
                return Judged()
            await connection.execute(self._queries["forget_stale_studies"])
            rows = await connection.fetch(self._queries["corrections_to_judge"], gallery.gallery_id)
            studies = await self._studies(connection, gallery, rows)
            decisions = await asyncio.to_thread(decide, studies)
            changed = await self._put_decisions(connection, rows, decisions)
            await self._put_templates(connection, gallery, studies, decisions)
        return Judged(changed, Counter(decision.status for decision in decisions.values()))

    async def own_similarities(self, vectors: Vectors, card_id: str) -> list[float]:
        """For each vector (n, dimension) how alike the card's best own template is; -1 where it has none."""
        best = [-1.0] * len(vectors)
        async with self._database.connection() as connection:
            gallery = await self._lookup.find(connection)
            if gallery is None:
                return best
            asked = [HalfVector(one) for one in gallery.moved(vectors)]
            rows = await connection.fetch(self._statement("own_templates", gallery), asked, card_id)
        for row in rows:
            best[row["query_index"]] = max(best[row["query_index"]], row["similarity"])
        return best

    async def views_taken(self, vector: Vectors, artwork_group_id: int) -> tuple[str, ...]:
        """Cards of other pictures of which a stored view would fall to a template (dimension,)."""
        async with self._database.connection() as connection:
            gallery = await self._lookup.find(connection)
            if gallery is None:
                return ()
            (asked,) = gallery.moved(vector[None])
            rows = await connection.fetch(
                self._statement("views_taken", gallery), HalfVector(asked), artwork_group_id, _VIEWS
            )
        return tuple(row["card_id"] for row in rows)

    def _statement(self, name: str, gallery: CurrentGallery) -> str:
        return self._queries.with_numbers(
            name, gallery_id=gallery.gallery_id, dimension=self._encoder.dimension
        )

    async def _studies(
        self, connection: asyncpg.Connection, gallery: CurrentGallery, rows: Sequence[asyncpg.Record]
    ) -> list[Study]:
        """What is judged; findings that were read before are not read again."""
        keys = {row["id"]: (gallery.gallery_id, row["id"], row["studied_at"]) for row in rows}
        wanted = set(keys.values())
        self._known = {key: value for key, value in self._known.items() if key in wanted}
        missing = [correction_id for _, correction_id, _ in wanted - self._known.keys()]
        stored = await connection.fetch(self._queries["studies_of"], gallery.gallery_id, missing)
        for row in stored:
            encoded = row["encoded"].to_numpy().astype(np.float32)
            (vector,) = gallery.moved(encoded[None])
            found = _findings_from_row(row["findings"], encoded)
            self._known[keys[row["correction_id"]]] = (vector, found)
        return [_study(row, *self._known[keys[row["id"]]]) for row in rows]

    async def _put_decisions(
        self,
        connection: asyncpg.Connection,
        rows: Sequence[asyncpg.Record],
        decisions: Mapping[UUID, Decision],
    ) -> int:
        decided = [(row, decisions[row["id"]]) for row in rows]
        changed = [(row["id"], decision) for row, decision in decided if not _stands(row, decision)]
        if changed:
            await connection.execute(
                self._queries["put_decisions"],
                [correction_id for correction_id, _ in changed],
                [str(decision.status) for _, decision in changed],
                [decision.reason for _, decision in changed],
                [decision.unknown_group for _, decision in changed],
            )
        # Taking a correction back changes these even where all others stand as they did.
        await connection.execute(self._queries["forget_confusion_pairs"])
        await connection.execute(self._queries["count_confusion_pairs"])
        return len(changed)

    async def _put_templates(
        self,
        connection: asyncpg.Connection,
        gallery: CurrentGallery,
        studies: Sequence[Study],
        decisions: Mapping[UUID, Decision],
    ) -> None:
        """Makes the learnt templates of everything that was judged exactly those that were decided on."""
        rows = await connection.fetch(self._queries["learnt_templates"], gallery.gallery_id)
        there = {row["correction_id"]: row["active"] for row in rows}
        judged = {study.correction_id for study in studies}
        judged |= {row["correction_id"] for row in rows if row["status"] == "undone"}
        wanted = {study.correction_id for study in studies if decisions[study.correction_id].is_template}
        off = [one for one, active in there.items() if active and one in judged and one not in wanted]
        on = [one for one in wanted if there.get(one) is False]
        new = [study for study in studies if study.correction_id in wanted - there.keys()]
        for ids, active in ((off, False), (on, True)):
            if ids:
                await connection.execute(
                    self._queries["set_learnt_templates_active"], gallery.gallery_id, ids, active
                )
        if new:
            await connection.execute(
                self._queries["put_learnt_templates"],
                gallery.gallery_id,
                [study.correction_id for study in new],
                [study.card_id for study in new],
                [HalfVector(study.vector) for study in new],
                [None if gallery.space is None else HalfVector(study.findings.encoded) for study in new],
            )


def _to_study(row: asyncpg.Record) -> CorrectionToStudy:
    crop = None if row["data"] is None else StoredImage(row["media_type"], row["data"])
    return CorrectionToStudy(row["id"], Verdict(row["verdict"]), row["card_id"], crop)


def _study(row: asyncpg.Record, vector: Vectors, findings: Findings) -> Study:
    return Study(
        correction_id=row["id"],
        sequence=row["sequence"],
        verdict=Verdict(row["verdict"]),
        card_id=row["card_id"],
        artwork_group_id=row["artwork_group_id"],
        person=row["key_id"],
        day=row["created_at"].astimezone(UTC).date(),
        subject=row["crop_sha256"] or str(row["id"]),
        vector=vector,
        findings=findings,
    )


def _stands(row: asyncpg.Record, decision: Decision) -> bool:
    """Whether a correction stands as decided already."""
    return (row["status"], row["reason"], row["unknown_group"]) == (
        str(decision.status),
        decision.reason,
        decision.unknown_group,
    )


def _findings_to_row(findings: Findings) -> str:
    return json.dumps(
        {
            "complaint": findings.complaint,
            "support": str(findings.support),
            "rival": findings.rival,
            "own_similarity": findings.own_similarity,
            "rival_similarity": findings.rival_similarity,
            "taken_from": list(findings.taken_from),
            "surprises": findings.surprises,
            "alone": None if findings.alone is None else asdict(findings.alone),
        }
    )


def answered_from_json(found: Mapping[str, Any]) -> Answered:
    """What ``put_study`` stored of the gallery's own answer."""
    return Answered(
        card_id=found["card_id"],
        artwork_group_id=found["artwork_group_id"],
        status=Status(found["status"]),
        confidence_card=found["confidence_card"],
        confidence_printing=found["confidence_printing"],
    )


def _findings_from_row(row: str, encoded: Vectors) -> Findings:
    found = json.loads(row)
    return Findings(
        encoded=encoded,
        complaint=found["complaint"],
        support=Support(found["support"]),
        rival=found["rival"],
        own_similarity=found["own_similarity"],
        rival_similarity=found["rival_similarity"],
        taken_from=tuple(found["taken_from"]),
        surprises=found["surprises"],
        alone=None if found["alone"] is None else answered_from_json(found["alone"]),
    )
