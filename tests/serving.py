"""A real ``binderlens serve`` in a process of its own, with its log in a file."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from app.settings import PROJECT_ROOT, Settings

START_TIMEOUT_S = 60.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """One process that serves; its settings are those given and no others."""

    def __init__(
        self, folder: Path, port: int | None = None, first: str | None = None, **settings: object
    ) -> None:
        """Starts it, on a free port where none is named; ``first`` is Python that runs in it before."""
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / f"serve-{self.port}.log"
        ours = {name.upper() for name in Settings.model_fields}
        environment = {name: value for name, value in os.environ.items() if name not in ours}
        environment |= {
            "PYTHONPATH": str(PROJECT_ROOT),
            "PORT": str(self.port),
            "DATA_DIR": str(folder / "data"),
            "LOG_FORMAT": "json",
            "ENCODER_THREADS": "1",
            **{name.upper(): str(value) for name, value in settings.items()},
        }
        program = ["-m", "app"] if first is None else ["-c", f"{first}\nfrom app.cli import main\nmain()"]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program, "serve"], cwd=folder, env=environment, stdout=log, stderr=log
            )

    @property
    def log(self) -> str:
        """Everything logged so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def ready(self, **headers: str) -> httpx.Response | None:
        """What ``/ready`` says; None while nobody answers."""
        try:
            return httpx.get(f"{self.url}/ready", timeout=10, headers=headers)
        except httpx.HTTPError:
            return None

    def wait_until(
        self, holds: Callable[[httpx.Response], bool], timeout_s: float = START_TIMEOUT_S
    ) -> httpx.Response:
        """Waits until ``/ready`` says what is wanted."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            reply = self.ready()
            if reply is not None and holds(reply):
                return reply
            time.sleep(0.1)
        raise AssertionError(f"/ready did not come to say so: {self.log[-3000:]}")

    def stop(self, timeout_s: float = 60) -> int:
        """Asks the process to stop; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)


@contextmanager
def served(folder: Path, **settings: object) -> Iterator[Served]:
    """A service that is ended in any case."""
    service = Served(folder, **settings)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.process.terminate()
            try:
                service.process.wait(30)
            except subprocess.TimeoutExpired:
                service.process.kill()
                service.process.wait(10)


def is_ready(reply: httpx.Response) -> bool:
    """Whether a scan would be served."""
    return reply.status_code == 200
