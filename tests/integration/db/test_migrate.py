"""Migrations against a real PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest

from app.db.migrate import MIGRATIONS_DIR, migrate, pending, read_migrations
from app.domain.errors import DatabaseUnavailable, MigrationError
from app.settings import PROJECT_ROOT

#: What defines a schema, as the catalog prints it, without the numbers that differ between two databases.
CATALOG_QUERIES: Mapping[str, str] = {
    "columns": """
        SELECT c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attstorage, a.attidentity, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0
        ORDER BY 1, 3""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    "sequences": "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1",
    "extensions": "SELECT extname FROM pg_extension ORDER BY 1",
    "functions": """
        SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 1""",
}


async def catalog(dsn: str) -> dict[str, list[tuple[object, ...]]]:
    connection = await asyncpg.connect(dsn)
    try:
        return {
            name: [tuple(row) for row in await connection.fetch(query)]
            for name, query in CATALOG_QUERIES.items()
        }
    finally:
        await connection.close()


async def execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations to change."""
    return Path(shutil.copytree(MIGRATIONS_DIR, tmp_path / "migrations"))


def next_file(folder: Path, name: str) -> Path:
    number = len(read_migrations(folder)) + 1
    return folder / f"{number:04}_{name}.sql"


def label(path: Path) -> str:
    return f"{path.stem[:4]} {path.stem[5:]}"


async def test_schema_sql_equals_the_migrations(database_url: str, empty_database_url: str) -> None:
    await execute(empty_database_url, (PROJECT_ROOT / "sql" / "schema.sql").read_text())
    migrated, described = await catalog(database_url), await catalog(empty_database_url)
    assert len(migrated["columns"]) > 50
    assert described == migrated


async def test_migrations_are_applied_once(empty_database_url: str) -> None:
    names = await pending(empty_database_url)
    assert names[0] == "0001 first_schema"
    assert await migrate(empty_database_url) == names
    assert await migrate(empty_database_url) == []
    assert await pending(empty_database_url) == []


async def test_processes_that_migrate_at_once_apply_each_migration_once(empty_database_url: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database_url) for _ in range(4)))
    everything = [f"{migration.version:04} {migration.name}" for migration in read_migrations()]
    assert sorted(applied, key=len) == [[], [], [], everything]


async def test_a_new_migration_is_applied_on_top(database_url: str, folder: Path) -> None:
    more = next_file(folder, "more")
    more.write_text("CREATE TABLE more (id int); INSERT INTO more VALUES (1);")
    assert await migrate(database_url, folder) == [label(more)]


async def test_a_migration_changed_after_it_was_applied_is_refused(database_url: str, folder: Path) -> None:
    first = folder / "0001_first_schema.sql"
    first.write_text(first.read_text() + "\n-- changed\n")
    with pytest.raises(MigrationError, match="0001 first_schema was changed after it was applied"):
        await migrate(database_url, folder)
    with pytest.raises(MigrationError, match="0001 first_schema was changed"):
        await pending(database_url, folder)


async def test_an_applied_migration_without_a_file_is_refused(database_url: str, folder: Path) -> None:
    await execute(database_url, "INSERT INTO schema_migrations VALUES (99, 'from_the_future', 'x')")
    with pytest.raises(MigrationError, match="0099 from_the_future was applied to the database but has no"):
        await migrate(database_url, folder)


async def test_a_failing_migration_leaves_nothing_behind(database_url: str, folder: Path) -> None:
    bad = next_file(folder, "bad")
    bad.write_text("CREATE TABLE half (id int); SELECT no_such_function();")
    with pytest.raises(MigrationError, match=r"bad failed: function no_such_function\(\) does not exist"):
        await migrate(database_url, folder)
    bad.write_text("CREATE TABLE half (id int);")
    assert await migrate(database_url, folder) == [label(bad)]


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        await migrate(f"postgresql://postgres@/postgres?host={tmp_path}")
