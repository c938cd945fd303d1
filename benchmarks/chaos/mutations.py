"""Broken pictures of every format: flipped bits, cut ends, headers that lie."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from app.domain.types import RgbImage

#: Nothing here writes HEIC, so the one of the tests is broken.
_HEIC = Path(__file__).resolve().parents[2] / "tests" / "unit" / "vision" / "four_colours.heic"
_HEADER_BYTES = 400
_EXTREMES_16 = (0, 1, 0x7FFF, 0x8000, 0xFFFF)
_EXTREMES_32 = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x00FFFFFF)

Mutation = Callable[[bytes, random.Random], bytes]


def originals(scene: RgbImage) -> dict[str, bytes]:
    """A whole picture of each format and of its main variants; small, so that thousands are soon decoded."""
    small = Image.fromarray(np.ascontiguousarray(scene)).resize((160, 224))
    exif = Image.Exif()
    exif[0x0112] = 6
    variants: dict[str, tuple[str, str, dict[str, object]]] = {
        "JPEG": ("RGB", "JPEG", {"exif": exif}),
        "JPEG progressive": ("RGB", "JPEG", {"progressive": True}),
        "JPEG CMYK": ("CMYK", "JPEG", {}),
        "PNG": ("RGBA", "PNG", {}),
        "PNG palette": ("P", "PNG", {}),
        "WebP": ("RGB", "WEBP", {}),
        "WebP lossless": ("RGBA", "WEBP", {"lossless": True, "exif": exif}),
        "TIFF": ("RGB", "TIFF", {}),
        "TIFF deflate": ("RGB", "TIFF", {"compression": "tiff_deflate"}),
        "TIFF JPEG": ("RGB", "TIFF", {"compression": "jpeg"}),
        "TIFF 16 bit": ("I;16", "TIFF", {}),
    }
    made = {name: _saved(small, *variant) for name, variant in variants.items()}
    return {**made, "HEIC": _HEIC.read_bytes()}


def _saved(picture: Image.Image, mode: str, picture_format: str, options: dict[str, object]) -> bytes:
    stream = io.BytesIO()
    converted = picture.convert("L").convert(mode) if mode.startswith("I") else picture.convert(mode)
    converted.save(stream, picture_format, **options)
    return stream.getvalue()


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    """Between one bit and some hundreds, anywhere."""
    broken = bytearray(data)
    for _ in range(2 ** rng.randrange(9)):
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def flip_header_bits(data: bytes, rng: random.Random) -> bytes:
    """A few bits of the header, where they decide most."""
    broken = bytearray(data)
    for _ in range(1 + rng.randrange(6)):
        broken[rng.randrange(4, min(_HEADER_BYTES, len(broken)))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def truncate(data: bytes, rng: random.Random) -> bytes:
    """The beginning alone, of any length."""
    return data[: rng.randrange(1, len(data))]


def extreme_word(data: bytes, rng: random.Random) -> bytes:
    """A number of the header becomes one that no reader likes."""
    broken = bytearray(data)
    order = rng.choice("<>")
    for _ in range(1 + rng.randrange(3)):
        size, values = rng.choice(((2, _EXTREMES_16), (4, _EXTREMES_32)))
        at = rng.randrange(4, min(_HEADER_BYTES, len(broken) - 4))
        broken[at : at + size] = struct.pack(order + {2: "H", 4: "I"}[size], rng.choice(values))
    return bytes(broken)


def lie_about_size(data: bytes, rng: random.Random) -> bytes:
    """Width and height, where each format keeps them, become extreme; checksums are made right again."""
    width, height = (rng.choice((0, 1, 0xFFFF, 0x7FFF, 20_000, 0x3FFF)) for _ in range(2))
    broken = bytearray(data)
    if data.startswith(b"\x89PNG"):
        broken[16:24] = struct.pack(">II", width * rng.choice((1, 0x8000)), height)
        broken[29:33] = struct.pack(">I", zlib.crc32(bytes(broken[12:29])))
    elif data.startswith(b"\xff\xd8"):
        for marker in (b"\xff\xc0", b"\xff\xc2"):
            if (at := data.find(marker)) > 0:
                broken[at + 5 : at + 9] = struct.pack(">HH", height, width)
    elif data.startswith(b"RIFF"):
        _lie_in_webp(broken, width, height)
    elif data[:2] in (b"II", b"MM"):
        _lie_in_tiff(broken, width, height)
    elif (at := data.find(b"ispe")) > 0:
        broken[at + 8 : at + 16] = struct.pack(">II", width * 4, height * 4)
    return bytes(broken)


def _lie_in_webp(broken: bytearray, width: int, height: int) -> None:
    chunk = bytes(broken[12:16])
    if chunk == b"VP8 ":
        broken[26:30] = struct.pack("<HH", width & 0x3FFF, height & 0x3FFF)
    elif chunk == b"VP8L":
        broken[21:25] = struct.pack("<I", (width & 0x3FFF) | (height & 0x3FFF) << 14)
    else:
        broken[24:30] = (width * 200 & 0xFFFFFF).to_bytes(3, "little") + height.to_bytes(3, "little")


def _lie_in_tiff(broken: bytearray, width: int, height: int) -> None:
    """Rewrites ImageWidth and ImageLength (tags 256 and 257) of the first directory."""
    order = "<" if broken[:2] == b"II" else ">"
    (directory,) = struct.unpack(order + "I", broken[4:8])
    (entries,) = struct.unpack(order + "H", broken[directory : directory + 2])
    for at in range(directory + 2, directory + 2 + 12 * entries, 12):
        (tag,) = struct.unpack(order + "H", broken[at : at + 2])
        if tag in (256, 257):
            number = width if tag == 256 else height
            broken[at + 2 : at + 12] = struct.pack(order + "HII", 4, 1, number)


def repeat_a_part(data: bytes, rng: random.Random) -> bytes:
    """A part comes twice, or thousands of times: segments, frames and chunks without end."""
    start = rng.randrange(len(data))
    part = data[start : start + rng.randrange(2, 200)]
    return data[:start] + part * rng.choice((2, 40, 2000)) + data[start:]


def swap_heads(data: bytes, rng: random.Random) -> bytes:
    """The first bytes say one format, the rest is another's."""
    heads = (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x10\x00\x00\x00WEBPVP8X", b"II*\x00\x08\x00")
    head = rng.choice((*heads, b"\x00\x00\x00\x18ftypheic"))
    return head + data[len(head) :]


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits,
    flip_header_bits,
    truncate,
    extreme_word,
    lie_about_size,
    repeat_a_part,
    swap_heads,
)


def mutated(wholes: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """So many broken pictures, every format and every kind of damage in turn, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 - damage, not secrets
    for index in range(count):
        whole = wholes[index % len(wholes)]
        yield MUTATIONS[index // len(wholes) % len(MUTATIONS)](whole, rng)
