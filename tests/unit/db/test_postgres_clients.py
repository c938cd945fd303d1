"""Which pg_dump is used, and that no password is on its command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.db.postgres_clients import find_client, run_client, split_password
from app.db.postgres_files import POSTGRES_MAJOR, binaries_dir
from app.domain.errors import ConfigurationError, DatabaseUnavailable


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put_client(folder: Path, name: str, major: int) -> Path:
    program = folder / name
    program.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {major}.2 (Somewhere {major + 1})"\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("dsn", "url", "password"),
    [
        ("postgresql://u:p%40ss@h:5/d?sslmode=require", "postgresql://u@h:5/d?sslmode=require", "p@ss"),
        ("postgres://u@h/d?password=a+b&x=1", "postgres://u@h/d?x=1", "a b"),
        ("postgresql://u@/d?host=%2Frun%2Fa%20b", "postgresql://u@/d?host=%2Frun%2Fa%20b", None),
        ("postgresql:///d", "postgresql:///d", None),
    ],
)
def test_the_password_is_taken_out_of_the_url(dsn: str, url: str, password: str | None) -> None:
    assert split_password(dsn) == (url, password)


async def test_without_one_on_path_the_bundled_client_is_used(on_path: Path) -> None:
    assert await find_client("pg_dump", POSTGRES_MAJOR) == binaries_dir() / "pg_dump"


async def test_one_on_path_is_preferred_unless_it_is_older_than_the_server(on_path: Path) -> None:
    ours = put_client(on_path, "pg_dump", 16)
    assert await find_client("pg_dump", 16) == ours
    assert await find_client("pg_dump", 15) == ours
    assert await find_client("pg_dump", 17) == binaries_dir() / "pg_dump"


async def test_a_server_newer_than_every_client_is_refused(on_path: Path) -> None:
    put_client(on_path, "pg_dump", 16)
    with pytest.raises(ConfigurationError, match="PostgreSQL 99") as raised:
        await find_client("pg_dump", 99)
    assert "is version 16" in str(raised.value) and f"is version {POSTGRES_MAJOR}" in str(raised.value)


async def test_a_server_that_does_not_know_transaction_timeout_needs_an_older_pg_restore(
    on_path: Path,
) -> None:
    with pytest.raises(ConfigurationError, match="pg_restore of PostgreSQL 15"):
        await find_client("pg_restore", 15, restoring=True)
    older = put_client(on_path, "pg_restore", 16)
    assert await find_client("pg_restore", 15, restoring=True) == older


async def test_a_wrapper_that_has_no_version_installed_is_passed_over(on_path: Path) -> None:
    program = put_client(on_path, "pg_dump", 99)
    program.write_text("#!/bin/sh\necho 'You must install a client package' >&2; exit 1\n")
    assert await find_client("pg_dump", POSTGRES_MAJOR) == binaries_dir() / "pg_dump"


async def test_what_a_client_says_when_it_fails_is_told_in_one_line(on_path: Path) -> None:
    program = put_client(on_path, "pg_dump", 18)
    program.write_text("#!/bin/sh\nprintf 'pg_dump: error: no\\nway\\n' >&2; exit 3\n")
    with pytest.raises(DatabaseUnavailable, match=r"^pg_dump failed: pg_dump: error: no way$"):
        await run_client(program, "--version")


async def test_the_password_reaches_the_client_by_its_environment_alone(on_path: Path) -> None:
    program = put_client(on_path, "pg_dump", 18)
    program.write_text('#!/bin/sh\necho "$PGPASSWORD|$*"\n')
    out = await run_client(program, "--schema-only", dsn="postgresql://u:secret@h/d")
    assert out.strip() == "secret|--dbname postgresql://u@h/d --schema-only"
