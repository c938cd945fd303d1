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

#: How often pages are given back while a library reads on: it packs some megabytes in between.
_RELEASE_EVERY_S = 0.005


class MappedFile:
    """Read-only mappings of one file in this process.

    OpenVINO maps weights, packs them into the layout of its kernels and keeps the mapping, so that what it
    has read once stays resident beside the packed copy. A page given back is read again from the file if it
    is ever needed: nothing can be lost, for only mappings that cannot be written are touched. OpenVINO 2026.4
    gives parts back in the same way, and unmaps the file when its compiled graph ends (seen by strace).

    Args:
        path: The file. Where the system does not say what is mapped (macOS), there are no mappings.
        maps: Linux' list of this process's mappings.
    """

    def __init__(self, path: Path, maps: Path = Path("/proc/self/maps")) -> None:
        self._ranges = _read_only_ranges(path.resolve(), maps) if sys.platform == "linux" else []

    @property
    def mapped_bytes(self) -> int:
        """Size of all mappings, resident or not."""
        return sum(size for _, size in self._ranges)

    def release(self) -> None:
        """Gives the resident pages back; takes microseconds where there are none."""
        if not self._ranges:
            return
        for start, size in self._ranges:
            _libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), _MADV_DONTNEED)

    @contextlib.contextmanager
    def released_while_read(self) -> Iterator[None]:
        """Gives pages back every few milliseconds, from a thread, while the caller has all of them read."""
        if not self._ranges:
            yield
            return
        over = threading.Event()
        thread = threading.Thread(target=self._release_until, args=(over,), name="weights-released")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _release_until(self, over: threading.Event) -> None:
        while not over.wait(_RELEASE_EVERY_S):
            self.release()


@functools.cache
def _libc() -> ctypes.CDLL:
    """Opened once: each ``CDLL`` makes a class of its own, which lies in a cycle until it is collected."""
    return ctypes.CDLL(None)


def _read_only_ranges(path: Path, maps: Path) -> list[tuple[int, int]]:
    """Addresses and sizes in bytes, from lines such as ``7f00-7f10 r--s 00000000 08:01 1234 /the/file``."""
    ranges = []
    try:
        lines = maps.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    for line in lines:
        addresses, rights, *_, name = line.split(maxsplit=5)
        if name == str(path) and "w" not in rights:
            start, end = (int(address, 16) for address in addresses.split("-"))
            ranges.append((start, end - start))
    return ranges
