"""Who starts the embedded server also stops it, however the start ends."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from app.db.connect import running_server
from app.domain.errors import DatabaseUnavailable
from app.settings import Settings


class SlowServer:
    """Stands in for the embedded server; its start lasts until a test lets it end."""

    dsn = "postgresql://postgres@/postgres"

    def __init__(self, _data_dir: Path) -> None:
        self.entered = threading.Event()
        self.let_go = threading.Event()
        self.started = threading.Event()
        self.runs = False
        self.fails = False

    def start(self) -> None:
        self.entered.set()
        assert self.let_go.wait(timeout=20)
        if self.fails:
            raise DatabaseUnavailable("it does not come up")
        self.runs = True
        self.started.set()

    def stop(self) -> None:
        self.runs = False

    async def supervise(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SlowServer:
    one = SlowServer(tmp_path)
    monkeypatch.setattr("app.db.connect.EmbeddedPostgres", lambda _: one)
    return one


@pytest.fixture
def embedded(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, database_url=None)


async def hold(settings: Settings, server: SlowServer) -> bool:
    async with running_server(settings):
        return server.runs


async def test_the_server_runs_while_it_is_used_and_not_after(server: SlowServer, embedded: Settings) -> None:
    server.let_go.set()
    assert await hold(embedded, server)
    assert not server.runs


async def test_a_start_that_is_cancelled_leaves_no_server_behind(
    server: SlowServer, embedded: Settings
) -> None:
    using = asyncio.create_task(hold(embedded, server))
    assert await asyncio.to_thread(server.entered.wait, 20)
    using.cancel()
    await asyncio.sleep(0)
    server.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert await asyncio.to_thread(server.started.wait, 20)
    assert not server.runs


async def test_a_start_that_fails_is_told(server: SlowServer, embedded: Settings) -> None:
    server.fails = True
    server.let_go.set()
    with pytest.raises(DatabaseUnavailable, match="come up"):
        await hold(embedded, server)
