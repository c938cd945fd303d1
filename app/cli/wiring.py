"""How commands get at the service: settings, an event loop, the wired runtime.

torch and the database driver are imported only when a command needs them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.domain.errors import ConfigurationError
from app.settings import Settings

if TYPE_CHECKING:
    from app.services.runtime import Runtime

T = TypeVar("T")

_PIPED_COLUMNS = 160


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, with what the command line says on top.

    Raises:
        ConfigurationError: a value is out of its range; the line names the setting.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        name = f"{str(first['loc'][0]).upper()}: " if first["loc"] else ""
        raise ConfigurationError(f"{name}{message}") from error


def run_with_runtime(
    work: Callable[[Runtime], Awaitable[T]], settings: Settings | None = None, *, use_fitted: bool = True
) -> T:
    """Opens the wired service (``use_fitted``: see ``open_runtime``), does the work and closes it again."""
    from app.main import open_runtime, prepare_process

    chosen = settings or load_settings()
    prepare_process(chosen, quiet=True)

    async def _run() -> T:
        async with open_runtime(chosen, use_fitted=use_fitted) as runtime:
            return await work(runtime)

    return asyncio.run(_run())


def progress_bar(console: Console, *, enabled: bool = True) -> Progress:
    """A progress bar with count and time left, for terminals alone: in a file or a log it would be noise."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not (enabled and console.is_terminal),
        redirect_stdout=False,  # what goes to a file or a pipe must not end up above the bar
    )


def task_of(progress: Progress, description: str) -> Callable[[int, int], None]:
    """A line of a progress bar that shows itself when it is first told how much of how much is done."""
    task = progress.add_task(description, total=None, visible=False)
    return lambda done, total: progress.update(task, completed=done, total=total, visible=True)


def error_console() -> Console:
    """Standard error, for progress and remarks; a remark stays one line, however narrow the terminal."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def table_console() -> Console:
    """Standard output for tables: as wide as the terminal; in a file or pipe, as wide as they need."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=_PIPED_COLUMNS)


def write_text(path: Path, text: str) -> None:
    """Writes a file that the user named. Raises ConfigurationError where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def read_file(path: Path) -> bytes:
    """The bytes of a file that the user named. Raises ConfigurationError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
