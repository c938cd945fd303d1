"""File locks between processes: held by the kernel, so a killed process never leaves one behind."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.domain.errors import ConfigurationError, DatabaseUnavailable

_POLL_INTERVAL_S = 0.05


def open_lock_file(path: Path) -> int:
    """Opens (and makes) a lock file; the descriptor is closed in programs this process starts."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}; check DATA_DIR") from error


@contextmanager
def exclusive(path: Path, timeout_s: float) -> Iterator[None]:
    """Holds the lock at ``path`` alone.

    Raises:
        DatabaseUnavailable: another process held it for ``timeout_s`` seconds.
    """
    descriptor = open_lock_file(path)
    try:
        deadline = time.monotonic() + timeout_s
        while not try_exclusive(descriptor):
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"another process has held {path} for {timeout_s:.0f} s")
            time.sleep(_POLL_INTERVAL_S)
        yield
    finally:
        os.close(descriptor)


def try_exclusive(descriptor: int) -> bool:
    """Takes the lock alone if nobody else holds it in any way; a shared hold of ``descriptor`` is turned."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def share(descriptor: int) -> None:
    """Holds the lock together with others; the caller sees to it that nobody holds it alone for long."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)
