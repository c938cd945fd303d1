"""glibc's allocator: how to keep it small, and how to make it give memory back.

By default glibc opens an arena for nearly every thread and raises its mmap threshold to the largest block
ever freed, so that pictures and activations come to lie in heaps that never shrink. Sources: mallopt(3),
malloc_trim(3).
"""

from __future__ import annotations

import ctypes
import functools

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

ARENAS = 2
#: Blocks from this size on get pages of their own, which go back at once when they are freed. It is glibc's
#: initial value; setting it stops glibc from raising it. Crops, pictures and activations are all larger.
MMAP_THRESHOLD_BYTES = 128 * 1024
#: A heap whose free top is larger than this shrinks by itself.
TRIM_THRESHOLD_BYTES = 1024 * 1024


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    """The C library of this process where it is glibc; None on others (musl, macOS)."""
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") and hasattr(library, "mallopt") else None


def limit_arenas_and_thresholds() -> bool:
    """Fixes arenas and thresholds for the life of the process; call it first thing, before threads start.

    Returns:
        Whether glibc took all three; False where the C library is another one.
    """
    library = _glibc()
    if library is None:
        return False
    options = (
        (_M_ARENA_MAX, ARENAS),
        (_M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES),
        (_M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES),
    )
    return all([library.mallopt(option, value) == 1 for option, value in options])


def trim_heap() -> None:
    """Gives every free page back to the system; takes milliseconds, so never call it on the event loop."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)
