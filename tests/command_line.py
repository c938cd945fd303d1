"""Runs the command line in this process, as a shell would: arguments in; exit status and text out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from app.cli import main
from app.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of a failed command; fails where there is not exactly one."""
        assert self.status == 1, f"status {self.status}: {self.out}{self.err}"
        [line] = self.err.splitlines()
        assert line.startswith("binderlens: ")
        return line.removeprefix("binderlens: ")


class CommandLine:
    """Calls ``binderlens`` with arguments, in a folder and an environment of the test's own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def setenv(self, **values: object) -> None:
        for name, value in values.items():
            self._monkeypatch.setenv(name, str(value))

    def __call__(self, *args: object) -> Outcome:
        self._monkeypatch.setattr(sys, "argv", ["binderlens", *map(str, args)])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main()
        out, err = self._capsys.readouterr()
        return Outcome(int(exited.value.code or 0), out, err)


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[CommandLine]:
    """``binderlens`` without any setting but DATA_DIR; what it does to the log is undone."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)  # parallel runs of pytest set it for their workers
    monkeypatch.chdir(tmp_path)  # where no .env is
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield CommandLine(capsys, monkeypatch)
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
