from __future__ import annotations

from pathlib import Path

import pytest

from app.db.queries import QUERIES_DIR, Queries
from app.settings import PROJECT_ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.sql").write_text(
        "-- a remark\n\n-- name: first\nSELECT 1\n\n-- name: second\n-- why\nSELECT {number}, '{number}'\n"
    )
    return tmp_path


def test_statements_are_found_by_name(folder: Path) -> None:
    queries = Queries(folder)
    assert queries["first"] == "SELECT 1"
    assert queries["second"].endswith("SELECT {number}, '{number}'")
    with pytest.raises(KeyError):
        queries["third"]


def test_placeholders_take_whole_numbers_only(folder: Path) -> None:
    queries = Queries(folder)
    assert queries.with_numbers("second", number=12).endswith("SELECT 12, '12'")
    for value in ("1; DROP TABLE cards", 1.5, True):
        with pytest.raises(TypeError, match="number must be an int"):
            queries.with_numbers("second", number=value)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        queries.with_numbers("second")


def test_a_name_used_twice_is_refused(folder: Path) -> None:
    (folder / "two.sql").write_text("-- name: first\nSELECT 2\n")
    with pytest.raises(ValueError, match="first is defined twice"):
        Queries(folder)


def test_sql_without_a_name_is_refused(folder: Path) -> None:
    (folder / "two.sql").write_text("SELECT 2\n-- name: third\nSELECT 3\n")
    with pytest.raises(ValueError, match="before the first"):
        Queries(folder)


def test_every_statement_of_the_product_is_used() -> None:
    code = "\n".join(path.read_text() for path in (PROJECT_ROOT / "app" / "db").glob("*.py"))
    names = set(Queries(QUERIES_DIR)._statements)
    assert len(names) > 40
    assert [name for name in sorted(names) if f'"{name}"' not in code] == []
