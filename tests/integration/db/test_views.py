"""Statements that read side by side, of one moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.db.pool import Database
from app.db.quality import PostgresQuality
from app.db.queries import Queries
from app.domain.errors import SearchTimeout
from app.domain.quality_types import QualityFilter
from app.settings import Settings

EVERYTHING = QualityFilter(None, None, None, None)


@pytest.fixture(params=[1, 2])
async def small(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Database]:
    changed = settings.model_copy(update={"db_pool_size": request.param, "statement_timeout_ms": 2000})
    assert changed.database_url is not None
    database = await Database.open(changed.database_url.get_secret_value(), changed)
    yield database
    await database.close()


async def test_all_connections_see_what_the_first_saw_and_none_may_write(
    small: Database, database_url: str
) -> None:
    async with small.views() as views:
        assert len(views) == small.use().limit
        counts = [await one.fetchval("SELECT count(*) FROM cards") for one in views[:1]]
        writer = await asyncpg.connect(database_url)
        await writer.execute("INSERT INTO artwork_groups DEFAULT VALUES")
        counts += [await one.fetchval("SELECT count(*) FROM artwork_groups") for one in views]
        assert set(counts) == {0}
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await views[-1].execute("DELETE FROM artwork_groups")
        await writer.execute("DELETE FROM artwork_groups")
        await writer.close()


async def test_many_who_ask_for_figures_at_once_all_get_them_from_two_connections(small: Database) -> None:
    store = PostgresQuality(small)
    async with asyncio.timeout(20):
        found = await asyncio.gather(*(store.figures(EVERYTHING) for _ in range(12)))
    assert len({one.accuracy.judged for one in found}) == 1


async def test_a_statement_that_is_cut_off_leaves_both_connections_fit_for_use(
    small: Database, database_url: str
) -> None:
    blocker = await asyncpg.connect(database_url)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE confusion_pairs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(SearchTimeout):
            await PostgresQuality(small).figures(EVERYTHING)
    await blocker.close()
    assert (await PostgresQuality(small).figures(EVERYTHING)).accuracy.judged == 0
    assert small.use().idle == small.use().size


def test_the_name_of_a_snapshot_cannot_carry_sql() -> None:
    queries = Queries()
    assert queries.with_snapshot("take_snapshot", "00000003-0000001B-1").endswith("'00000003-0000001B-1'")
    with pytest.raises(ValueError, match="no name of a snapshot"):
        queries.with_snapshot("take_snapshot", "1'; DROP TABLE cards; --")
