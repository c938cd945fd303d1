"""Pictures of a few pixels whose metadata names the same bytes over and over."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

from PIL import Image

HEIC = Path(__file__).parent / "four_colours.heic"

#: Type UNDEFINED: bytes as they are.
UNDEFINED = 7


def exif_bomb(payload_bytes: int, tags: int, orientation: int = 1, order: str = "<") -> bytes:
    """A bare EXIF block: an orientation, and tags that each name all of the payload."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    payload_at = 8 + 2 + 12 * (tags + 1) + 4
    entries = [struct.pack(order + "HHLHH", 0x0112, 3, 1, orientation, 0)]
    for tag in range(0x9000, 0x9000 + tags):
        entries.append(struct.pack(order + "HHLL", tag, UNDEFINED, payload_bytes, payload_at))
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    return head + struct.pack(order + "L", 8) + directory + bytes(payload_bytes)


def tiff(
    extra: list[tuple[int, int, int, int]],
    payload: bytes = b"",
    *,
    order: str = "<",
    big: bool = False,
    orientation: int = 1,
    payload_tags: int = 0,
    next_directory: int = 0,
    side_px: int = 8,
) -> bytes:
    """A grey picture with more tags: tag, type, count and value (-1: where the payload lies).

    ``payload_tags`` of its tags name all of the payload.
    """
    entry, offset, count = ("HHQQ", "Q", "Q") if big else ("HHLL", "L", "H")
    start = 16 if big else 8
    number = 11 + payload_tags + len(extra)
    data_at = start + struct.calcsize("=" + count) + number * struct.calcsize("=" + entry)
    data_at += struct.calcsize("=" + offset)
    pixels = bytes(range(side_px * side_px))
    known = [(256, side_px), (257, side_px), (258, 8), (259, 1), (262, 1), (266, 1), (273, data_at)]
    known += [(274, orientation), (277, 1), (278, side_px), (279, len(pixels))]
    rows = [(tag, 16 if big else 4, 1, value) for tag, value in known]
    payload_at = data_at + len(pixels)
    rows += [(0x9000 + index, UNDEFINED, len(payload), payload_at) for index in range(payload_tags)]
    rows += [row if row[3] >= 0 else (*row[:3], payload_at) for row in extra]
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "L", 8)
    directory = struct.pack(order + count, number)
    directory += b"".join(struct.pack(order + entry, *row) for row in rows)
    return head + directory + struct.pack(order + offset, next_directory) + pixels + payload


def with_exif(picture_format: str, exif: bytes) -> bytes:
    """An 8 x 8 picture of this format with an EXIF block."""
    if picture_format == "HEIC":
        return heic(exif)
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(stream, picture_format)
    data = stream.getvalue()
    if picture_format == "JPEG":
        return data[:2] + b"".join(_segments(exif)) + data[2:]
    if picture_format == "MPO":
        return _multi_picture(data, exif)
    if picture_format == "PNG":
        return data[:33] + _chunk(b"eXIf", exif) + data[33:]
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(stream, "WEBP", exif=exif)
    return stream.getvalue()


def _segments(exif: bytes) -> list[bytes]:
    """Pillow puts several EXIF segments of a JPEG together, so a block may be larger than one."""
    room = 65_000
    parts = [b"Exif\0\0" + exif[at : at + room] for at in range(0, len(exif), room)]
    return [b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in parts]


def _multi_picture(data: bytes, exif: bytes) -> bytes:
    """Pillow's JPEG with two pictures, and the bomb in its list of pictures as well."""
    index = b"MPF\0" + exif[:60_000]
    listed = b"\xff\xe2" + struct.pack(">H", len(index) + 2) + index
    jpeg = data[:2] + b"".join(_segments(exif)) + listed + data[2:]
    return jpeg + jpeg


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def heic(exif: bytes) -> bytes:
    """The HEIC picture with an EXIF item that describes its primary one, put at the end of the file."""
    data = HEIC.read_bytes()
    block = struct.pack(">I", 6) + b"Exif\0\0" + exif
    grown = _with_item(data, len(data), len(block))
    # The meta box lies before the pixels, so all that it points at moves by what it grew.
    moved = len(grown) - len(data)
    grown = _with_item(data, len(data) + moved, len(block), moved)
    return grown + block


def _boxes(data: bytes, start: int, end: int) -> list[tuple[bytes, int, int]]:
    found = []
    while start < end:
        size, name = struct.unpack_from(">I4s", data, start)
        found.append((name, start, start + size))
        start += size
    return found


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body


def _with_item(data: bytes, at: int, size: int, moved: int = 0) -> bytes:
    ((_, start, end),) = [box for box in _boxes(data, 0, len(data)) if box[0] == b"meta"]
    primary, parts, has_references = 0, [], False
    for name, first, last in _boxes(data, start + 12, end):
        body = data[first + 8 : last]
        if name == b"pitm":
            (primary,) = struct.unpack_from(">H", body, 4)
        elif name == b"iinf":
            (count,) = struct.unpack_from(">H", body, 4)
            entry = _box(b"infe", b"\x02\0\0\1" + struct.pack(">HH4s", 999, 0, b"Exif") + b"\0")
            body = body[:4] + struct.pack(">H", count + 1) + body[6:] + entry
        elif name == b"iloc":
            body = _locations(body, at, size, moved)
        elif name == b"iref":
            has_references, body = True, body + _description(primary)
        parts.append(_box(name, body))
    if not has_references:
        parts.append(_box(b"iref", bytes(4) + _description(primary)))
    return data[:start] + _box(b"meta", data[start + 8 : start + 12] + b"".join(parts)) + data[end:]


def _description(primary: int) -> bytes:
    return _box(b"cdsc", struct.pack(">HHH", 999, 1, primary))


def _locations(body: bytes, at: int, size: int, moved: int) -> bytes:
    """Written anew as version 1 with offsets of 4 bytes."""
    version, sizes, base_sizes, count = struct.unpack_from(">B3xBBH", body, 0)
    assert (version, sizes, base_sizes >> 4) in ((0, 0x44, 0), (1, 0x44, 0), (0, 0x44, 4), (1, 0x44, 4))
    base = base_sizes >> 4
    items, read = b"", 8
    for _ in range(count):
        head = body[read : read + 2] + (body[read + 2 : read + 4] if version else b"\0\0")
        read += 4 if version else 2
        (own,) = struct.unpack_from(">I", body, read + 2) if base else (0,)
        read += 2 + base
        (extents,) = struct.unpack_from(">H", body, read)
        read += 2
        items += head + struct.pack(">HH", 0, extents)
        is_in_file = head[2:4] == b"\0\0"
        for _ in range(extents):
            where, length = struct.unpack_from(">II", body, read)
            items += struct.pack(">II", where + own + (moved if is_in_file else 0), length)
            read += 8
    items += struct.pack(">HHHHII", 999, 0, 0, 1, at, size)
    return b"\1\0\0\0" + struct.pack(">BBH", 0x44, 0, count + 1) + items
