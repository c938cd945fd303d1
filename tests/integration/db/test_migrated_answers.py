"""Stored answers of an older schema, after the migrations."""

from __future__ import annotations

import shutil
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app.db.migrate import MIGRATIONS_DIR, migrate
from app.db.pool import Database
from app.db.scans import PostgresScanStore
from app.settings import Settings
from tests.integration.db.builders import identification, picture, scan

#: Up to the last schema that had all times and candidates in JSON alone.
_OLDER = 10
_LOOK = """
SELECT s.decode_ms, s.total_ms, s.embed_ms, d.first_card_id, d.first_group, d.first_source
FROM scans s JOIN detections d ON d.scan_id = s.id
"""
_VACUUMED = """
SELECT relname FROM pg_stat_user_tables
WHERE relname IN ('scans', 'detections') AND vacuum_count > 0 ORDER BY relname
"""


@pytest.fixture
async def migrated(empty_database_url: str, tmp_path: Path, settings: Settings) -> str:
    """DSN of a database that had an answer before its last migrations."""
    folder = Path(shutil.copytree(MIGRATIONS_DIR, tmp_path / "older"))
    for path in sorted(folder.glob("*.sql"))[_OLDER:]:
        path.unlink()
    await migrate(empty_database_url, folder)
    changes = {"database_url": SecretStr(empty_database_url)}
    database = await Database.open(empty_database_url, settings.model_copy(update=changes))
    await PostgresScanStore(database).save(scan(identification()), picture("scan"), [picture("crop")], None)
    await database.close()
    assert len(await migrate(empty_database_url)) >= 1
    return empty_database_url


async def _rows(dsn: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_times_and_first_candidates_of_older_answers_are_there(migrated: str) -> None:
    first = identification().candidates[0]
    assert await _rows(migrated, _LOOK) == [(1.0, 5.25, None, first.card.card_id, 7, "official")]


async def test_what_was_written_anew_is_vacuumed(migrated: str) -> None:
    """Else figures are not counted from indexes alone: no vacuum comes by itself before much has changed."""
    assert await _rows(migrated, _VACUUMED) == [("detections",), ("scans",)]
