"""Fixtures every test may use; a server is only started for tests that ask for a database."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.api.openapi import openapi_text
from app.db.pool import Database
from app.settings import Settings
from tests.database import TestServer
from tests.openapi import Contract


@pytest.fixture(scope="session")
def database_server(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, testrun_uid: str
) -> Iterator[TestServer]:
    """The server of this run, which the workers of a parallel run share.

    Not below pytest's own folder: every pytest that starts closes that to other accounts, and as root the
    server runs under one.
    """
    base = tmp_path_factory.getbasetemp()
    lock_path = (base if worker_id == "master" else base.parent) / "database.lock"
    folder = Path(tempfile.gettempdir()) / f"binderlens-tests-{testrun_uid}"
    with TestServer(folder, lock_path, worker_id).running() as server:
        yield server


@pytest.fixture
async def database_url(database_server: TestServer) -> AsyncIterator[str]:
    """DSN of a migrated, empty database of this test's own."""
    dsn = await database_server.clone()
    yield dsn
    await database_server.drop(dsn)


@pytest.fixture
async def empty_database_url(database_server: TestServer) -> AsyncIterator[str]:
    """DSN of a database without any table."""
    dsn = await database_server.clone("template0")
    yield dsn
    await database_server.drop(dsn)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Defaults, with this test's database and a data folder of its own; nothing from ``.env``."""
    return Settings(
        _env_file=None,
        database_url=SecretStr(database_url),
        data_dir=tmp_path / "data",
        verification_budget_ms=60_000,  # a busy machine must not change what is found
    )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """An open pool on this test's database."""
    assert settings.database_url is not None
    opened = await Database.open(settings.database_url.get_secret_value(), settings)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The OpenAPI document that replies are held against."""
    return Contract(json.loads(openapi_text()))
