"""Session limits and error translation, provoked on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app.db.connect import open_database
from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.domain.errors import ConfigurationError, DatabaseUnavailable, MigrationError, SearchTimeout
from app.domain.types import CardFilter
from app.settings import Settings
from tests.integration.db.builders import ENCODER, simple_update, unit_vectors


@pytest.fixture
async def hasty(settings: Settings) -> AsyncIterator[Database]:
    """One connection alone, whose statements are cancelled after 100 ms."""
    changed = settings.model_copy(update={"statement_timeout_ms": 100, "db_pool_size": 1})
    assert changed.database_url is not None
    database = await Database.open(changed.database_url.get_secret_value(), changed)
    yield database
    await database.close()


@asynccontextmanager
async def templates_locked(dsn: str) -> AsyncIterator[None]:
    """Another session holds the templates, so that every search waits."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE templates IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def test_a_search_past_its_time_is_a_search_timeout_and_the_connection_stays_usable(
    hasty: Database, database_url: str
) -> None:
    gallery = PostgresGallery(hasty, ENCODER)
    vectors = unit_vectors(1, 3)
    await gallery.put_cards([simple_update("a", vectors)])
    async with templates_locked(database_url):
        for _ in range(3):
            with pytest.raises(SearchTimeout):
                await gallery.search(vectors, 2, CardFilter())
    assert len(await gallery.search(vectors, 2, CardFilter())) == 6


async def test_a_slow_statement_is_cancelled_by_the_server(hasty: Database) -> None:
    with pytest.raises(SearchTimeout):
        async with hasty.transaction() as connection:
            await connection.execute("SELECT pg_sleep(5)")
    async with hasty.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_transaction_may_lift_the_limit_for_itself_alone(hasty: Database) -> None:
    async with hasty.transaction(limit_statements=False) as connection:
        await connection.execute("SELECT pg_sleep(0.2)")
    async with hasty.connection() as connection:
        assert await connection.fetchval("SHOW statement_timeout") == "100ms"


async def test_a_gallery_is_written_to_although_somebody_holds_a_row_for_longer_than_a_search_may_take(
    hasty: Database, database_url: str
) -> None:
    gallery = PostgresGallery(hasty, ENCODER)
    await gallery.put_cards([simple_update("a", unit_vectors(1, 3), name="Before")])
    holder = await asyncpg.connect(database_url)
    async with holder.transaction():
        await holder.execute("UPDATE cards SET rarity = 'held'")
        writing = asyncio.create_task(
            gallery.put_cards([simple_update("a", unit_vectors(1, 3), name="After")])
        )
        await asyncio.sleep(0.5)
    await holder.close()
    await writing
    card = await gallery.get_card("a")
    assert card is not None
    assert card.name == "After"


