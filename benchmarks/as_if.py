"""``python -m benchmarks.as_if FLAG COMMAND ...``: as if the processor had an instruction that it lacks.

int8 is refused where its instruction is missing (``app.inference.precision``), but that a service stays below
a limit of memory can be tried there, too. Here the command, and it alone, sees another ``/proc/cpuinfo``: one
with that flag, and with a model name that says so, which results carry along. What computes asks the
processor itself and takes its slow way: of time and of vectors this shows nothing, and weights may lie in
memory in another order. Needs root, as any mount does. For instance::

    python -m benchmarks.as_if avx_vnni python -m benchmarks.chaos --only memory-limit-large
"""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
_MARK = " (as if it had "
# include/uapi/linux/mount.h; Python 3.12 has os.unshare, and no version has mount.
_CLONE_NEWNS = 0x00020000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000


def with_flag(cpuinfo: str, flag: str) -> str:
    """The text of a processor that has ``flag`` too and says that it pretends; unchanged where it has it.

    Raises:
        ValueError: the text names no flags, as that of other architectures does not.
    """
    lines = cpuinfo.splitlines()
    flags = [line.split() for line in lines if line.startswith("flags")]
    if not flags:
        raise ValueError(f"{CPUINFO} names no flags that {flag} could be added to")
    if all(flag in line for line in flags):
        return cpuinfo
    return "\n".join(_changed(line, flag) for line in lines) + "\n"


def pretends() -> bool:
    """Whether this process was started by this module and sees a processor that is not there."""
    return _MARK in CPUINFO.read_text()


def _changed(line: str, flag: str) -> str:
    if line.startswith("flags"):
        return f"{line} {flag}"
    if line.startswith("model name"):
        return f"{line}{_MARK}{flag})"
    return line


def show_instead(pretended: Path, real: Path) -> None:
    """Lays a file over another one, for this process and those that it starts.

    Raises:
        OSError: this process may not mount.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    calls = (
        functools.partial(libc.unshare, _CLONE_NEWNS),
        # Private, or the mount would be seen outside.
        functools.partial(libc.mount, b"none", b"/", None, _MS_REC | _MS_PRIVATE, None),
        functools.partial(libc.mount, os.fsencode(pretended), os.fsencode(real), None, _MS_BIND, None),
    )
    for call in calls:
        if call() != 0:
            raise OSError(ctypes.get_errno(), f"{real} cannot be shown otherwise here")


def main() -> None:
    """Becomes the command."""
    flag, *command = sys.argv[1:] or [""]
    if not flag or not command or shutil.which(command[0]) is None:
        sys.exit(f"{__doc__}\nNot given: a flag and a command that is there")
    with tempfile.NamedTemporaryFile("w", prefix="cpuinfo-") as pretended:
        pretended.write(with_flag(CPUINFO.read_text(), flag))
        pretended.flush()
        os.fchmod(pretended.fileno(), 0o444)  # of /proc/cpuinfo: other users, as the database's, read it
        show_instead(Path(pretended.name), CPUINFO)
    # What is mounted outlives its name.
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
