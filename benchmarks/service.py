"""A real service in a process of its own, to be measured from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 30.0
REQUEST_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class RunningService:
    """Where it listens, which process it is, and how long it took to become ready."""

    client: httpx.Client
    pid: int
    ready_s: float


@contextmanager
def running_service(data_dir: Path, environment: Mapping[str, str] | None = None) -> Iterator[RunningService]:
    """Runs ``binderlens serve`` over an existing data folder until the block is left."""
    port = free_port()
    started = time.perf_counter()
    process = start_service(data_dir, port, environment)
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=REQUEST_TIMEOUT_S, trust_env=False
        ) as client:
            wait_until_ready(client, process)
            yield RunningService(client, process.pid, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT_S)


def start_service(
    data_dir: Path, port: int, environment: Mapping[str, str] | None = None, log: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Starts ``binderlens serve`` and waits for nothing.

    Args:
        data_dir: Of the service.
        port: It listens on.
        environment: Settings on top of the defaults.
        log: Where its log goes; None lets it write where this process does.
    """
    settings = {
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "LOG_LEVEL": "warning",
        "DATABASE_URL": "",
        "API_KEYS": "",
        **(environment or {}),
    }
    command = [sys.executable, "-m", "app", "serve"]
    variables = {**os.environ, **settings}
    return subprocess.Popen(command, env=variables, cwd=data_dir, stderr=log, stdout=log)  # noqa: S603


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    """Returns once a scan would be served.

    Raises:
        RuntimeError: the service ended, or did not become ready in time.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    detail = "no answer"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the service ended with status {process.returncode}")
        try:
            reply = client.get("/ready")
            if reply.status_code == httpx.codes.OK:
                return
            detail = reply.text
        except httpx.TransportError as error:
            detail = str(error)
        time.sleep(0.05)
    raise RuntimeError(f"the service did not become ready: {detail}")
