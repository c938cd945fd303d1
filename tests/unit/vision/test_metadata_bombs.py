"""Metadata whose entries overlap take no more memory than the file that holds them."""

from __future__ import annotations

import struct
import tracemalloc
import warnings

import numpy as np
import pytest

from app.domain.errors import BinderlensError, BrokenImage, UploadTooLarge
from app.vision.decode import decode_image
from app.vision.headers import MAX_FRAMES
from app.vision.tiff import check_tiff
from tests.unit.vision.metadata_bombs import exif_bomb, tiff, with_exif

PAYLOAD_BYTES = 500_000
TAGS = 100
ORDERS = ["<", ">"]
LAYOUTS = pytest.mark.parametrize(
    ("big", "order"), [(False, "<"), (False, ">"), (True, "<")], ids=["II", "MM", "BigTIFF"]
)


def decode(data: bytes) -> np.ndarray:
    return decode_image(data, max_upload_bytes=10_000_000, max_pixels=1_000_000)


def decoded_within(data: bytes) -> tuple[int, BinderlensError | None]:
    """Bytes that Python allocated at the peak, and the refusal if there was one."""
    refusal = None
    tracemalloc.start()
    try:
        decode(data)
    except BinderlensError as error:
        refusal = error
    finally:
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak_bytes, refusal


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("picture_format", ["JPEG", "MPO", "PNG", "WEBP", "HEIC"])
def test_exif_whose_tags_overlap_costs_no_more_than_its_own_size_some_times(
    picture_format: str, order: str
) -> None:
    data = with_exif(picture_format, exif_bomb(PAYLOAD_BYTES, TAGS, order=order))
    decode(with_exif(picture_format, exif_bomb(10, 1)))  # what is imported once does not count
    peak_bytes, refusal = decoded_within(data)
    assert refusal is None
    assert len(data) > PAYLOAD_BYTES
    assert peak_bytes < 10 * PAYLOAD_BYTES


@LAYOUTS
def test_a_tiff_whose_tags_overlap_is_refused_before_they_are_copied(big: bool, order: str) -> None:
    data = tiff([], bytes(PAYLOAD_BYTES), payload_tags=TAGS, big=big, order=order)
    peak_bytes, refusal = decoded_within(data)
    assert isinstance(refusal, BrokenImage)
    assert "larger together than the file" in str(refusal)
    assert peak_bytes < 2 * PAYLOAD_BYTES


@LAYOUTS
def test_a_tiff_with_one_large_tag_is_read(big: bool, order: str) -> None:
    pixels = decode(tiff([], bytes(PAYLOAD_BYTES), payload_tags=1, big=big, order=order))
    assert pixels[:, :, 0].ravel().tolist() == list(range(64))


@pytest.mark.parametrize("pointer", [34665, 34853, 40965], ids=["EXIF", "GPS", "interoperability"])
def test_a_directory_below_that_of_a_tiff_is_not_read_at_all(pointer: int) -> None:
    below = exif_bomb(PAYLOAD_BYTES, TAGS)
    length = struct.unpack_from("<H", below, 8)[0]
    start = len(tiff([(pointer, 4, 1, 0)]))
    # Its offsets count from the start of the file, so each is moved by where it comes to lie.
    entries = [list(struct.unpack_from("<HHLL", below, 10 + 12 * index)) for index in range(length)]
    moved = b"".join(struct.pack("<HHLL", *entry[:3], entry[3] + start - 8) for entry in entries)
    below = below[8:10] + moved + below[10 + 12 * length :]
    peak_bytes, refusal = decoded_within(tiff([(pointer, 4, 1, -1)], below))
    assert refusal is None
    assert peak_bytes < 4 * PAYLOAD_BYTES


@pytest.mark.parametrize(
    ("tag", "kind", "size"),
    [(282, 5, 8), (258, 3, 2), (339, 3, 2), (700, 4, 4), (324, 4, 4), (320, 3, 2)],
    ids=["resolution", "bits", "sample format", "XMP", "tiles", "colours"],
)
def test_a_tiff_with_more_values_of_a_tag_than_it_has_use_for_is_refused(
    tag: int, kind: int, size: int
) -> None:
    count = 800_000 // size if size > 2 else 400_000
    data = tiff([(tag, kind, count, -1)], bytes(count * size))
    with pytest.raises(BrokenImage, match=f"tag {tag} of the TIFF has {count} values"):
        decode(data)


def test_a_bigtiff_that_pillow_would_read_in_another_place_than_libtiff_is_refused() -> None:
    with pytest.raises(BrokenImage, match="byte order"):
        decode(tiff([], bytes(PAYLOAD_BYTES), payload_tags=TAGS, big=True, order=">"))


def test_strips_of_one_row_and_small_tiles_are_as_many_as_a_picture_may_have() -> None:
    check_tiff(tiff([(324, 4, 6 * 8, -1)], bytes(4 * 6 * 8)))
    with pytest.raises(BrokenImage, match="tag 324"):
        check_tiff(tiff([(324, 4, 6 * 8 + 1, -1)], bytes(4 * 6 * 8 + 4)))


def test_a_tiff_of_absurdly_many_tags_is_refused() -> None:
    with pytest.raises(BrokenImage, match="more than 4096 tags"):
        decode(tiff([(0x8000, 4, 1, 0)] * 4096))


def test_a_tag_that_reaches_beyond_the_file_does_not_count() -> None:
    check_tiff(tiff([(0x8000 + index, 7, 2**31, 8) for index in range(9)]))


def test_frames_are_counted_without_their_values_and_a_chain_without_end_has_one() -> None:
    page = tiff([], bytes(1000), payload_tags=1, next_directory=8)
    check_tiff(page)
    assert decode(page).shape == (8, 8, 3)
    chain = bytearray(b"II*\0" + struct.pack("<L", 8))
    for index in range(MAX_FRAMES + 1):
        chain += struct.pack("<HL", 0, 8 + 6 * (index + 1))
    with pytest.raises(UploadTooLarge, match=f"more than {MAX_FRAMES} frames"):
        check_tiff(bytes(chain))


@pytest.mark.parametrize(
    "data", [b"II*\0", b"II+\0" + bytes(30), b"MM\0+" + b"\xff" * 60, b"MM\0*" + b"\xff" * 30]
)
def test_a_tiff_whose_directory_is_nowhere_is_broken_and_nothing_else(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of the directory it does not find
        with pytest.raises(BrokenImage):
            decode(data)


@LAYOUTS
def test_the_orientation_of_a_tiff_is_obeyed_in_either_order_and_size(big: bool, order: str) -> None:
    upright = np.arange(64).reshape(8, 8)
    turned = {3: upright[::-1, ::-1], 6: np.rot90(upright, -1), 8: np.rot90(upright, 1)}
    for orientation, stored in turned.items():
        pixels = decode(tiff([], big=big, order=order, orientation=orientation))
        assert (pixels[:, :, 0] == stored).all(), orientation
