"""Files that others name: found below one folder, and nowhere else."""

from __future__ import annotations

import stat
from pathlib import Path


class FileAbsent(ValueError):
    """There is no such file, where there might be one."""


def file_below(folder: Path, relative: str, what: str) -> Path:
    """The file that ``relative`` names below a folder; links are followed, but not out of it.

    Args:
        folder: Resolved already.
        relative: As it was written by somebody.
        what: What the folder holds, for the reason.

    Raises:
        FileAbsent: it is not there.
        ValueError: it lies outside, is no regular file, or cannot be looked at.
    """
    try:
        path = (folder / relative).resolve()
        if not path.is_relative_to(folder):
            raise ValueError(f"{what} {relative} lies outside the folder of {what}s")
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError(f"{what} {relative} is not a file")
    except (FileNotFoundError, NotADirectoryError):
        raise FileAbsent(f"{what} {relative} is not there") from None
    except (
        OSError,
        RuntimeError,
    ) as error:  # too long a name, a folder that may not be read, a ring of links
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"{what} {relative} cannot be read: {reason}") from error
    return path
