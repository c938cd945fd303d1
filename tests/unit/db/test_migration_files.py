from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from app.db.migrate import read_migrations
from app.domain.errors import MigrationError


def test_files_are_read_in_order_with_their_hash(tmp_path: Path) -> None:
    (tmp_path / "0002_second.sql").write_text("SELECT 2;")
    (tmp_path / "0001_first.sql").write_text("SELECT 1;")
    (tmp_path / "README.md").write_text("not a migration")
    first, second = read_migrations(tmp_path)
    assert (first.version, first.name, first.sql) == (1, "first", "SELECT 1;")
    assert (second.version, second.sha256) == (2, hashlib.sha256(b"SELECT 2;").hexdigest())


@pytest.mark.parametrize("name", ["1_short.sql", "0001-dash.sql", "first.sql"])
def test_a_misnamed_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(MigrationError, match="is not named like"):
        read_migrations(tmp_path)


@pytest.mark.parametrize(
    "names", [["0002_a.sql"], ["0001_a.sql", "0003_b.sql"], ["0001_a.sql", "0001_b.sql"]]
)
def test_gaps_and_doubles_are_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(MigrationError, match="not 1, 2, 3"):
        read_migrations(tmp_path)
