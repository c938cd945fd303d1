"""Applies ``sql/migrations/NNNN_name.sql`` in order, each once, in a transaction of its own.

What was applied is remembered with the SHA-256 of its file; a file that changed afterwards, or is gone, is an
error, because the database would no longer be what the files say. An advisory lock makes it safe to start
several processes at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from app.db.errors import translated
from app.db.pool import check_versions, maintenance_connection
from app.db.queries import Queries
from app.domain.errors import MigrationError
from app.settings import PROJECT_ROOT

MIGRATIONS_DIR = PROJECT_ROOT / "sql" / "migrations"

#: Any number will do, if nothing else in the database locks it: the first eight bytes of "migrate".
_ADVISORY_LOCK = int.from_bytes(b"migrate")
_LOCK_POLL_S = 0.2

_FILE_NAME = re.compile(r"^(?P<version>\d{4})_(?P<name>\w+)\.sql$")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of the folder."""

    version: int
    name: str
    sha256: str
    sql: str


def read_migrations(folder: Path = MIGRATIONS_DIR) -> list[Migration]:
    """Reads the folder, in order.

    Raises:
        MigrationError: a file is misnamed, or the numbers do not run 1, 2, 3, ...
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.match(path.name)
        if match is None:
            raise MigrationError(f"{path} is not named like 0001_what_it_does.sql")
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        found.append(Migration(int(match["version"]), match["name"], digest, content.decode()))
    versions = [migration.version for migration in found]
    if versions != list(range(1, len(found) + 1)):
        raise MigrationError(f"the migrations in {folder} are numbered {versions}, not 1, 2, 3, ...")
    return found


async def migrate(dsn: str, folder: Path = MIGRATIONS_DIR) -> list[str]:
    """Applies what is missing; returns the names of the migrations that were applied now.

    Raises:
        MigrationError: files and database disagree, or a migration failed (it left nothing behind).
        ConfigurationError: the server is too old.
        DatabaseUnavailable: it cannot be reached.
    """
    queries, migrations = Queries(), read_migrations(folder)
    with translated():
        async with maintenance_connection(dsn) as connection:
            await check_versions(connection, queries)
            # Asked for again and again: a statement that waits holds a view of the database from before, for
            # whose sake the vacuum below would leave everything as it is.
            while not await connection.fetchval(queries["try_lock_session"], _ADVISORY_LOCK):  # noqa: ASYNC110
                await asyncio.sleep(_LOCK_POLL_S)
            await connection.execute(queries["create_schema_migrations"])
            missing = await _missing(connection, queries, migrations)
            for migration in missing:
                await _apply(connection, queries, migration)
            if missing and await connection.fetchval(queries["has_answers"]):
                # A table that was written anew has lost what lets figures be counted from its indexes alone,
                # and no vacuum comes by itself before much has changed.
                await connection.execute(queries["vacuum_answers"])
    return [f"{migration.version:04} {migration.name}" for migration in missing]


async def pending(dsn: str, folder: Path = MIGRATIONS_DIR) -> list[str]:
    """Names of the migrations still to be applied; changes nothing.

    Raises:
        MigrationError: files and database disagree.
        DatabaseUnavailable: it cannot be reached.
    """
    queries, migrations = Queries(), read_migrations(folder)
    with translated():
        async with maintenance_connection(dsn) as connection:
            if await connection.fetchval(queries["has_schema_migrations"]):
                migrations = await _missing(connection, queries, migrations)
    return [f"{migration.version:04} {migration.name}" for migration in migrations]


async def _missing(
    connection: asyncpg.Connection, queries: Queries, migrations: Sequence[Migration]
) -> list[Migration]:
    """Compares files with what was applied and returns the rest."""
    files = {migration.version: migration for migration in migrations}
    applied = await connection.fetch(queries["list_applied_migrations"])
    for row in applied:
        label = f"{row['version']:04} {row['name']}"
        file = files.pop(row["version"], None)
        if file is None:
            raise MigrationError(f"migration {label} was applied to the database but has no file here")
        if file.sha256 != row["sha256"]:
            raise MigrationError(
                f"migration {label} was changed after it was applied: "
                f"the file has sha256 {file.sha256[:12]}, applied was {row['sha256'][:12]}"
            )
    return list(files.values())


async def _apply(connection: asyncpg.Connection, queries: Queries, migration: Migration) -> None:
    try:
        with translated():
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    queries["record_migration"], migration.version, migration.name, migration.sha256
                )
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationError(
            f"migration {migration.version:04} {migration.name} is not allowed: {error}; "
            "have an administrator run CREATE EXTENSION vector, or grant what is missing"
        ) from error
    except asyncpg.PostgresError as error:
        raise MigrationError(f"migration {migration.version:04} {migration.name} failed: {error}") from error
