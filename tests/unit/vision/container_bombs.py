"""Small pictures whose containers have very many parts, or name the same bytes in many places."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field

from PIL import Image

from tests.unit.vision.metadata_bombs import HEIC

EXIF, PHOTOSHOP, PROFILE = b"Exif\0\0", b"Photoshop 3.0\0", b"ICC_PROFILE\0"
GAIN_MAP = b"urn:com:apple:photo:2020:aux:hdrgainmap"
TILE_WIDTH_PX, TILE_HEIGHT_PX = 96, 64


def saved(picture_format: str) -> bytes:
    """A picture of 8 x 8 pixels."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(stream, picture_format)
    return stream.getvalue()


def segment(code: int, body: bytes = b"") -> bytes:
    """One of a JPEG."""
    return b"\xff" + bytes([code]) + struct.pack(">H", len(body) + 2) + body


def jpeg_with(parts: bytes) -> bytes:
    """A JPEG with these right at its start."""
    data = saved("JPEG")
    return data[:2] + parts + data[2:]


def png_with(name: bytes, count: int) -> bytes:
    """A PNG with so many empty chunks before its pixels."""
    data = saved("PNG")
    chunk = struct.pack(">I", 0) + name + struct.pack(">I", zlib.crc32(name))
    return data[:33] + chunk * count + data[33:]


def tiff_of_rows(height_px: int, planes: int = 1) -> bytes:
    """One pixel wide, with a strip for each row of each plane; all name the same byte."""
    strips = height_px * planes
    tags = [(256, 4, 1, 1), (257, 4, 1, height_px), (258, 3, 1, 8), (262, 3, 1, 1)]
    tags += [(273, 4, strips, -1), (277, 3, 1, 1), (278, 4, 1, 1), (279, 4, strips, -2)]
    first = 8 + 2 + 12 * len(tags) + 4
    places = {-1: first, -2: first + 4 * strips}
    rows = [struct.pack("<HHLL", *tag[:3], places.get(tag[3], tag[3])) for tag in tags]
    head = b"II*\0" + struct.pack("<LH", 8, len(tags)) + b"".join(rows) + bytes(4)
    return head + struct.pack("<L", 8) * strips + struct.pack("<L", 1) * strips


@dataclass(frozen=True)
class HeicItem:
    """Its properties by number, from 1; its extents by payload, and what it refers to."""

    kind: bytes
    properties: tuple[int, ...] = ()
    extents: tuple[int, ...] = ()
    is_hidden: bool = False
    names: dict[bytes, list[int]] = field(default_factory=dict)


def box(name: bytes, body: bytes) -> bytes:
    """One of a HEIC."""
    return struct.pack(">I4s", len(body) + 8, name) + body


def size(width_px: int, height_px: int) -> bytes:
    """The property of an item that says its size."""
    return box(b"ispe", bytes(4) + struct.pack(">II", width_px, height_px))


def coded_picture() -> tuple[bytes, bytes]:
    """What a decoder is set up with, and the coded data, of a picture of a tile's size."""
    data = HEIC.read_bytes()
    start, pixels_at = data.index(b"hvcC") - 4, data.index(b"mdat") + 4
    return data[start : start + struct.unpack_from(">I", data, start)[0]], data[pixels_at:]


def heic_of(items: dict[int, HeicItem], payloads: list[bytes], more_properties: list[bytes]) -> bytes:
    """A HEIC of these items, the first of them the primary one.

    Properties 1 and 2 are those of the coded picture; the others follow.
    """
    setup, _ = coded_picture()
    properties = [setup, size(TILE_WIDTH_PX, TILE_HEIGHT_PX), *more_properties]
    head_bytes = len(_heic_head(items, payloads, properties, 0))
    return _heic_head(items, payloads, properties, head_bytes) + b"".join(payloads)


