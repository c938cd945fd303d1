"""What a file declares is judged before it costs memory or time."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from app.domain.errors import InvalidInput, MemoryTight, UploadTooLarge
from app.vision import headers
from app.vision import jpeg as jpeg_check
from app.vision.decode import decode_image
from app.vision.jpeg import MAX_JPEG_SCANS, check_jpeg

MAX_PIXELS = 1_000_000


def decode(data: bytes) -> np.ndarray:
    return decode_image(data, max_upload_bytes=10_000_000, max_pixels=MAX_PIXELS)


def tiled_tiff(tile_px: int) -> bytes:
    """A grey picture of 100 x 100 pixels in one deflated tile of any size."""
    tile = zlib.compress(bytes(tile_px * tile_px), 9)
    tags = [
        (256, 100),
        (257, 100),
        (258, 8),
        (259, 8),  # deflate
        (262, 1),
        (277, 1),
        (322, tile_px),
        (323, tile_px),
        (324, 8 + 2 + 12 * 10 + 4),
        (325, len(tile)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + tile


def jpeg(*, progressive: bool, exif: bytes = b"") -> bytes:
    pixels = np.random.default_rng(7).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90, progressive=progressive, exif=exif)
    return stream.getvalue()


def with_more_scans(data: bytes, more: int) -> bytes:
    """The same progressive JPEG with its last scan repeated."""
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * more + data[-2:]


def test_a_tile_within_the_limit_is_read() -> None:
    assert decode(tiled_tiff(112)).shape == (100, 100, 3)


def test_a_small_tiff_of_huge_tiles_is_refused_before_they_are_allocated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("PIL.TiffImagePlugin.TiffImageFile.load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(UploadTooLarge, match=r"tile of the TIFF has 2000 x 2000"):
        decode(tiled_tiff(2000))


@pytest.mark.parametrize("progressive", [False, True])
def test_the_scans_that_encoders_write_are_accepted(progressive: bool) -> None:
    assert decode(jpeg(progressive=progressive)).shape == (64, 64, 3)


def test_a_jpeg_of_very_many_scans_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.vision.decode._decode_jpeg", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(InvalidInput, match="more than 100 scans"):
        decode(with_more_scans(jpeg(progressive=True), MAX_JPEG_SCANS))


def test_the_limit_of_scans_is_exact() -> None:
    data = jpeg(progressive=True)
    scans = data.count(b"\xff\xda")
    check_jpeg(with_more_scans(data, MAX_JPEG_SCANS - scans))
    with pytest.raises(InvalidInput):
        check_jpeg(with_more_scans(data, MAX_JPEG_SCANS - scans + 1))


def test_scans_inside_the_exif_or_after_the_end_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_check, "MAX_JPEG_SCANS", 1)
    thumbnail = b"\xff\xda\x00\x08" * 50
    check_jpeg(jpeg(progressive=False, exif=b"Exif\0\0" + thumbnail) + thumbnail)


def test_scans_behind_rubbish_and_fill_bytes_count_as_libjpeg_would_read_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jpeg_check, "MAX_JPEG_SCANS", 1)
    data = jpeg(progressive=True)
    hidden = data.replace(b"\xff\xda", b"rubbish\xff\x00\xff\xd0\xff\xff\xff\xda")
    with pytest.raises(InvalidInput):
        check_jpeg(hidden)


@pytest.mark.parametrize("data", [b"\xff\xd8\xff", b"\xff\xd8\xff\xda", b"\xff\xd8\xff\xe1\xff", b"\xff\xd8"])
def test_a_jpeg_that_ends_early_is_left_to_the_decoder(data: bytes) -> None:
    check_jpeg(data)


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_without_room_for_its_pixels_a_picture_is_not_decoded(
    picture_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (300, 200)).save(stream, picture_format)
    asked: list[int] = []

    def refuse(need_bytes: int) -> None:
        asked.append(need_bytes)
        raise MemoryTight("no room")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("it was decoded"))
    monkeypatch.setattr("app.vision.decode._decode_jpeg", lambda _: pytest.fail("it was decoded"))
    if picture_format == "WEBP":  # opening it allocates
        monkeypatch.setattr("app.vision.decode._open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(MemoryTight):
        decode_image(stream.getvalue(), max_upload_bytes=10_000_000, max_pixels=MAX_PIXELS, reserve=refuse)
    bytes_a_pixel = asked[0] / (300 * 200)
    assert len(asked) == 1
    assert 8 <= bytes_a_pixel <= 20


def test_a_tile_that_is_larger_than_the_picture_is_what_is_reserved() -> None:
    asked: list[int] = []
    decode_image(tiled_tiff(800), max_upload_bytes=10_000_000, max_pixels=MAX_PIXELS, reserve=asked.append)
    assert asked == [headers.scan_peak_bytes("TIFF", 800 * 800)]
