"""A server that falls silent, its connections open: everybody who uses it gets away all the same."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import cast
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from app.db.bounded import LEAVE_TIMEOUT_S
from app.db.pool import Database
from app.domain.errors import DatabaseUnavailable
from app.domain.learning_port import LearningStore
from app.domain.learning_types import LearningLimits
from app.domain.ports import ScanStore
from app.services.learning.loop import LearningLoop
from app.services.learning.study import Student
from app.services.retention import keep_purging
from app.settings import Settings

GRACE_S = 8.0


class Gate:
    """A TCP proxy to a database's Unix socket that, once shut, takes everything and passes no reply on."""

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        self._socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._database = parts.path
        self.is_shut = False
        self.dsn = ""

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.dsn = f"postgresql://postgres@127.0.0.1:{port}{self._database}"
        return server

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_unix_connection(self._socket)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._copy(reader, questions, False), self._copy(answers, writer, True))
        questions.transport.abort()
        writer.transport.abort()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, are_replies: bool
    ) -> None:
        while chunk := await reader.read(65536):
            if not (are_replies and self.is_shut):
                writer.write(chunk)
        writer.close()


@pytest.fixture
async def gate(database_url: str) -> AsyncIterator[Gate]:
    made = Gate(database_url)
    server = await made.serve()
    yield made
    server.close()


@pytest.fixture
async def database(gate: Gate, settings: Settings) -> AsyncIterator[Database]:
    opened = await Database.open(gate.dsn, settings)
    yield opened
    started = time.monotonic()
    await opened.close()
    assert time.monotonic() - started < 10.0 + GRACE_S


Opens = Callable[[Database], AbstractAsyncContextManager[asyncpg.Connection]]


@contextlib.asynccontextmanager
async def in_maintenance_transaction(database: Database) -> AsyncIterator[asyncpg.Connection]:
    async with database.maintenance() as connection, connection.transaction():
        yield connection


@pytest.mark.parametrize(
    "opens",
    [Database.connection, Database.transaction, Database.maintenance, in_maintenance_transaction],
    ids=["connection", "transaction", "maintenance", "maintenance transaction"],
)
async def test_whoever_is_cancelled_while_the_server_is_silent_gets_away(
    opens: Opens, gate: Gate, database: Database
) -> None:
    asked = asyncio.Event()

    async def ask() -> None:
        async with opens(database) as connection:
            gate.is_shut = True
            asked.set()
            await connection.execute("SELECT pg_sleep(0.2)")

    asking = asyncio.create_task(ask())
    await asked.wait()
    await asyncio.sleep(0.5)
    asking.cancel()
    await ends_cancelled(asking)


async def ends_cancelled(task: asyncio.Task[None]) -> None:
    """In time, and as a cancellation: an error in its place would be taken for one to try again after."""
    done, _ = await asyncio.wait({task}, timeout=10.0 + LEAVE_TIMEOUT_S + GRACE_S)
    assert done == {task}
    assert task.cancelled()


async def test_whoever_is_cancelled_twice_leaves_no_error_that_nobody_takes(
    gate: Gate, database: Database
) -> None:
    """By a deadline, and then by a caller who has hung up; and is as soon away as who is cancelled once."""
    untaken: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: untaken.append(context))

    async def ask() -> None:
        async with database.connection() as connection:
            gate.is_shut = True
            await connection.execute("SELECT 1")

    for cancels in (1, 2):
        asking, started = asyncio.create_task(ask()), time.monotonic()
        for _ in range(cancels):
            await asyncio.sleep(0.5)
            asking.cancel()
        await ends_cancelled(asking)
        assert time.monotonic() - started < LEAVE_TIMEOUT_S + 3.0
        gate.is_shut = False
        await asyncio.sleep(LEAVE_TIMEOUT_S + 1.0)
    gc.collect()
    assert untaken == []


@pytest.mark.parametrize("work", ["learning", "retention"])
async def test_a_loop_that_is_cancelled_while_the_server_is_silent_does_not_go_on(
    work: str, gate: Gate, database: Database
) -> None:
    asked = asyncio.Event()

    async def ask(*_: object) -> bool:
        async with database.connection() as connection:
            gate.is_shut = True
            asked.set()
            await connection.execute("SELECT 1")
        return False

    if work == "retention":
        loop = keep_purging(cast(ScanStore, SimpleNamespace(purge=ask)), 30)
    else:
        store = cast(LearningStore, SimpleNamespace(has_work=ask, study_next=ask))
        student = cast(Student, SimpleNamespace(study=None))
        loop = LearningLoop(store, student, LearningLimits()).keep_learning()
    running = asyncio.create_task(loop)
    await asked.wait()
    await asyncio.sleep(0.5)
    running.cancel()
    await ends_cancelled(running)


async def test_a_deadline_that_passes_while_the_server_is_silent_is_told_as_one(
    gate: Gate, database: Database
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5), database.connection() as connection:
            gate.is_shut = True
            await connection.execute("SELECT 1")


async def test_a_server_that_is_silent_longer_than_a_statement_may_take_is_away(
    gate: Gate, database: Database
) -> None:
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        async with database.maintenance(longest_statement_s=0.5) as connection, connection.transaction():
            gate.is_shut = True
            await connection.execute("SELECT 1")
    assert time.monotonic() - started < 2 * LEAVE_TIMEOUT_S + GRACE_S


async def test_a_transaction_that_is_cancelled_is_rolled_back_while_the_server_answers(
    database: Database,
) -> None:
    begun = asyncio.Event()

    async def write() -> None:
        async with database.transaction() as connection:
            await connection.execute("CREATE TABLE half_done ()")
            begun.set()
            await connection.execute("SELECT pg_sleep(30)")

    writing = asyncio.create_task(write())
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(writing, 10)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT to_regclass('half_done')") is None