def _heic_head(
    items: dict[int, HeicItem], payloads: list[bytes], properties: list[bytes], start: int
) -> bytes:
    starts = [start + sum(map(len, payloads[:index])) for index in range(len(payloads))]
    places = kinds = links = references = b""
    for number, item in items.items():
        places += struct.pack(">HHHH", number, 0, 0, len(item.extents))
        for index in item.extents:
            places += struct.pack(">II", starts[index], len(payloads[index]))
        entry = struct.pack(">BBHHH4s", 2, 0, item.is_hidden, number, 0, item.kind) + b"\0"
        kinds += box(b"infe", entry + (b"application/rdf+xml\0" if item.kind == b"mime" else b""))
        links += struct.pack(">HB", number, len(item.properties)) + bytes(item.properties)
        for name, named in item.names.items():
            body = struct.pack(f">HH{len(named)}H", number, len(named), *named)
            references += box(name, body)
    count = struct.pack(">H", len(items))
    meta = bytes(4) + box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    meta += box(b"pitm", bytes(4) + struct.pack(">H", next(iter(items))))
    meta += box(b"iloc", b"\1\0\0\0\x44\0" + count + places) + box(b"iinf", bytes(4) + count + kinds)
    associations = box(b"ipma", bytes(6) + count + links)
    meta += box(b"iprp", box(b"ipco", b"".join(properties)) + associations)
    meta += box(b"iref", bytes(4) + references) if references else b""
    payload_bytes = sum(map(len, payloads))
    head = box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", meta)
    return head + struct.pack(">I4s", payload_bytes + 8, b"mdat")


def heic_with_metadata(count: int, payload_bytes: int, kind: bytes = b"Exif", extents: int = 1) -> bytes:
    """So many items of metadata, each of so many extents, that all name the same payload."""
    metadata = HeicItem(kind, extents=(1,) * extents, names={b"cdsc": [1]})
    items = {1: HeicItem(b"hvc1", (1, 2), (0,))} | dict.fromkeys(range(2, 2 + count), metadata)
    return heic_of(items, [coded_picture()[1], bytes(payload_bytes)], [])


def heic_with_profile(pictures: int, profile_bytes: int) -> bytes:
    """So many pictures that share their bytes and a colour profile."""
    profile = box(b"colr", b"prof" + bytes(profile_bytes))
    picture = HeicItem(b"hvc1", (1, 2, 3), (0,))
    return heic_of(dict.fromkeys(range(1, 1 + pictures), picture), [coded_picture()[1]], [profile])


def heic_grid(columns: int, rows: int, more: dict[int, HeicItem] | None = None) -> bytes:
    """A grid as telephones write it: hidden tiles of one size, which here all name the same bytes.

    Property 4 makes an item of ``more`` a map of brightness.
    """
    width_px, height_px = columns * TILE_WIDTH_PX, rows * TILE_HEIGHT_PX
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width_px, height_px)
    tiles = list(range(2, 2 + columns * rows))
    items = {1: HeicItem(b"grid", (3,), (1,), names={b"dimg": tiles})}
    items |= dict.fromkeys(tiles, HeicItem(b"hvc1", (1, 2), (0,), is_hidden=True))
    brightness = box(b"auxC", bytes(4) + GAIN_MAP + b"\0")
    properties = [size(width_px, height_px), brightness]
    return heic_of(items | (more or {}), [coded_picture()[1], grid], properties)


def heic_layers(levels: int, layers: int, side_px: int) -> bytes:
    """Small overlays of so many layers, each an overlay again, with large pictures at the bottom."""
    overlay = struct.pack(">10xHH", TILE_WIDTH_PX, TILE_HEIGHT_PX) + bytes(4 * layers)
    numbers = iter(range(2, 1000))
    levels_below = [[next(numbers) for _ in range(layers)] for _ in range(levels)]
    items, above = {}, [1]
    for below in levels_below:
        items |= dict.fromkeys(above, HeicItem(b"iovl", (2,), (1,), above != [1], {b"dimg": below}))
        above = below
    items |= dict.fromkeys(above, HeicItem(b"hvc1", (1, 3), (0,), is_hidden=True))
    return heic_of(items, [coded_picture()[1], overlay], [size(side_px, side_px)])
