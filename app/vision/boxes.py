"""Reads the boxes of a HEIF file: which items there are, where their bytes lie and what they are made of.

Nothing is copied, and nothing is judged. Boxes are those of ISO/IEC 14496-12 (section 8.11) and 23008-12.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Final

#: A picture of 1000 items, the most that libheif takes, has 40,000 numbers or names in its boxes. Each takes
#: a microsecond, and tables may name more of them than the file has bytes.
_MOST_READ: Final = 200_000
#: ISO/IEC 23008-12, section 6.5.8, and 23001-17.
_ALPHA_TYPES: Final = (
    *(b"urn:mpeg:hevc:2015:auxid:1\0", b"urn:mpeg:avc:2015:auxid:1\0"),
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
)


@dataclass(slots=True)
class Item:
    """One item of the file."""

    kind: bytes = b""
    is_hidden: bool = False
    #: What its extents take together, in bytes; several may name the same ones.
    stored_bytes: int = 0
    #: What its colour profiles take, in bytes.
    profile_bytes: int = 0
    #: Width times height, as its property says.
    pixels: int = 0
    is_alpha: bool = False
    #: By kind of reference, the items that it names.
    names: dict[bytes, list[int]] = field(default_factory=dict)


class Reader:
    """Whole numbers and boxes, in order, of a part of the data.

    Raises ValueError where the part ends before what is asked for, and after ``_MOST_READ`` of them; those
    that are read of the boxes inside count as well.
    """

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self._data, self._at, self._end = data, at, len(data) if end is None else end
        self._read = itertools.count(1)

    def number(self, size: int) -> int:
        """The next one, of so many bytes; 0 where it has none."""
        return int.from_bytes(self.text(size), "big")

    def text(self, size: int) -> bytes:
        """So many of the next bytes."""
        self._at += size
        if next(self._read) > _MOST_READ:
            raise ValueError("there is no end of its boxes")
        if self._at > self._end:
            raise ValueError("a box ends before what it holds")
        return self._data[self._at - size : self._at]

    def starts_with(self, names: tuple[bytes, ...]) -> bool:
        """Whether one of these comes next."""
        return self._data.startswith(names, self._at, self._end)

    def length(self) -> int:
        """Bytes that are left."""
        return self._end - self._at

    def boxes(self) -> Iterator[tuple[bytes, Reader]]:
        """The boxes that are left, by name."""
        while self.length() >= 8:
            start, size, name = self._at, self.number(4), self.text(4)
            if size == 1:
                size = self.number(8)
            end = start + size if size else self._end  # 0: up to the end
            if not self._at <= end <= self._end:
                raise ValueError(f"a box reaches beyond what holds it: {name!r}")
            inside = Reader(self._data, self._at, end)
            inside._read = self._read
            yield name, inside
            self._at = end


def read_items(meta: Reader) -> tuple[int, dict[int, Item]]:
    """The number of the primary item and all items by their numbers, out of a ``meta`` box.

    Raises:
        ValueError: a box ends early, or there are two where one is allowed.
    """
    meta.number(4)
    primary, items = 0, dict[int, Item]()
    seen = set[bytes]()
    for name, box in meta.boxes():
        if name in seen:
            raise ValueError(f"two boxes where one is allowed: {name!r}")
        if name in (b"pitm", b"iloc", b"iinf", b"iref", b"iprp"):
            seen.add(name)
        if name == b"pitm":
            primary = box.number(2 if _version(box) == 0 else 4)
        elif name == b"iloc":
            _read_places(box, items)
        elif name == b"iinf":
            _read_kinds(box, items)
        elif name == b"iref":
            _read_references(box, items)
        elif name == b"iprp":
            _read_properties(box, items)
    return primary, items


def _version(box: Reader) -> int:
    version = box.number(1)
    box.number(3)
    return version


def _item(items: dict[int, Item], number: int) -> Item:
    return items.setdefault(number, Item())


def _read_places(box: Reader, items: dict[int, Item]) -> None:
    version, sizes, more_sizes = _version(box), box.number(1), box.number(1)
    number_bytes = 4 if version == 2 else 2
    index_bytes = more_sizes & 15 if version else 0
    for _ in range(box.number(number_bytes)):
        item = _item(items, box.number(number_bytes))
        box.text(2 if version else 0)
        box.text(2 + (more_sizes >> 4))
        for _ in range(box.number(2)):
            box.text(index_bytes + (sizes >> 4))
            item.stored_bytes += box.number(sizes & 15)


def _read_kinds(box: Reader, items: dict[int, Item]) -> None:
    box.number(2 if _version(box) == 0 else 4)
    for name, entry in box.boxes():
        if name != b"infe":
            continue
        version, flags = entry.number(1), entry.number(3)
        if version < 2:
            continue  # has no kind: nothing that HEIF knows
        item = _item(items, entry.number(2 if version == 2 else 4))
        if item.kind:
            raise ValueError("an item has two kinds")
        entry.number(2)
        item.kind, item.is_hidden = entry.text(4), bool(flags & 1)


def _read_references(box: Reader, items: dict[int, Item]) -> None:
    number_bytes = 2 if _version(box) == 0 else 4
    for name, reference in box.boxes():
        item = _item(items, reference.number(number_bytes))
        named = [reference.number(number_bytes) for _ in range(reference.number(2))]
        item.names.setdefault(name, []).extend(named)


def _read_properties(box: Reader, items: dict[int, Item]) -> None:
    properties: list[tuple[bytes, Reader]] | None = None
    associations: list[Reader] = []
    for name, part in box.boxes():
        if name == b"ipco" and properties is not None:
            raise ValueError(f"two boxes where one is allowed: {name!r}")
        if name == b"ipco":
            properties = list(part.boxes())
        elif name == b"ipma":
            associations.append(part)
    for part in associations:
        _read_associations(part, properties or [], items)


def _read_associations(box: Reader, properties: list[tuple[bytes, Reader]], items: dict[int, Item]) -> None:
    version, flags = box.number(1), box.number(3)
    index_bytes = 2 if flags & 1 else 1
    for _ in range(box.number(4)):
        item = _item(items, box.number(2 if version == 0 else 4))
        for _ in range(box.number(1)):
            # The highest bit says whether it is essential.
            index = box.number(index_bytes) & (0x7FFF if flags & 1 else 0x7F)
            if 0 < index <= len(properties):
                _read_property(*properties[index - 1], item)


def _read_property(name: bytes, box: Reader, item: Item) -> None:
    box = copy(box)
    if name == b"colr":
        item.profile_bytes += box.length()
    elif name == b"ispe":
        box.number(4)
        item.pixels = max(item.pixels, box.number(4) * box.number(4))
    elif name == b"auxC":
        box.number(4)
        item.is_alpha |= box.starts_with(_ALPHA_TYPES)
