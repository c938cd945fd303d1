"""Reads the directories of tags of TIFF files and EXIF blocks: where the values lie, not the values.

Each entry names a tag, a type, a number of values and either the values or where they lie (TIFF 6.0,
section 2). Pillow copies the values of every entry, and many entries may name the same bytes: a small file
then takes gigabytes. Nothing is copied here.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: Bytes a value of each type takes (TIFF 6.0; 13 of its supplement 1; 16 to 18 of BigTIFF).
SIZES: Final = {
    **{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4},
    **{16: 8, 17: 8, 18: 8},
}
#: How ``struct`` reads the types that are whole numbers of more than a byte.
_INTEGERS: Final = {3: "H", 4: "L", 8: "h", 9: "l", 16: "Q", 17: "q"}
_BIG: Final = 43
_EXIF_PREFIX: Final = re.compile(rb"(?:Exif\0\0)*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a directory; ``at`` is where its values lie, in bytes from the start of the data."""

    tag: int
    kind: int
    count: int
    at: int
    is_inline: bool

    @property
    def size_bytes(self) -> int:
        """What its values take; 0 for a type that is not known, which everybody passes over."""
        return self.count * SIZES.get(self.kind, 0)


class Directories:
    """The directories of one TIFF file or EXIF block, of either byte order, classic or BigTIFF.

    Args:
        data: What holds them; offsets count from ``start``.
        start: Where the header begins.

    Raises:
        ValueError: there is no such header.
    """

    def __init__(self, data: bytes, start: int = 0) -> None:
        order = {b"II": "<", b"MM": ">"}.get(data[start : start + 2])
        self._data, self._start = data, start
        if order is None or len(data) < start + 16:  # no directory of an entry is shorter than what is left
            raise ValueError("no TIFF header")
        self._order = order
        self._is_big = self._number("H", 2) == _BIG
        self.first = self._number("Q", 8) if self._is_big else self._number("L", 4)

    @classmethod
    def of_exif(cls, exif: bytes) -> Directories:
        """Those of an EXIF block, with or without ``Exif`` before it. Raises ValueError as well."""
        prefix = _EXIF_PREFIX.match(exif)
        return cls(exif, 0 if prefix is None else prefix.end())

    def length(self, directory: int) -> int:
        """How many entries a directory says it has; 0 where it lies beyond the data."""
        try:
            return self._number("Q" if self._is_big else "H", directory)
        except struct.error:
            return 0

    def after(self, directory: int) -> int:
        """Where the next one lies; 0 after the last, and where the data ends before."""
        head, entry, offset = (8, 20, "Q") if self._is_big else (2, 12, "L")
        try:
            return self._number(offset, directory + head + entry * self.length(directory))
        except struct.error:
            return 0

    def entries(self, directory: int, most: int) -> Iterator[Entry]:
        """The entries of a directory, at most so many; ends early where the data does."""
        head, entry, offset = (8, 20, "Q") if self._is_big else (2, 12, "L")
        inline_bytes = struct.calcsize(f"={offset}")
        for index in range(min(most, self.length(directory))):
            at = directory + head + entry * index
            try:
                tag, kind, count, where = self._unpack(f"HH{offset}{offset}", at)
            except struct.error:
                return
            is_inline = count * SIZES.get(kind, 0) <= inline_bytes
            yield Entry(tag, kind, count, at + entry - inline_bytes if is_inline else where, is_inline)

    def fits(self, entry: Entry) -> bool:
        """Whether the data holds all values of an entry."""
        return self._start + entry.at + entry.size_bytes <= len(self._data)

    def integer(self, entry: Entry) -> int | None:
        """The first value of an entry; None where it is no whole number, has none or lies outside."""
        if entry.kind not in _INTEGERS or not entry.count:
            return None
        try:
            return self._number(_INTEGERS[entry.kind], entry.at)
        except struct.error:
            return None

    def _number(self, form: str, at: int) -> int:
        return int(self._unpack(form, at)[0])

    def _unpack(self, form: str, at: int) -> tuple[int, ...]:
        if self._start + at > len(self._data):  # a number of 64 bits would be too large for struct, too
            raise struct.error("beyond the data")
        return struct.unpack_from(self._order + form, self._data, self._start + at)
