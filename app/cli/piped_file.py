"""A file that a command has to read more than once, although it may come through a pipe."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.domain.errors import ConfigurationError

_STANDARD_INPUT = (Path("-"), Path("/dev/stdin"), Path("/dev/fd/0"), Path("/proc/self/fd/0"))
_CHUNK_BYTES = 1_048_576


@contextmanager
def readable_twice(path: Path) -> Iterator[Path]:
    """The file itself; of a pipe, or of standard input (``-``), a copy that is gone at the end.

    The copy lies where temporary files do (``TMPDIR``), readable by its owner alone. What is not there is
    passed on as it is: whoever reads it says so.

    Raises:
        ConfigurationError: standard input is a terminal, or there is no room for the copy.
    """
    is_standard_input = path in _STANDARD_INPUT
    if is_standard_input and os.isatty(0):
        raise ConfigurationError("standard input is a terminal; name a file, or send one through a pipe")
    if not (is_standard_input or _is_stream(path)):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="binderlens-") as folder:
        copy = Path(folder) / ("standard-input" if is_standard_input else path.name)
        try:
            # Standard input by its number: by its name it cannot be opened where it is a socket.
            pipe = os.fdopen(os.dup(0), "rb") if is_standard_input else path.open("rb")
            with pipe, copy.open("xb") as file:
                shutil.copyfileobj(pipe, file, _CHUNK_BYTES)
        except OSError as error:
            raise ConfigurationError(
                f"cannot copy {path} to {folder}: {error.strerror}; TMPDIR names another place"
            ) from error
        yield copy


def _is_stream(path: Path) -> bool:
    """Whether it can be read once, and by nobody else: a pipe, a device, or a descriptor of this process."""
    if path.is_relative_to("/dev/fd") or path.is_relative_to("/proc/self/fd"):
        return path.exists()
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
