"""A service that may be killed, with its log, its database's processes and its memory in reach."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.service import free_port, start_service, wait_until_ready

#: Shorter than the default, so that a request that hangs is seen within a bounded time.
REQUEST_TIMEOUT_MS = 10_000
STATEMENT_TIMEOUT_MS = 2_000
#: A request may take as long as its deadline says; then the answer has to come within five seconds.
LONGEST_REQUEST_S = REQUEST_TIMEOUT_MS / 1000.0 + 5.0
_SETTINGS = {
    "REQUEST_TIMEOUT_MS": str(REQUEST_TIMEOUT_MS),
    "STATEMENT_TIMEOUT_MS": str(STATEMENT_TIMEOUT_MS),
    # Limits of one caller are not what is measured here.
    "CORRECTIONS_PER_DAY": "1000000",
}
#: As long as the compose file gives it (docs/operations.md says what may take how long).
STOP_TIMEOUT_S = 60.0
_READY_TIMEOUT_S = 60.0
_TRACEBACK_LINES = 120


class Served:
    """``binderlens serve`` over one data folder, on one port through all its lives.

    Args:
        data_dir: Of the service; its log lies beside it.
        environment: Settings on top of those of the suite.
    """

    def __init__(self, data_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.log_path = data_dir.parent / "service.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)
        self._environment = {**_SETTINGS, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process of its present life."""
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Starts it and waits for nothing."""
        with self.log_path.open("ab") as log:
            self._process = start_service(self.data_dir, self.port, self._environment, log)

    def wait_until_ready(self) -> float:
        """Returns after how many seconds a scan would be served."""
        started = time.perf_counter()
        wait_until_ready(self.client, self.process)
        return time.perf_counter() - started

    def seconds_to_ready(self) -> float | None:
        """Seconds until ``/ready`` says yes; None where it does not within a minute."""
        started = time.perf_counter()
        while time.perf_counter() - started < _READY_TIMEOUT_S:
            try:
                if self.client.get("/ready").status_code == httpx.codes.OK:
                    return time.perf_counter() - started
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        return None

    def kill(self) -> None:
        """Ends it as a crash would; the database stays."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ends it in good order, where it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        self.client.close()

    def stop_and_start_again(self) -> None:
        """Another life in good order."""
        self.process.terminate()
        self.process.wait(STOP_TIMEOUT_S)
        self.start()
        self.wait_until_ready()

    def postmaster(self) -> int:
        """Process id of the embedded database."""
        return int((self.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])

    def kill_database(self) -> bool:
        """Ends the database as a crash would; whether there was one."""
        try:
            os.kill(self.postmaster(), signal.SIGKILL)
        except (OSError, IndexError, ValueError):
            return False
        return True

    def anonymous_mb(self) -> float:
        """Anonymous memory of the service in megabytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return int(fields["RssAnon"].split()[0]) * 1024 / 1e6

    def descriptors_and_threads(self) -> tuple[int, int]:
        """How many files it holds open, and how many threads it has."""
        process = Path(f"/proc/{self.process.pid}")
        return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))

    def faults_in_log(self) -> list[str]:
        """What the log tells of our own faults: what became a 500, or broke a task; each with its error."""
        text = self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""
        lines = text.splitlines()
        signs = ("unmapped_error", "Task exception was never retrieved", "Exception in ASGI", "_failed")
        found = []
        for index, line in enumerate(lines):
            if "[error" in line and any(sign in line for sign in signs):
                after = lines[index + 1 : index + _TRACEBACK_LINES]
                raised = (one for one in after if one[:1].isalpha() and not one.startswith("Traceback"))
                found.append(f"{line[:200]}: {next(raised, '')[:200]}")
        return found


@contextmanager
def serving(data_dir: Path, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """A ready service, stopped at the end."""
    served = Served(data_dir, environment)
    served.start()
    try:
        served.wait_until_ready()
        yield served
    finally:
        served.stop()
