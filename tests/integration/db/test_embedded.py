"""The embedded server: shared by processes, taken over after a kill, started again when it dies."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import asyncpg
import pytest

from app.db.connect import open_database
from app.db.embedded import EmbeddedPostgres
from app.db.postgres_files import processes_in
from app.domain.errors import ConfigurationError, DatabaseUnavailable
from app.settings import Settings
from tests.database import FAST_SETTINGS

#: Another process that uses the server until its standard input is closed.
USER_PROGRAM = """
import sys
from pathlib import Path
from urllib.parse import unquote
from app.db.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), {"fsync": "off"})
server.start()
print("started", flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def another_user(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", USER_PROGRAM, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def initialised() -> Iterator[Path]:
    """A DATA_DIR whose server was started once: copying it is faster than initdb."""
    folder = Path(tempfile.mkdtemp(prefix="binderlens-data-"))
    first = EmbeddedPostgres(folder, FAST_SETTINGS)
    first.start()
    first.stop()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data_dir(initialised: Path) -> Iterator[Path]:
    """A DATA_DIR of this test's own; not below pytest's folder, see tests/conftest.py."""
    folder = Path(tempfile.mkdtemp(prefix="binderlens-data-"))
    subprocess.run(["cp", "-a", f"{initialised}/.", str(folder)], check=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    embedded = EmbeddedPostgres(data_dir, FAST_SETTINGS)
    yield embedded
    embedded.start()  # also takes over what a test left running
    embedded.stop()


def postmaster_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def server_processes(data_dir: Path) -> list[int]:
    return processes_in(data_dir / "postgres")


def wait_until(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def query(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def ask(server: EmbeddedPostgres, sql: str) -> object:
    return asyncio.run(query(server.dsn, sql))


def test_it_starts_keeps_its_data_and_stops(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    server.start()
    ask(server, "CREATE TABLE kept AS SELECT 7 AS number")
    assert str(ask(server, "SHOW server_version")).startswith("18.")
    server.stop()
    server.stop()
    assert server_processes(data_dir) == []
    server.start()
    assert ask(server, "SELECT number FROM kept") == 7


def test_it_listens_on_its_unix_socket_alone(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    assert ask(server, "SHOW listen_addresses") == ""
    assert (data_dir / "postgres").stat().st_mode & 0o077 == 0


def test_the_last_of_two_processes_stops_it(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    with another_user(data_dir) as other:
        server.stop()
        assert ask(server, "SELECT 1") == 1
        other.communicate("")
    assert server_processes(data_dir) == []


def test_two_processes_that_start_at_once_share_one_server(server: EmbeddedPostgres, data_dir: Path) -> None:
    with another_user(data_dir) as first, another_user(data_dir) as second:
        pid = postmaster_pid(data_dir)
        first.communicate("")
        assert postmaster_pid(data_dir) == pid
        second.communicate("")
    assert server_processes(data_dir) == []


def test_a_killed_user_leaves_nothing_stuck(server: EmbeddedPostgres, data_dir: Path) -> None:
    with another_user(data_dir) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert server_processes(data_dir) != []
    server.start()
    assert ask(server, "SELECT 1") == 1
    server.stop()
    assert server_processes(data_dir) == []


def test_a_killed_server_is_revived_with_its_data(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    assert server.revive() is False
    ask(server, "CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(postmaster_pid(data_dir), signal.SIGKILL)
    wait_until(lambda: not server_processes(data_dir))
    assert server.revive() is True
    assert ask(server, "SELECT number FROM kept") == 7


def test_a_pid_file_that_names_another_program_is_no_obstacle(
    server: EmbeddedPostgres, data_dir: Path
) -> None:
    server.start()
    server.stop()
    stale = data_dir / "postgres" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{data_dir}/postgres\n1700000000\n5432\n\n\n\nready\n")
    server.start()
    assert ask(server, "SELECT 1") == 1


async def test_the_service_gets_its_database_back_after_the_server_was_killed(data_dir: Path) -> None:
    settings = Settings(_env_file=None, database_url=None, data_dir=data_dir)
    async with open_database(settings) as database:
        async with database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM cards") == 0
        os.kill(postmaster_pid(data_dir), signal.SIGKILL)
        outages = 0
        async with asyncio.timeout(60):
            while True:
                try:
                    async with database.connection() as connection:
                        await connection.fetchval("SELECT count(*) FROM cards")
                    if outages:
                        break
                except DatabaseUnavailable:
                    outages += 1
                await asyncio.sleep(0.05)
    assert server_processes(data_dir) == []


def test_data_of_another_major_version_is_refused(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    server.stop()
    version = data_dir / "postgres" / "PG_VERSION"
    version.write_text("16\n")
    with pytest.raises(ConfigurationError, match="made by PostgreSQL 16, this version carries 18"):
        server.start()
    version.write_text("18\n")


def test_an_interrupted_initialisation_is_done_again(server: EmbeddedPostgres, data_dir: Path) -> None:
    shutil.rmtree(data_dir / "postgres")
    half_made = data_dir / "postgres.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    server.start()
    assert ask(server, "SELECT 1") == 1


def test_a_folder_with_a_long_path_is_served_from_a_shorter_one(data_dir: Path) -> None:
    long = data_dir / ("long" * 30)
    long.mkdir()
    (data_dir / "postgres").rename(long / "postgres")
    server = EmbeddedPostgres(long, FAST_SETTINGS)
    server.start()
    try:
        assert ask(server, "SELECT 1") == 1
        socket_dir = Path(unquote(server.dsn.partition("host=")[2]))
        assert socket_dir.parent == Path("/tmp")
    finally:
        server.stop()
    assert not socket_dir.exists()


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        ("pg_wal/0*", "could not locate a valid checkpoint record"),
        ("pg_xact/0*", "could not access status of transaction"),
        ("global/pg_control", "postgres: could not find the database system .* could not open file"),
    ],
)
def test_a_start_that_fails_is_explained_by_what_it_wrote_itself(
    gone: str, reason: str, data_dir: Path
) -> None:
    with (data_dir / "postgres" / "server.log").open("a") as older:
        older.write('2026-01-01 00:00:00.000 UTC [1] FATAL:  role "somebody" does not exist\n')
    for file in (data_dir / "postgres").glob(gone):
        file.unlink()
    with pytest.raises(DatabaseUnavailable, match=f"PostgreSQL does not start: {reason}"):
        EmbeddedPostgres(data_dir, FAST_SETTINGS).start()


def test_a_data_dir_that_cannot_be_made_is_refused_clearly(data_dir: Path) -> None:
    (data_dir / "file").write_text("")
    with pytest.raises(ConfigurationError, match="DATA_DIR"):
        EmbeddedPostgres(data_dir / "file" / "below").start()
