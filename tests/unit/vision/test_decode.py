"""Decoding: what strangers send, good and bad."""

from __future__ import annotations

import io
import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from app.domain.errors import BrokenImage, EmptyUpload, UnsupportedFormat, UploadTooLarge
from app.domain.types import RgbImage
from app.vision.decode import decode_image, encode_jpeg

#: 96 x 64: red, blue over green, white. Made with libheif's HEVC encoder.
HEIC = Path(__file__).parent / "four_colours.heic"


def decode(data: bytes, max_upload_bytes: int = 10_000_000, max_pixels: int = 10_000_000) -> RgbImage:
    return decode_image(data, max_upload_bytes=max_upload_bytes, max_pixels=max_pixels)


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    """Left half dark, right half light: tells which way round it came out."""
    gray = np.full((size[1], size[0]), 40, np.uint8)
    gray[:, size[0] // 2 :] = 200
    return Image.fromarray(gray).convert(mode, dither=Image.Dither.NONE)


def saved(image: Image.Image, picture_format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, picture_format, **options)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_each_format_is_read_as_rgb(picture_format: str) -> None:
    pixels = decode(saved(picture(), picture_format))
    assert pixels.shape == (30, 40, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels[15, 5] == pytest.approx([40] * 3, abs=8)
    assert pixels[15, 35] == pytest.approx([200] * 3, abs=8)


def test_a_heic_picture_is_read() -> None:
    pixels = decode(HEIC.read_bytes())
    assert pixels.shape == (64, 96, 3)
    assert pixels[10, 10] == pytest.approx([200, 30, 30], abs=12)
    assert pixels[10, 80] == pytest.approx([30, 30, 200], abs=12)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "1", "I;16", "I", "F"])
def test_each_pixel_layout_becomes_rgb(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray((np.asarray(picture()).astype(np.uint16)[:, :, 0]) * 257)
    else:
        image = picture(mode)
    pixels = decode(saved(image, "TIFF"))
    assert pixels.shape == (30, 40, 3)
    assert pixels[15, 5].mean() < 60
    assert pixels[15, 35].mean() > 190


def test_16_bit_png_keeps_its_high_byte() -> None:
    pixels = decode(saved(Image.fromarray(np.full((8, 8), 0x8042, np.uint16)), "PNG"))
    assert np.all(pixels == 0x80)


def test_a_cmyk_jpeg_keeps_its_colours() -> None:
    pixels = decode(saved(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", quality=95))
    assert pixels[16, 16] == pytest.approx([255, 0, 0], abs=12)


def test_transparency_is_laid_on_white() -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image.putpixel((0, 0), (10, 20, 30, 255))
    pixels = decode(saved(image, "PNG"))
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert pixels[3, 3].tolist() == [255, 255, 255]


@pytest.mark.parametrize("size", [(65_501, 2), (2, 65_501)])
def test_a_side_that_no_jpeg_can_have_is_refused_because_the_scan_could_not_be_stored(
    size: tuple[int, int],
) -> None:
    with pytest.raises(UploadTooLarge, match="no side may have more than 65,500"):
        decode(saved(Image.new("L", size), "PNG"))
    longest = Image.new("RGB", (65_500, 1) if size[0] > size[1] else (1, 65_500))
    assert encode_jpeg(decode(saved(longest, "PNG")), 90)


def test_a_transparent_palette_is_laid_on_white() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 9, 9, 9])
    image.info["transparency"] = 0
    assert np.all(decode(saved(image, "PNG", transparency=0)) == 255)


@pytest.mark.parametrize("strip_pixels", [1, 1000, 40 * 7, 10**6])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "I;16", "I", "F"])
def test_converting_in_strips_gives_what_converting_at_once_gives(
    mode: str, strip_pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.vision.decode._STRIP_PIXELS", strip_pixels)
    image = noise(mode)
    expected = at_once(image)
    got = decode(saved(image, "TIFF" if mode in ("I", "F") else "PNG"))
    assert np.abs(got.astype(int) - expected).max() <= 1
    assert expected.std() > 20


def noise(mode: str) -> Image.Image:
    rng = np.random.default_rng(5)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65536, (31, 40), dtype=np.uint16))
    if mode == "I":
        return Image.fromarray(rng.integers(2**30, 2**30 + 900, (31, 40), dtype=np.int32))
    if mode == "F":
        return Image.fromarray(rng.normal(0.0, 7.0, (31, 40)).astype(np.float32))
    colours = Image.fromarray(rng.integers(0, 256, (31, 40, 4), dtype=np.uint8))
    return colours if mode == "RGBA" else colours.convert(mode)


