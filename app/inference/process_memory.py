"""What Linux says about this process's memory, and about the limit it lives under.

Sources: proc_pid_status(5); the kernel's documentation of control groups, v1 (``memory``) and v2.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

#: cgroup v1 says "no limit" by the largest page-aligned 63-bit number; nothing real comes near half of it.
_UNLIMITED_FROM_BYTES = 1 << 62

_STATUS_PATH = Path("/proc/self/status")
_CGROUP_PATH = Path("/proc/self/cgroup")
_CGROUP_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Memory of this process, in bytes.

    ``anonymous_bytes`` includes shared anonymous memory; ``file_bytes`` are pages of files, such as mapped
    weights.
    """

    rss_bytes: int
    anonymous_bytes: int
    file_bytes: int
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """A limit, and how much of it is used: both in bytes, files' pages not counted."""

    limit_bytes: int
    read_used_bytes: Callable[[], int]


def read_process_memory(path: Path = _STATUS_PATH) -> ProcessMemory:
    """Reads ``/proc/self/status``; where there is none (macOS), the peak is all that is known."""
    kib = 1024
    try:
        fields = _read_numbers(path.read_text(encoding="ascii", errors="replace").replace(":", " "))
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak_bytes = peak if sys.platform == "darwin" else peak * kib  # getrusage(2) of each
        return ProcessMemory(peak_bytes, peak_bytes, 0, peak_bytes)
    return ProcessMemory(
        rss_bytes=fields["VmRSS"] * kib,
        anonymous_bytes=(fields["RssAnon"] + fields["RssShmem"]) * kib,
        file_bytes=fields["RssFile"] * kib,
        peak_rss_bytes=fields["VmHWM"] * kib,
    )


def find_limit(memory_limit_bytes: int) -> MemoryLimit | None:
    """The limit to keep: the setting, else the cgroup's, else none.

    Under the setting this process alone is counted. Under a cgroup everything in it is, since the kernel
    would kill for the sum: the embedded database too. Outside Linux there is none: what this process uses now
    cannot be read there.

    Args:
        memory_limit_bytes: The setting ``MEMORY_LIMIT_MB`` in bytes; 0 asks the cgroup.
    """
    if memory_limit_bytes:
        if not _STATUS_PATH.exists():
            # A peak never falls: held against the limit, it would refuse scans for ever after one large one.
            structlog.get_logger().warning("memory_limit_not_kept", reason="no /proc/self/status here")
            return None
        return MemoryLimit(memory_limit_bytes, lambda: read_process_memory().anonymous_bytes)
    return find_cgroup_limit()


def find_cgroup_limit(cgroup_path: Path = _CGROUP_PATH, root: Path = _CGROUP_ROOT) -> MemoryLimit | None:
    """The lowest memory limit of the control groups this process is in; None where none is limited.

    Args:
        cgroup_path: ``/proc/self/cgroup``.
        root: Where the control groups are mounted.
    """
    try:
        lines = cgroup_path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    limits: list[MemoryLimit] = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:
            limits += _limits_upwards(root, group, "memory.max", ("anon", "shmem"))
        elif "memory" in controllers.split(","):
            limits += _limits_upwards(
                root / "memory", group, "memory.limit_in_bytes", ("total_rss", "total_shmem")
            )
    return min(limits, key=lambda limit: limit.limit_bytes, default=None)


def _limits_upwards(
    mount: Path, group: str, limit_name: str, used_names: tuple[str, ...]
) -> list[MemoryLimit]:
    """Limits from a group up to the mount; inside a container the group's path may lie outside the mount."""
    own = mount / group.strip("/")
    folders = [own, *own.parents] if own.is_dir() else [mount]
    limits: list[MemoryLimit] = []
    for folder in folders:
        if not folder.is_relative_to(mount):
            break
        limit_bytes = _read_limit(folder / limit_name)
        if limit_bytes is not None:
            limits.append(MemoryLimit(limit_bytes, _reader_of_used_bytes(folder / "memory.stat", used_names)))
    return limits


def _read_limit(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    if not text.isdigit() or int(text) >= _UNLIMITED_FROM_BYTES:  # v2 writes "max"
        return None
    return int(text)


def _reader_of_used_bytes(stat_path: Path, names: tuple[str, ...]) -> Callable[[], int]:
    def read_used_bytes() -> int:
        try:
            numbers = _read_numbers(stat_path.read_text(encoding="ascii"))
        except OSError:
            return read_process_memory().anonymous_bytes
        return sum(numbers.get(name, 0) for name in names)

    return read_used_bytes


def _read_numbers(text: str) -> dict[str, int]:
    """Lines ``name number ...`` as a dictionary; other lines are left out."""
    rows = (line.split() for line in text.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) >= 2 and row[1].isdigit()}
