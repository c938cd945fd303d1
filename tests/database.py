"""Real databases for tests: one embedded server a run, a clone of a migrated template for each test."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from app.db.embedded import EmbeddedPostgres
from app.db.locks import exclusive
from app.db.migrate import migrate

TEMPLATE_NAME = "migrated_template"

#: Waiting for disks makes a test database slow, and no test needs its data after a power cut; a killed server
#: still finds what was committed.
FAST_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


def with_database(dsn: str, name: str) -> str:
    """The same server, another database."""
    return urlsplit(dsn)._replace(path=f"/{name}").geturl()


class TestServer:
    """An embedded server with a migrated template; every process of a parallel run shares it."""

    __test__ = False

    def __init__(self, folder: Path, lock_path: Path, worker: str) -> None:
        self._folder = folder
        self._lock_path = lock_path
        self._embedded = EmbeddedPostgres(folder, FAST_SETTINGS)
        self._names = (f"test_{worker}_{number}" for number in itertools.count())

    @contextmanager
    def running(self) -> Iterator[TestServer]:
        """Starts it, or joins in; the last to leave deletes everything."""
        with exclusive(self._lock_path, timeout_s=60):
            self._embedded.start()
            asyncio.run(self._make_template())
        try:
            yield self
        finally:
            with exclusive(self._lock_path, timeout_s=60):
                self._embedded.stop()
                if not (self._folder / "postgres" / "postmaster.pid").exists():
                    shutil.rmtree(self._folder)

    async def clone(self, template: str = TEMPLATE_NAME) -> str:
        """Makes a database and returns its DSN; ``template0`` makes an empty one."""
        name = next(self._names)
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return with_database(self._embedded.dsn, name)

    async def drop(self, dsn: str) -> None:
        await self._execute(f"DROP DATABASE IF EXISTS {urlsplit(dsn).path[1:]} WITH (FORCE)")

    async def _make_template(self) -> None:
        query = f"SELECT count(*) FROM pg_database WHERE datname = '{TEMPLATE_NAME}'"
        if not await self._execute(query):
            await self._execute(f"CREATE DATABASE {TEMPLATE_NAME}_new TEMPLATE template0")
            await migrate(with_database(self._embedded.dsn, f"{TEMPLATE_NAME}_new"))
            await self._execute(f"ALTER DATABASE {TEMPLATE_NAME}_new RENAME TO {TEMPLATE_NAME}")

    async def _execute(self, statement: str) -> object:
        connection = await asyncpg.connect(self._embedded.dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()