async def test_the_driver_does_not_cut_off_a_transaction_without_limits(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.pool._COMMAND_GRACE_S", 0.1)
    hasty = settings.model_copy(update={"statement_timeout_ms": 100})
    async with (
        open_database(hasty) as database,
        database.transaction(limit_statements=False) as connection,
    ):
        await connection.execute("SELECT pg_sleep(0.5)")
        assert await connection.fetchval("SELECT 1 FROM pg_sleep(0.3)") == 1
        assert (await connection.fetchrow("SELECT 1 AS one FROM pg_sleep(0.3)"))["one"] == 1
        assert len(await connection.fetch("SELECT 1 FROM pg_sleep(0.3)")) == 1
        await connection.executemany("SELECT pg_sleep($1)", [(0.3,)])


async def test_maintenance_is_not_cancelled(hasty: Database) -> None:
    async with hasty.maintenance() as connection:
        await connection.execute("SELECT pg_sleep(0.2)")


async def test_maintenance_has_the_memory_to_build_an_index_in_one_process(database: Database) -> None:
    async with database.maintenance() as connection:
        shown = [
            await connection.fetchval(f"SHOW {name}")
            for name in ("maintenance_work_mem", "max_parallel_maintenance_workers", "timezone")
        ]
    assert shown == ["256MB", "0", "UTC"]


async def test_session_limits_hold_on_a_connection_used_again(settings: Settings) -> None:
    changed = settings.model_copy(update={"retrieval_topk": 80, "db_pool_size": 1})
    async with open_database(changed) as database:
        for _ in range(2):
            async with database.connection() as connection:
                shown = {
                    name: await connection.fetchval(f"SHOW {name}")
                    for name in ("statement_timeout", "hnsw.ef_search", "hnsw.iterative_scan", "timezone")
                }
                await connection.execute("SET hnsw.ef_search = 1")
            assert shown == {
                "statement_timeout": "5s",
                "hnsw.ef_search": "960",
                "hnsw.iterative_scan": "relaxed_order",
                "timezone": "UTC",
            }


async def test_violated_constraints_pass_through(database: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.connection() as connection:
            await connection.execute("INSERT INTO galleries VALUES (DEFAULT, 'f', 'n', 'p', 0, DEFAULT, 'f')")


async def test_no_free_connection_in_time_is_unavailable(
    hasty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.pool._ACQUIRE_TIMEOUT_S", 0.05)
    async with hasty.connection():
        with pytest.raises(DatabaseUnavailable, match="in time"):
            async with hasty.connection():
                pass


async def test_a_lost_connection_is_unavailable_and_the_next_one_works(
    hasty: Database, database_url: str
) -> None:
    other = await asyncpg.connect(database_url)
    with pytest.raises(DatabaseUnavailable):
        async with hasty.connection() as connection:
            await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            await asyncio.sleep(0.05)
            await connection.fetchval("SELECT 1")
    await other.close()
    async with hasty.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_closed_pool_is_unavailable(settings: Settings) -> None:
    async with open_database(settings) as database:
        pass
    with pytest.raises(DatabaseUnavailable):
        async with database.connection():
            pass


async def test_an_external_database_without_migrations_is_refused(
    settings: Settings, empty_database_url: str
) -> None:
    empty = settings.model_copy(update={"database_url": SecretStr(empty_database_url)})
    with pytest.raises(MigrationError, match=r"0001 first_schema, .*; run: binderlens migrate"):
        async with open_database(empty):
            pass
    with pytest.raises(MigrationError, match="binderlens migrate"):
        await Database.open(empty_database_url, settings)


@pytest.mark.parametrize(
    "dsn",
    [
        "not a dsn",
        "mysql://localhost/cards",
        "postgresql://bl:hunter2/secret@host/db",
        "postgresql://bl:hunter2#secret@host/db",
        "postgresql://bl:[hunter2@host/db",
    ],
)
async def test_a_database_url_that_is_none_is_refused_without_telling_it(
    settings: Settings, dsn: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"DATABASE_URL .* percent-encoded") as raised:
        await Database.open(dsn, settings)
    assert not any(part in str(raised.value) for part in ("hunter2", "secret", "mysql", "bl:"))


async def test_a_server_that_is_not_there_is_unavailable(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        await Database.open(f"postgresql://postgres@/postgres?host={tmp_path}", settings)


async def test_the_pool_tells_how_many_connections_there_are_and_how_often_the_database_was_away(
    database: Database,
) -> None:
    before = database.use()
    async with database.connection():
        during = database.use()
    assert (before.size - before.idle, during.size - during.idle) == (0, 1)
    assert before.limit == 5
    assert before.failures == 0
    with pytest.raises(DatabaseUnavailable):
        async with database.connection() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert "answers in" in await database.check()
    after = database.use()
    assert after.failures == 1
    assert after.opened == before.opened + 1


async def test_a_connection_that_the_driver_gave_up_costs_the_pool_no_place(hasty: Database) -> None:
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            async with hasty.connection() as connection:
                # What the driver does when a dying server's last bytes make no sense to it.
                connection._con._protocol.abort()
                await connection.execute("SELECT 1")
    async with asyncio.timeout(5), hasty.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1
