"""A container with very many parts, or parts that share their bytes, is judged before a reader opens it."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import MARKER

from app.domain.errors import BrokenImage, InvalidInput, UploadTooLarge
from app.vision import boxes, jpeg
from app.vision.decode import decode_image
from app.vision.heic import check_heic
from app.vision.png import MOST_CHUNKS, MOST_DATA_CHUNKS, check_png
from tests.unit.vision.container_bombs import (
    EXIF,
    GAIN_MAP,
    PHOTOSHOP,
    PROFILE,
    HeicItem,
    box,
    coded_picture,
    heic_grid,
    heic_layers,
    heic_of,
    heic_with_metadata,
    heic_with_profile,
    jpeg_with,
    png_with,
    segment,
    tiff_of_rows,
)
from tests.unit.vision.metadata_bombs import HEIC

MAX_PIXELS = 1_000_000


def decode(data: bytes) -> np.ndarray:
    return decode_image(data, max_upload_bytes=50_000_000, max_pixels=MAX_PIXELS)


@pytest.mark.parametrize(
    ("part", "most", "what"),
    [
        (segment(0xE0), jpeg.MOST_SEGMENTS, "segments"),
        (segment(0xFE), jpeg.MOST_SEGMENTS, "segments"),
        (segment(0xE1, EXIF + b"x"), jpeg.MOST_OF_A_KIND, "segments of EXIF"),
        (segment(0xED, PHOTOSHOP), jpeg.MOST_OF_A_KIND, "segments of Photoshop's"),
        (segment(0xDB, bytes(65)), jpeg.MOST_TABLE_BYTES // 67, "bytes of tables"),
        (b"\xff", jpeg.MOST_STRAY_BYTES, "bytes between"),
        (b"\xff\x00", jpeg.MOST_STRAY_BYTES // 2, "bytes between"),
        (b"\xff\xd0", jpeg.MOST_STRAY_BYTES // 2, "bytes between"),
        (b"\xff\xd9", jpeg.MOST_SEGMENTS, "segments"),
    ],
    ids=["empty", "comments", "EXIF", "Photoshop", "tables", "fill", "stuffed", "restarts", "ends"],
)
def test_a_jpeg_has_as_many_parts_of_a_kind_as_readers_take_in_no_time_and_not_twice_as_many(
    part: bytes, most: int, what: str
) -> None:
    jpeg.check_jpeg(jpeg_with(part * (most - 20)))
    with pytest.raises(InvalidInput, match=f"more than [0-9]+ {what}"):
        decode(jpeg_with(part * (2 * most)))


def test_parts_behind_an_end_of_the_image_count_since_pillow_reads_on() -> None:
    with pytest.raises(InvalidInput, match="segments"):
        decode(jpeg_with(b"\xff\xd9" + segment(0xE0) * (jpeg.MOST_SEGMENTS + 1)))


@pytest.mark.parametrize(
    "code", [code for code in range(256) if MARKER.get(0xFF00 + code, (0, 0, 1))[2] is None]
)
def test_no_marker_hides_segments_that_pillow_reads(code: int) -> None:
    hiding = bytes([0xFF, code]) + b"\x7f\xf0"  # a length for those who take it for a segment
    with pytest.raises(InvalidInput, match="segments of EXIF"):
        jpeg.check_jpeg(jpeg_with(hiding + segment(0xE1, EXIF) * (jpeg.MOST_OF_A_KIND + 1)))


def test_parts_between_the_scans_of_a_jpeg_count_since_libjpeg_keeps_them() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    last = data.rindex(b"\xff\xda")
    more = segment(0xE2, PROFILE + b"\1\1") * jpeg.MOST_SEGMENTS
    with pytest.raises(InvalidInput, match="segments"):
        decode(data[:last] + more + data[last:])


def test_short_segments_behind_a_long_exif_are_refused_at_once() -> None:
    long = segment(0xE1, EXIF + bytes(65_000)) * 300
    data = jpeg_with(long + segment(0xE1, EXIF + b"x") * 1000)
    began = time.process_time()
    with pytest.raises(InvalidInput, match="EXIF"):
        decode(data)
    assert time.process_time() - began < 1.0  # Pillow took 34 s


def test_forty_megabytes_of_fill_bytes_are_not_even_searched() -> None:
    data = jpeg_with(b"\xff" * 40_000_000)
    began = time.process_time()
    with pytest.raises(InvalidInput, match="between"):
        decode(data)
    assert time.process_time() - began < 0.3


def test_what_cameras_and_editors_put_into_a_jpeg_is_read() -> None:
    profile = b"".join(segment(0xE2, PROFILE + bytes([part, 255]) + bytes(2000)) for part in range(1, 256))
    parts = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + segment(0xE1, EXIF + bytes(60_000)) * 3
    parts += segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(65_000)) * 150
    parts += segment(0xE2, b"MPF\0" + bytes(80)) + segment(0xED, PHOTOSHOP + bytes(60_000)) * 4 + profile
    assert decode(jpeg_with(parts + bytes(65_536))).shape == (8, 8, 3)


@pytest.mark.parametrize("name", [b"prVt", b"tEXt"])
def test_a_png_of_very_many_chunks_is_refused(name: bytes) -> None:
    check_png(png_with(name, MOST_CHUNKS - 10))
    with pytest.raises(InvalidInput, match="chunks"):
        decode(png_with(name, MOST_CHUNKS))


def test_the_pixels_of_a_png_may_lie_in_more_chunks_than_anything_else() -> None:
    assert decode(png_with(b"IDAT", 20_000)).shape == (8, 8, 3)
    with pytest.raises(InvalidInput, match="chunks"):
        decode(png_with(b"IDAT", MOST_DATA_CHUNKS))


def test_the_strips_of_a_tiff_are_reserved_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def refuse(need_bytes: int) -> None:
        asked.append(need_bytes)
        raise MemoryError

    monkeypatch.setattr("app.vision.decode._open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(MemoryError):
        decode_image(tiff_of_rows(20_000), max_upload_bytes=10**7, max_pixels=MAX_PIXELS, reserve=refuse)
    assert 300 <= asked[0] / 20_000 <= 400


def test_a_scan_of_twenty_thousand_rows_with_a_strip_for_each_is_read() -> None:
    assert decode(tiff_of_rows(20_000)).shape == (20_000, 1, 3)


@pytest.mark.parametrize("kind", [b"Exif", b"mime", b"uri "])
def test_metadata_of_a_heic_that_share_their_bytes_are_refused(kind: bytes) -> None:
    assert decode(heic_with_metadata(1, 100_000, kind)).shape == (64, 96, 3)
    with pytest.raises(BrokenImage, match="larger together than the file"):
        decode(heic_with_metadata(2, 100_000, kind))


def test_metadata_of_a_heic_count_for_each_picture_that_they_describe() -> None:
    exif = HeicItem(b"Exif", extents=(1,), names={b"cdsc": [1, 2]})
    picture = HeicItem(b"hvc1", (1, 2), (0,))
    with pytest.raises(BrokenImage, match="larger together"):
        decode(heic_of({1: picture, 2: picture, 3: exif}, [coded_picture()[1], bytes(100_000)], []))


def test_a_profile_of_a_heic_counts_for_each_picture_that_is_shown() -> None:
    assert decode(heic_with_profile(4, 100_000)).shape == (64, 96, 3)  # a thumbnail shares it, and so on
    with pytest.raises(BrokenImage, match="larger together"):
        decode(heic_with_profile(5, 100_000))


def test_an_item_of_a_heic_whose_extents_name_the_same_bytes_is_refused() -> None:
    picture = HeicItem(b"hvc1", (1, 2), (0, *[1] * 31))
    with pytest.raises(BrokenImage, match="an item of the HEIC is larger than the file"):
        decode(heic_of({1: picture}, [coded_picture()[1], bytes(100_000)], []))


def test_large_metadata_of_a_heic_are_reserved_before_it_is_opened() -> None:
    asked: list[int] = []
    data = heic_with_metadata(1, 1_000_000)
    decode_image(data, max_upload_bytes=10**7, max_pixels=MAX_PIXELS, reserve=asked.append)
    assert asked[0] == 5_000_000
    assert len(asked) == 2


def test_a_grid_of_tiles_as_telephones_write_it_is_read_and_reserved_once() -> None:
    more = {
        100: HeicItem(b"hvc1", (1, 2), (0,), names={b"thmb": [1]}),
        101: HeicItem(b"hvc1", (1, 2, 4), (0,), names={b"auxl": [1]}),
        102: HeicItem(b"Exif", extents=(1,), names={b"cdsc": [1]}),
    }
    asked: list[int] = []
    data = heic_grid(4, 3, more) + b"no box at all, behind the last one"
    pixels = decode_image(data, max_upload_bytes=10**7, max_pixels=MAX_PIXELS, reserve=asked.append)
    assert pixels.shape == (192, 384, 3)
    assert (pixels[64:128, 96:192] == pixels[:64, :96]).all()
    assert asked == [10 * 192 * 384]


def test_layers_that_share_their_parts_over_several_levels_are_not_decoded() -> None:
    assert check_heic(heic_layers(2, 10, 1), MAX_PIXELS).coded_pixels == 100
    with pytest.raises(UploadTooLarge, match="more than 1000 pictures"):
        decode(heic_layers(9, 10, 1))


def test_layers_of_large_pictures_below_a_small_one_are_not_decoded() -> None:
    assert check_heic(heic_layers(1, 3, 1000), MAX_PIXELS).coded_pixels == 3_000_000
    with pytest.raises(UploadTooLarge, match="megapixels or more together"):
        decode(heic_layers(1, 4, 1000))


def test_a_picture_that_is_made_of_itself_has_too_many() -> None:
    circle = HeicItem(b"iovl", (2,), (0,), names={b"dimg": [1]})
    with pytest.raises(UploadTooLarge):
        check_heic(heic_of({1: circle}, [bytes(20)], []), 10**9)


def test_transparency_is_decoded_too_and_a_map_of_brightness_is_not() -> None:
    for kind, pixels in ((b"urn:mpeg:hevc:2015:auxid:1", 2), (GAIN_MAP, 1)):
        items = {1: HeicItem(b"hvc1", (1, 2), (0,))}
        items[2] = HeicItem(b"hvc1", (1, 2, 3), (0,), names={b"auxl": [1]})
        data = heic_of(items, [coded_picture()[1]], [box(b"auxC", bytes(4) + kind + b"\0")])
        assert check_heic(data, MAX_PIXELS).coded_pixels == pixels * 96 * 64


def test_tables_without_end_in_a_heic_are_not_read_to_it() -> None:
    table = b"\1\0\0\0\0\0\xff\xff" + bytes([0, 1, 0, 0, 0, 0, 0xFF, 0xFF]) * 65_535
    meta = bytes(4) + box(b"iloc", table)
    with pytest.raises(BrokenImage, match="no end"):
        check_heic(box(b"ftyp", b"heic") + box(b"meta", meta), MAX_PIXELS)


def test_properties_may_follow_what_is_said_of_them() -> None:
    data = heic_with_profile(5, 100_000)
    first, second = data.index(b"ipco") - 4, data.index(b"ipma") - 4
    end = second + int.from_bytes(data[second : second + 4], "big")
    with pytest.raises(BrokenImage, match="larger together"):
        check_heic(data[:first] + data[second:end] + data[first:second] + data[end:], MAX_PIXELS)


@pytest.mark.parametrize("twice", [b"pitm", b"iloc", b"iinf", b"iprp"])
def test_a_heic_that_says_the_same_twice_is_refused(twice: bytes) -> None:
    data = HEIC.read_bytes()
    start = data.index(b"meta") - 4
    parts = list(boxes.Reader(data, start + 12, 350).boxes())
    assert twice in {name for name, _ in parts}
    again = data.index(twice) - 4
    copy = data[again : again + int.from_bytes(data[again : again + 4], "big")]
    grown = (int.from_bytes(data[start : start + 4], "big") + len(copy)).to_bytes(4, "big")
    with pytest.raises(BrokenImage, match="two boxes"):
        check_heic(data[:start] + grown + data[start + 4 : 350] + copy + data[350:], MAX_PIXELS)
    with pytest.raises(BrokenImage, match="two boxes of metadata"):
        check_heic(data + data[start:350], MAX_PIXELS)


@pytest.mark.parametrize("length", range(0, 350, 7))
def test_a_heic_cut_short_is_broken_and_nothing_else(length: int) -> None:
    with pytest.raises(BrokenImage):
        check_heic(HEIC.read_bytes()[:length], MAX_PIXELS)
