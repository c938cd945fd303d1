"""The orientation is found in every form that cameras and programs write, and in no other place."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from app.vision.decode import decode_image
from app.vision.exif import orientation
from tests.unit.vision.metadata_bombs import exif_bomb, with_exif
from tests.unit.vision.test_decode import saved


def classic(entries: list[bytes], order: str = "<", tail: bytes = bytes(8)) -> bytes:
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "L", 8)
    return head + struct.pack(order + "H", len(entries)) + b"".join(entries) + tail


def entry(kind: int, value: bytes, count: int = 1, tag: int = 0x0112, order: str = "<") -> bytes:
    return struct.pack(order + "HHL", tag, kind, count) + value.ljust(4, b"\0")


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0", b"Exif\0\0Exif\0\0"], ids=["bare", "named", "twice"])
def test_each_orientation_is_read_in_either_byte_order(value: int, order: str, prefix: bytes) -> None:
    block = exif_bomb(100, 3, value, order)
    assert orientation({"exif": prefix + block}) == value


@pytest.mark.parametrize(("kind", "form"), [(3, "H"), (4, "L"), (8, "h"), (9, "l")])
@pytest.mark.parametrize("order", ["<", ">"])
def test_other_types_of_whole_numbers_are_read_as_well(kind: int, form: str, order: str) -> None:
    block = classic([entry(kind, struct.pack(order + form, 6), order=order)], order)
    assert orientation({"exif": block}) == 6


def test_of_several_values_the_first_and_of_several_tags_the_last_counts() -> None:
    lying_elsewhere = entry(3, struct.pack("<L", 44), count=5)
    block = classic([entry(3, b"\x03\0"), lying_elsewhere]).ljust(44, b"\0")
    assert orientation({"exif": block + struct.pack("<5H", 8, 1, 1, 1, 1)}) == 8


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Exif\0\0",
        b"nothing of the kind, but long enough",
        b"II*\0\xff\xff\xff\xff" + bytes(20),
        b"II+\0\x08\0\0\0" + b"\xff" * 40,
        classic([entry(2, b"6")]),
        classic([entry(3, b"\x06\0", count=0)]),
        classic([entry(3, struct.pack("<L", 2**32 - 1), count=9)]),
        None,
        "text",
    ],
)
def test_metadata_that_say_nothing_leave_the_picture_as_it_is(block: object) -> None:
    assert orientation({"exif": block}) == 1


def test_a_directory_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    block = classic([entry(3, b"\x06\0"), entry(2, b"?", tag=1)])[:30]
    assert orientation({"exif": block}) == 6


def test_a_picture_with_unreadable_exif_is_still_a_picture() -> None:
    data = with_exif("JPEG", b"no directory at all")
    assert decode_image(data, max_upload_bytes=10**6, max_pixels=10**6).shape == (8, 8, 3)


def test_the_exif_goes_before_xmp_and_xmp_is_read_where_it_says_nothing() -> None:
    raw = b'<rdf:Description tiff:Orientation="6"/>'
    assert orientation({"xmp": raw}) == 6
    assert orientation({"xmp": b"<tiff:Orientation>8</tiff:Orientation>"}) == 8
    assert orientation({"xmp": raw, "exif": exif_bomb(10, 1, 3)}) == 3
    assert orientation({"xmp": raw, "exif": b"rubbish"}) == 6
    assert orientation({"XML:com.adobe.xmp": 'tiff:Orientation="5"', "xmp": raw}) == 5


def test_the_profile_that_imagemagick_writes_into_a_png_is_read() -> None:
    tall = Image.new("RGB", (8, 20))
    text = PngImagePlugin.PngInfo()
    block = b"Exif\0\0" + exif_bomb(10, 1, 6)
    text.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n", zip=True)
    pixels = decode_image(saved(tall, "PNG", pnginfo=text), max_upload_bytes=10**6, max_pixels=10**6)
    assert pixels.shape == (8, 20, 3)


@pytest.mark.parametrize("broken", ["\nexif\n4\nzz", "\nexif", ""])
def test_a_profile_that_is_no_hexadecimal_says_nothing(broken: str) -> None:
    assert orientation({"Raw profile type exif": broken}) == 1


def test_the_xmp_of_a_tiff_turns_it_where_it_has_no_tag_for_that() -> None:
    gray = Image.fromarray(np.arange(160, dtype=np.uint8).reshape(8, 20))
    data = saved(gray, "TIFF", tiffinfo={700: b'tiff:Orientation="6"'})
    assert decode_image(data, max_upload_bytes=10**6, max_pixels=10**6).shape == (20, 8, 3)


@pytest.mark.parametrize("value", range(1, 9))
def test_the_exif_of_a_heic_does_not_turn_it_since_the_format_does_that_itself(value: int) -> None:
    data = with_exif("HEIC", exif_bomb(10, 1, value))
    pixels = decode_image(data, max_upload_bytes=10**6, max_pixels=10**6)
    assert pixels.shape == (64, 96, 3)
    assert pixels[10, 10] == pytest.approx([200, 30, 30], abs=12)
