"""Many pictures, several at a time: which ones, in what order, and how a run ends before its last one."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.cli.overlay import is_own_picture
from app.cli.wiring import read_file
from app.domain.errors import (
    BinderlensError,
    Busy,
    ConfigurationError,
    DeadlineExceeded,
    InvalidInput,
    MemoryTight,
)
from app.domain.types import ScanResult
from app.services.identify import IdentifyOptions
from app.services.runtime import Runtime

#: Endings of the formats that are read; in a folder other files are passed over, but not when they are named.
PICTURE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif"})
#: How often a picture is tried for which there was no room in memory just then.
_ATTEMPTS: Final = 5

_DIGITS: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of one picture.

    Attributes:
        path: Of the picture.
        data: Its bytes; none where they could not be read or need not be kept.
        result: None where there is none.
        was_done: Whether it needed no look, since an earlier run has its answer.
        trouble: Why there is no answer, in one line.
    """

    path: Path
    data: bytes = b""
    result: ScanResult | None = None
    was_done: bool = False
    trouble: str | None = None


def find_pictures(paths: Sequence[Path]) -> list[Path]:
    """The pictures that somebody named, with those of folders and of the folders in them, in natural order.

    In folders, what an earlier run has drawn is passed over.

    Args:
        paths: Pictures and folders. What is named stays in its place, whatever it is.

    Raises:
        ConfigurationError: a folder cannot be read or has no picture.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(_inside(path), key=natural_key)
        if not inside:
            raise ConfigurationError(f"{path} has no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})")
        found += inside
    return found


def natural_key(path: Path) -> list[list[tuple[int, int, str]]]:
    """Sorts as people count: page 2 before page 10, and all of a folder together."""
    parts = (_DIGITS.split(part.casefold()) for part in path.parts)
    return [[(1, int(text), "") if text.isdecimal() else (0, 0, text) for text in part] for part in parts]


async def identify_each(
    runtime: Runtime,
    paths: Sequence[Path],
    options: IdentifyOptions,
    take: Callable[[Looked], None],
    *,
    is_done: Callable[[Path, str], bool] = lambda _path, _sha256: False,
) -> bool:
    """Identifies pictures, as many at a time as there are permits, and hands them on in their order.

    Args:
        runtime: The wired service.
        paths: The pictures.
        options: How many candidates, and what evidence.
        take: Gets each picture, also those that failed.
        is_done: Whether a picture with these bytes (SHA-256) needs no look.

    Returns:
        False where somebody interrupted it; what was begun then is still handed on.
    """
    waiting, begun = iter(paths), deque[asyncio.Task[Looked]]()
    with _interruptible() as is_interrupted:
        try:
            while True:
                while len(begun) < runtime.admission.permits and not is_interrupted():
                    path = next(waiting, None)
                    if path is None:
                        break
                    begun.append(asyncio.create_task(_look(runtime, path, options, is_done)))
                if not begun:
                    return next(waiting, None) is None
                take(await begun.popleft())
        finally:
            for task in begun:
                task.cancel()
            await asyncio.gather(*begun, return_exceptions=True)


async def _look(
    runtime: Runtime, path: Path, options: IdentifyOptions, is_done: Callable[[Path, str], bool]
) -> Looked:
    try:
        data = await asyncio.to_thread(read_file, path)
        if is_done(path, hashlib.sha256(data).hexdigest()):
            return Looked(path, was_done=True)
        return Looked(path, data, await _identified(runtime, data, options))
    except ConfigurationError as error:
        return Looked(path, trouble=str(error))
    except (InvalidInput, DeadlineExceeded, Busy, MemoryTight) as error:
        return Looked(path, trouble=f"{path}: {error}")


async def _identified(runtime: Runtime, data: bytes, options: IdentifyOptions) -> ScanResult:
    """Waits for room where there is none: the pictures beside this one take memory for a moment only."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with runtime.identify.admission():
                result, _ = await runtime.identify.identify(data, options)
            return result
        except (Busy, MemoryTight) as error:
            if attempt == _ATTEMPTS:
                raise
            await asyncio.sleep(_pause_s(error))
    raise AssertionError("the last attempt returns or raises")


def _pause_s(error: BinderlensError) -> float:
    return float(error.retry_after_s or 1)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Yields whether somebody has asked to stop; whoever asks twice is not kept waiting."""
    loop = asyncio.get_running_loop()
    asked: list[signal.Signals] = []

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def leave_to_others(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        signal.signal(number, before[number])

    def ask(number: signal.Signals) -> None:
        asked.append(number)
        leave_to_others(number)

    for number in before:
        loop.add_signal_handler(number, ask, number)
    try:
        yield lambda: bool(asked)
    finally:
        for number in before:
            leave_to_others(number)


def _inside(folder: Path) -> Iterator[Path]:
    """Pictures below a folder; what is hidden is passed over, as by a shell, and what was drawn here."""

    def refuse(error: OSError) -> None:
        raise ConfigurationError(f"cannot read {error.filename}: {error.strerror}") from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        here = Path(place)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.startswith(".") or Path(name).suffix.lower() not in PICTURE_SUFFIXES:
                continue
            if not is_own_picture(here / name):
                yield here / name
