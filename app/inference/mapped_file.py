"""A file that a library has mapped into memory, whose pages are given back once they have been read."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

_MADV_DONTNEED = 4  # <asm-generic/mman-common.h>

#: Seconds between releases while a library reads on: what it packs in between, some megabytes, is all that
#: is resident twice.
_RELEASE_EVERY_S = 0.005

Range = tuple[int, int]
"""Address and size in bytes."""

#: One claim at a time: what appears meanwhile belongs to the block that holds it.
_claiming = threading.Lock()


class MappedFile:
    """Read-only mappings of one file, made within one block; made by ``made_within``.

    OpenVINO maps weights, packs them into the layout of its kernels and keeps the mapping, so that what it
    has read once stays resident beside the packed copy. A page given back is read again from the file if it
    is ever needed. The owner must keep the mappings for as long as it calls ``release``: once they are gone,
    something else may lie at their addresses, and a release would make zeros of it. OpenVINO 2026.4 unmaps
    when the compiled graph ends and not before, and gives parts back in the same way itself (seen by strace).
    """

    def __init__(self) -> None:
        self.ranges: tuple[Range, ...] = ()

    @classmethod
    @contextlib.contextmanager
    def made_within(cls, path: Path, maps: Path = Path("/proc/self/maps")) -> Iterator[MappedFile]:
        """Has the mappings that the block makes: others of the same file have other owners.

        There are none until the block has ended, nor where it raises. Blocks wait for each other, in all
        threads, and must not be nested.

        Args:
            path: The file. Where the system does not say what is mapped (macOS), there are no mappings.
            maps: Linux' list of this process's mappings.
        """
        mapped, file = cls(), path.resolve()
        with _claiming:
            before = _read_only_ranges(file, maps)
            yield mapped
            # By address, not by range: the kernel may list as pieces what it listed whole before.
            mapped.ranges = tuple(
                new
                for new in _read_only_ranges(file, maps)
                if not any(start <= new[0] < start + size for start, size in before)
            )

    @property
    def mapped_bytes(self) -> int:
        """Size of all mappings, resident or not."""
        return sum(size for _, size in self.ranges)

    def release(self) -> None:
        """Gives the resident pages back; takes microseconds where there are none."""
        for start, size in self.ranges:
            _libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), _MADV_DONTNEED)

    @contextlib.contextmanager
    def releasing_periodically(self) -> Iterator[None]:
        """Releases every few milliseconds, from a thread, until the block ends or fails."""
        finished = threading.Event()
        thread = threading.Thread(
            target=self._release_until, args=(finished,), name="weights-release", daemon=True
        )
        try:
            if self.ranges:
                with contextlib.suppress(RuntimeError):  # no more threads: then pages stay until the end
                    thread.start()
            yield
        finally:
            finished.set()
            if thread.ident is not None:
                thread.join()

    def _release_until(self, finished: threading.Event) -> None:
        while not finished.wait(_RELEASE_EVERY_S):
            self.release()


@functools.cache
def _libc() -> ctypes.CDLL:
    """Opened once: each ``CDLL`` makes a class of its own, which lies in a cycle until it is collected."""
    return ctypes.CDLL(None)


def _read_only_ranges(path: Path, maps: Path) -> list[Range]:
    """Addresses and sizes in bytes, from lines such as ``7f00-7f10 r--s 00000000 08:01 1234 /the/file``."""
    ranges: list[Range] = []
    if sys.platform != "linux":
        return ranges
    try:
        lines = maps.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except OSError:
        return ranges
    for line in lines:
        addresses, _, rest = line.partition(" ")
        if rest.endswith(f" {path}") and "w" not in rest.split()[0]:
            start, end = (int(address, 16) for address in addresses.split("-"))
            ranges.append((start, end - start))
    return ranges
