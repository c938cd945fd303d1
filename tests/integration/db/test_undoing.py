"""Taking corrections back while somebody judges: it waits, and takes next to no connections."""

from __future__ import annotations

import asyncio
from typing import cast
from uuid import UUID

import pytest

from app.db.corrections import LEARNING_LOCK
from app.db.gallery import PostgresGallery
from app.db.learning import PostgresLearning
from app.db.pool import Database
from app.db.scans import PostgresScanStore
from app.domain.correction_types import CorrectionStatus, NewCorrection, Verdict
from app.domain.learning_types import LearningLimits
from app.services.admission import Admission
from app.services.corrections import CorrectionService
from app.services.learning.loop import LearningLoop
from app.services.learning.study import Student
from app.settings import Settings
from tests.integration.db.builders import (
    DROWZEE,
    ENCODER,
    identification,
    picture,
    reference,
    scan,
    unit_vectors,
    update,
)

UNDOS = 70  # more than an embedded server has connections


class CountedLearning(PostgresLearning):
    """Counts judgements."""

    judged = 0

    async def judge(self, decide):
        self.judged += 1
        return await super().judge(decide)


@pytest.fixture
async def settings(settings: Settings) -> Settings:
    """A limit on statements that a judgement elsewhere outlasts."""
    return settings.model_copy(update={"statement_timeout_ms": 200})


@pytest.fixture
def learning(database: Database) -> CountedLearning:
    return CountedLearning(database, ENCODER)


@pytest.fixture
def service(database: Database, learning: CountedLearning) -> CorrectionService:
    loop = LearningLoop(learning, cast(Student, None), LearningLimits())
    gallery = PostgresGallery(database, ENCODER)
    return CorrectionService(PostgresScanStore(database), gallery, cast(Admission, None), 1_000_000, loop)


@pytest.fixture
async def corrections(database: Database) -> list[UUID]:
    await PostgresGallery(database, ENCODER).put_cards(
        [update(DROWZEE, reference("drowzee", unit_vectors(1, 3)))]
    )
    store, result = PostgresScanStore(database), scan(identification())
    await store.save(result, picture("page"), [picture("crop")], "alice")
    said = NewCorrection(
        Verdict.CARD, detection_id=result.cards[0].detection_id, card_id=DROWZEE.card_id, key_id="alice"
    )
    return [(await store.add_correction(said, "body", None))[0].correction_id for _ in range(UNDOS)]


async def test_many_corrections_taken_back_during_a_judgement_elsewhere_take_one_connection(
    service: CorrectionService, learning: CountedLearning, database: Database, corrections: list[UUID]
) -> None:
    async with database.maintenance() as elsewhere:
        await elsewhere.execute("SELECT pg_advisory_lock($1)", LEARNING_LOCK)
        undoing = [asyncio.create_task(service.undo(one)) for one in corrections]
        await asyncio.sleep(1.0)  # five times what a search may take
        sessions = await elsewhere.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'binderlens maintenance' AND pid <> pg_backend_pid()"
        )
        assert sessions == 1
        await elsewhere.execute("SELECT pg_advisory_unlock($1)", LEARNING_LOCK)
        undone = await asyncio.gather(*undoing)
    assert {one.status for one in undone} == {CorrectionStatus.UNDONE}
    assert 1 <= learning.judged <= 2


async def test_a_correction_that_had_been_taken_back_already_is_not_judged_again(
    service: CorrectionService, learning: CountedLearning, corrections: list[UUID]
) -> None:
    first = await service.undo(corrections[0])
    assert learning.judged == 1
    assert await service.undo(corrections[0]) == first
    assert learning.judged == 1
