"""Backs a database up into one file and restores it, by PostgreSQL's own ``pg_dump`` and ``pg_restore``.

A backup is the whole database in the custom format: cards, pictures, templates of every encoder, scans and
corrections. It is written beside its place and renamed, and it is restored in one transaction, so that an
interrupted one leaves everything as it was.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from app.db.errors import translated
from app.db.migrate import migrate
from app.db.pool import check_versions, maintenance_connection
from app.db.postgres_clients import find_client, run_client
from app.db.queries import Queries
from app.domain.errors import ConfigurationError, DatabaseUnavailable

#: Pictures are compressed already; what is left shrinks well at the cheapest level.
_COMPRESSION = "gzip:1"
#: What the embedded server's settings are for building an index (see ``app.db.pool``), for ``pg_restore``.
_RESTORE_OPTIONS = "-c maintenance_work_mem=256MB -c max_parallel_maintenance_workers=0"
#: The entry of a table that every backup has, in ``pg_restore --list``.
_CARDS_ENTRY = re.compile(r"^\d+; \d+ \d+ TABLE DATA \S+ cards ", re.MULTILINE)
_EXTENSION_ENTRY = re.compile(r"^\d+; \d+ \d+ (COMMENT - )?EXTENSION ")
_DUMPED_FROM = re.compile(r"^; +Dumped from database version: (\d+)", re.MULTILINE)


async def back_up(dsn: str, target: Path) -> int:
    """Writes a backup; a file that is there is replaced once the new one is complete.

    Returns:
        Its size in bytes.

    Raises:
        ConfigurationError: the file cannot be written, the database has no tables, or no ``pg_dump`` is as
            new as the server.
        DatabaseUnavailable: the database cannot be reached or read.
    """
    queries = Queries()
    with translated():
        async with maintenance_connection(dsn) as connection:
            if not await connection.fetchval(queries["holds_tables"]):
                raise ConfigurationError("the database has no tables yet: there is nothing to back up")
            server_major = connection.get_server_version().major
    program = await find_client("pg_dump", server_major)
    with _beside(target) as partial:
        await run_client(
            program,
            *("--format=custom", f"--compress={_COMPRESSION}", "--no-password", "--file", str(partial)),
            dsn=dsn,
        )
        size_bytes: int = partial.stat().st_size
    return size_bytes


async def restore(dsn: str, source: Path, *, replace: bool) -> int:
    """Puts a backup in the place of what the database holds, then applies the migrations it lacks.

    Args:
        dsn: The database.
        source: What ``back_up`` wrote.
        replace: Whether cards, scans and corrections that are there may be lost.

    Returns:
        The number of cards in the database now.

    Raises:
        ConfigurationError: the file is no backup, the database holds something, is in use, or is older than
            the backup's or than ``pg_restore`` can serve.
        DatabaseUnavailable: the database cannot be reached, or refused the backup; it is unchanged then.
    """
    queries = Queries()
    with translated():
        async with maintenance_connection(dsn) as connection:
            has_extension = await check_versions(connection, queries) is not None
            server_major = connection.get_server_version().major
    program = await find_client("pg_restore", server_major, restoring=True)
    contents = await _contents(program, source, server_major)
    with translated():
        async with maintenance_connection(dsn) as connection:
            await _refuse_to_overwrite(connection, queries, replace)
    await _restore(program, dsn, source, contents, keep_extension=has_extension)
    await migrate(dsn)
    with translated():
        async with maintenance_connection(dsn) as connection:
            await connection.execute(queries["analyze_templates"])
            return int(await connection.fetchval(queries["count_cards"]))


async def _refuse_to_overwrite(connection: asyncpg.Connection, queries: Queries, replace: bool) -> None:
    if not await connection.fetchval(queries["holds_tables"]):
        return
    if not replace and await connection.fetchval(queries["holds_something"]):
        raise ConfigurationError(
            "the database holds cards, scans or corrections, which a restore would replace; "
            "say --replace if that is meant"
        )
    # Services remember what they have seen, and their next write would go among other rows.
    if await connection.fetchval(queries["count_other_sessions"]):
        raise ConfigurationError("the database is in use: stop the service, then restore")


async def _contents(program: Path, source: Path, server_major: int) -> str:
    """The list of what a backup holds. Raises ConfigurationError where it is none, or of a newer server."""
    try:
        contents = await run_client(program, "--list", str(source))
    except DatabaseUnavailable as error:
        raise ConfigurationError(f"{source} cannot be read as a backup: {error}") from error
    if not _CARDS_ENTRY.search(contents):
        raise ConfigurationError(f"{source} is a PostgreSQL archive, but not of a gallery")
    dumped_from = _DUMPED_FROM.search(contents)
    if dumped_from and int(dumped_from[1]) > server_major:
        raise ConfigurationError(
            f"{source} was made of PostgreSQL {dumped_from[1]}; this server is {server_major}, which is older"
        )
    return contents


async def _restore(program: Path, dsn: str, source: Path, contents: str, *, keep_extension: bool) -> None:
    # Only an administrator may drop and make the extension anew, and nothing of ours is in it.
    lines = [
        line
        for line in contents.splitlines(keepends=True)
        if not (keep_extension and _EXTENSION_ENTRY.match(line))
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        chosen.writelines(lines)
        chosen.flush()
        await run_client(
            program,
            *("--clean", "--if-exists", "--single-transaction", "--no-owner", "--no-privileges"),
            *("--no-comments", "--no-password", "--use-list", chosen.name),
            str(source),
            dsn=dsn,
            environment={"PGOPTIONS": _RESTORE_OPTIONS},
        )


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A file to write to, beside ``target`` and readable by its owner alone; takes its place at the end.

    Raises:
        ConfigurationError: the folder cannot be written, or something that is no file has the name.
    """
    if target.is_symlink() or (target.exists() and not target.is_file()):
        # Renaming over it would take a device or a link away from everybody else.
        raise ConfigurationError(f"{target} is no regular file; name one, or a place where none is yet")
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    except OSError as error:
        raise ConfigurationError(f"cannot write {target}: {error.strerror}") from error
    partial = Path(name)
    try:
        yield partial
        os.fsync(descriptor)
        partial.replace(target)
    except OSError as error:
        raise ConfigurationError(f"cannot write {target}: {error.strerror}") from error
    finally:
        os.close(descriptor)
        partial.unlink(missing_ok=True)
