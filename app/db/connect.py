"""From settings to an open, migrated database, and everything shut down again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.db.embedded import EmbeddedPostgres
from app.db.migrate import migrate, pending
from app.db.pool import Database
from app.domain.errors import MigrationsMissing
from app.settings import Settings


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Opens the database of ``settings``: an external one, or the embedded one, migrated and watched.

    Raises:
        ConfigurationError: a server or a folder that must not be used.
        MigrationsMissing: an external database lacks migrations.
        MigrationError: one was applied that differs.
        DatabaseUnavailable: it cannot be reached or started.
    """
    async with running_server(settings) as dsn:
        if settings.database_url is None:
            await migrate(dsn)
        elif missing := await pending(dsn):
            raise MigrationsMissing(f"migrations are missing: {', '.join(missing)}; run: binderlens migrate")
        database = await Database.open(dsn, settings)
        try:
            yield database
        finally:
            await database.close()


@asynccontextmanager
async def running_server(settings: Settings) -> AsyncIterator[str]:
    """Yields the DSN of a server that runs: DATABASE_URL, or the embedded one, started again when it dies.

    Who is cancelled while the embedded server starts waits for it and stops it: threads cannot be cancelled,
    and nobody else would ever stop it.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    embedded = EmbeddedPostgres(settings.data_dir)
    starting = asyncio.create_task(asyncio.to_thread(embedded.start), name="embedded-postgres-start")
    try:
        await asyncio.shield(starting)
        watch = asyncio.create_task(embedded.supervise(), name="embedded-postgres")
        try:
            yield embedded.dsn
        finally:
            watch.cancel()
            await asyncio.wait({watch})
    finally:
        await asyncio.wait({starting})
        if not starting.cancelled():
            starting.exception()  # who was interrupted does not want to hear that the start failed as well
        await asyncio.to_thread(embedded.stop)