def at_once(image: Image.Image) -> np.ndarray:
    """Shades (height, width, 3) of the whole picture, from the definition."""
    if image.mode in ("I;16", "I", "F"):
        samples = np.asarray(image).astype(np.float64)
        low, high = (0, 65535) if image.mode == "I;16" else (samples.min(), samples.max())
        samples = (samples - low) / (high - low) * 255
        return np.repeat(samples[:, :, None], 3, axis=2)
    shades = np.asarray(image.convert("RGBA")).astype(np.float64)
    alpha = shades[:, :, 3:] / 255
    return shades[:, :, :3] * alpha + 255 * (1 - alpha)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_32_bit_samples_are_converted_within_a_few_strips_of_memory(dtype: type[np.generic]) -> None:
    side = 3000
    data = saved(Image.fromarray(np.arange(side * side, dtype=dtype).reshape(side, side)), "TIFF")
    tracemalloc.start()
    try:
        pixels = decode(data, max_upload_bytes=len(data))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < pixels.nbytes + len(data) + 60_000_000


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_the_exif_orientation_is_applied(picture_format: str, orientation: int) -> None:
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16] = (255, 0, 0)
    upright[:8, 16:] = (0, 255, 0)
    upright[8:, :16] = (0, 0, 255)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"quality": 95}}.get(picture_format, {})
    pixels = decode(
        saved(Image.fromarray(np.ascontiguousarray(stored)), picture_format, exif=exif, **options)
    )
    assert pixels.shape == upright.shape
    assert np.abs(pixels[3:5, 3:13].astype(int) - upright[3:5, 3:13]).mean() < 40
    assert np.abs(pixels[11:13, 3:13].astype(int) - upright[11:13, 3:13]).mean() < 40


def test_what_is_encoded_again_carries_no_exif() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera that tells where it was"
    again = encode_jpeg(decode(saved(picture(), "JPEG", exif=exif)), 90)
    assert b"camera" not in again
    assert b"Exif" not in again
    assert decode(again).shape == (30, 40, 3)


def test_no_bytes_are_an_empty_upload() -> None:
    with pytest.raises(EmptyUpload):
        decode(b"")


@pytest.mark.parametrize(
    "data",
    [b"just text, called page.jpg", b"GIF89a" + bytes(40), b"\xff\xd8", b"%PDF-1.7", b"RIFF\0\0\0\0WAVE"],
)
def test_what_is_no_picture_of_a_known_format_is_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedFormat, match="JPEG, PNG"):
        decode(data)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIC"])
def test_a_truncated_picture_is_refused_as_broken(picture_format: str, share: float) -> None:
    if picture_format == "HEIC":
        data = HEIC.read_bytes()
    else:
        noise = np.random.default_rng(3).integers(0, 255, (60, 80, 3), dtype=np.uint8)
        data = saved(Image.fromarray(noise), picture_format)
    with pytest.raises(BrokenImage):
        decode(data[: max(16, int(len(data) * share))])


def test_a_truncated_progressive_jpeg_is_refused_as_broken() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), "JPEG", progressive=True)
    with pytest.raises(BrokenImage):
        decode(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("mode", "size", "options"),
    [
        ("RGB", (41, 67), {"subsampling": 2}),
        ("RGB", (41, 67), {"subsampling": 0, "progressive": True}),
        ("RGB", (64, 48), {"keep_rgb": True}),
        ("L", (2, 2), {}),
        ("L", (33, 17), {"progressive": True}),
    ],
    ids=["odd sides", "progressive", "stored as RGB", "tiny grey", "grey"],
)
def test_jpegs_of_every_kind_give_the_pixels_that_opencv_gives(
    mode: str, size: tuple[int, int], options: dict[str, object]
) -> None:
    noise = np.random.default_rng(4).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise).convert(mode), "JPEG", quality=90, **options)
    other = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert (decode(data) == other).all()


def test_a_jpeg_with_stray_bytes_between_its_parts_is_read_all_the_same() -> None:
    data = saved(picture(), "JPEG")
    scan = data.index(b"\xff\xda")
    strayed = data[:scan] + b"\x00\x00\x00" + data[scan:]
    assert (decode(strayed) == decode(data)).all()


def test_a_file_over_the_byte_limit_is_refused_with_both_numbers() -> None:
    with pytest.raises(UploadTooLarge, match=r"101 bytes; at most 100"):
        decode(b"x" * 101, max_upload_bytes=100)


def test_a_png_bomb_is_refused_by_its_header_with_its_size() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UploadTooLarge, match=r"40000 x 40000 = 1600.0 megapixels; at most 60.0"):
            decode(png_header(40_000, 40_000), max_pixels=60_000_000)


def test_a_picture_beyond_pillows_own_limit_but_within_ours_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BrokenImage):  # it has no pixel data, but its size alone is fine
            decode(png_header(10_000, 10_000), max_pixels=200_000_000)


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"quality": 80}, {"quality": 80, "exif": b"Exif\0\0MM\0*"}]
)
def test_a_large_webp_is_refused_before_its_canvas_is_made(options: dict[str, object]) -> None:
    with pytest.raises(UploadTooLarge, match=r"400 x 300"):
        decode(saved(picture(size=(400, 300)), "WEBP", **options), max_pixels=1000)


def test_only_the_first_frame_is_read() -> None:
    pages = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    pixels = decode(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert pixels[4, 4].tolist() == [255, 0, 0]


@pytest.mark.parametrize("picture_format", ["TIFF", "PNG", "WEBP"])
def test_an_absurd_number_of_frames_is_refused(picture_format: str) -> None:
    pages = [Image.new("RGB", (4, 4), (index % 2 * 255, index // 2, 7)) for index in range(300)]
    with pytest.raises(UploadTooLarge, match="frames"):
        decode(saved(pages[0], picture_format, save_all=True, append_images=pages[1:]))
