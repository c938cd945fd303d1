"""A service in which something hangs: it ends in time, says so, and leaves no database behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.db.postgres_files import processes_in
from tests.serving import Served, served

LIMIT_S = 5.0
#: To start the last words, to end the process, and a busy machine.
GRACE_S = 5.0

SHORT = f"""
import asyncio, sys, time
from app.cli import ending
from app.inference import runner
ending.END_LIMIT_S = {LIMIT_S}
runner.CLOSE_TIMEOUT_S = 1.0
"""
ENCODER_HANGS = """
def load(self):
    print('{"event": "hangs"}', file=sys.stderr, flush=True)
    time.sleep(3600)

runner.EncoderRunner._load_and_warm_up = load
"""
CLOSING_HANGS = """
async def close(self):
    await asyncio.sleep(3600)

runner.EncoderRunner.close = close
"""


def wait_for_event(service: Served, event: str) -> Path:
    """Returns the folder of its database's cluster, which runs."""
    deadline = time.monotonic() + 90
    while not service.events(event):
        assert service.process.poll() is None, service.log
        assert time.monotonic() < deadline, service.log
        time.sleep(0.1)
    cluster = (service.log_path.parent / "data" / "postgres").resolve()
    assert processes_in(cluster)
    return cluster


def wait_until_gone(cluster: Path) -> None:
    deadline = time.monotonic() + 20
    while processes_in(cluster):
        assert time.monotonic() < deadline, "the embedded server outlives the service"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("hangs", "event", "named"),
    [(ENCODER_HANGS, "hangs", "encoder"), (CLOSING_HANGS, "ready", "startup")],
    ids=["a thread", "closing"],
)
def test_a_service_in_which_something_hangs_ends_in_time_and_takes_its_database_along(
    hangs: str, event: str, named: str, tmp_path: Path
) -> None:
    with served(tmp_path, first=SHORT + hangs) as service:
        cluster = wait_for_event(service, event)
        asked = time.monotonic()
        assert service.stop(LIMIT_S + GRACE_S) == 1
        assert time.monotonic() - asked >= LIMIT_S - 0.5
        (last,) = service.events("shutdown_incomplete")
        assert any(named in one for one in last["threads"] + last["tasks"]), last
        wait_until_gone(cluster)


def test_a_service_in_which_nothing_hangs_does_not_wait_for_its_time_to_be_over(tmp_path: Path) -> None:
    with served(tmp_path, first=SHORT.replace(str(LIMIT_S), "30.0")) as service:
        cluster = wait_for_event(service, "ready")
        asked = time.monotonic()
        assert service.stop(25) == 0
        assert time.monotonic() - asked < 20
        assert service.events("shutdown_incomplete") == []
        assert not processes_in(cluster)
