"""Uploaded bytes to pixels, and pixels to JPEG.

Everything here is fed by strangers. The format is read from the content, never from a claimed type; size and
number of frames are read from the header and judged before any pixel is allocated. The format's reader is
opened by itself instead of through ``PIL.Image.open``, whose own limit is a module-wide setting that warns.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin
from PIL.ImageFile import ImageFile

from app.domain.errors import BinderlensError, BrokenImage, EmptyUpload, UnsupportedFormat, UploadTooLarge
from app.domain.types import RgbImage

#: A scan is one picture; a feeder's multi-page TIFF is still read (its first page), a film is not.
MAX_FRAMES = 256

#: Pixels converted at a time: 8 MB of float64.
_STRIP_PIXELS = 1_000_000

_ORIENTATION_TAG = 0x0112  # EXIF 2.3, table 4
_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
_KNOWN = "JPEG, PNG, WebP, TIFF or HEIC"


def decode_image(data: bytes, *, max_upload_bytes: int, max_pixels: int) -> RgbImage:
    """Decodes the first frame of a picture, upright as its EXIF orientation says, without any metadata.

    Args:
        data: The file: JPEG, PNG, WebP, TIFF or HEIC.
        max_upload_bytes: Largest file accepted.
        max_pixels: Largest width times height accepted.

    Returns:
        RGB uint8 (height, width, 3). Transparency is laid on white; 16-bit pictures lose their low byte.

    Raises:
        EmptyUpload: no bytes.
        UploadTooLarge: more bytes, pixels or frames than allowed.
        UnsupportedFormat: not a picture of a known format.
        BrokenImage: a known format that cannot be decoded.
    """
    if not data:
        raise EmptyUpload("the uploaded file is empty")
    if len(data) > max_upload_bytes:
        raise UploadTooLarge(f"the file has {len(data)} bytes; at most {max_upload_bytes} are accepted")
    picture_format = _sniff(data)
    try:
        return _decode(data, picture_format, max_pixels)
    except (BinderlensError, MemoryError):
        raise
    except Exception as error:  # a broken file makes the readers raise nearly every class there is
        raise BrokenImage(f"the {picture_format} picture cannot be decoded: {error}") from error


def encode_jpeg(image: RgbImage, quality: int) -> bytes:
    """Encodes a picture as baseline JPEG of the given quality (1 to 100), without metadata."""
    done, buffer = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError(f"a picture of shape {image.shape} cannot be encoded as JPEG")
    return buffer.tobytes()


def _sniff(data: bytes) -> str:
    """Names the format by its first bytes."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return "TIFF"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return "HEIC"
    raise UnsupportedFormat(f"the file is not a picture of a known format ({_KNOWN})")


def _decode(data: bytes, picture_format: str, max_pixels: int) -> RgbImage:
    if picture_format == "WebP":  # its reader allocates two canvases when it is opened
        _check_size(*_webp_size(data), max_pixels)
    with _open(data, picture_format) as picture:
        limit = max_pixels
        if picture_format == "TIFF" and Image.MAX_IMAGE_PIXELS:
            limit = min(limit, Image.MAX_IMAGE_PIXELS)  # its reader keeps this limit itself, by warning
        _check_size(*picture.size, limit)
        _check_frames(picture, picture_format)
        if picture_format == "JPEG" and picture.mode in ("RGB", "L"):
            pixels = _decode_jpeg(data)  # half the time of Pillow: 54 against 120 ms at 12 megapixels
        else:
            picture.load()
            pixels = _to_rgb(picture)
        return _turn_upright(pixels, picture.getexif().get(_ORIENTATION_TAG, 1))


def _open(data: bytes, picture_format: str) -> ImageFile:
    """Reads the header alone."""
    stream = io.BytesIO(data)
    if picture_format == "HEIC":
        from pi_heif import HeifImageFile  # 10 MB of library that most scans never need

        return cast(ImageFile, HeifImageFile(stream))
    readers: dict[str, type[ImageFile]] = {
        "JPEG": JpegImagePlugin.JpegImageFile,
        "PNG": PngImagePlugin.PngImageFile,
        "WebP": WebPImagePlugin.WebPImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
    }
    return readers[picture_format](stream)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of the canvas, from the first chunk (RFC 9649, section 2)."""
    chunk, body = data[12:16], data[20:30]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8L":
        bits = struct.unpack("<I", body[1:5])[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    raise BrokenImage("the WebP picture has no image chunk")


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise UploadTooLarge(
            f"the picture has {width} x {height} = {width * height / 1e6:.1f} megapixels; "
            f"at most {max_pixels / 1e6:.1f} are accepted"
        )


def _check_frames(picture: ImageFile, picture_format: str) -> None:
    if picture_format == "TIFF":  # to count them all it would walk a chain that the file may make endless
        try:
            picture.seek(MAX_FRAMES)
        except EOFError:
            picture.seek(0)
            return
        raise UploadTooLarge(f"the TIFF has more than {MAX_FRAMES} frames")
    frames = getattr(picture, "n_frames", 1)
    if frames > MAX_FRAMES:
        raise UploadTooLarge(f"the picture has {frames} frames; at most {MAX_FRAMES} are accepted")


def _decode_jpeg(data: bytes) -> RgbImage:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise BrokenImage("the JPEG picture is truncated or corrupt")
    return cast(RgbImage, pixels)


def _to_rgb(picture: Image.Image) -> RgbImage:
    """Converts strip by strip: several copies of a strip cost little, of a 60-megapixel picture gigabytes."""
    to_rgb: Callable[[Image.Image], NDArray[np.uint8]] = _opaque
    if picture.mode.startswith("I;16"):
        to_rgb = _high_byte
    elif picture.mode in ("I", "F"):
        to_rgb = _stretching(picture)
    pixels = np.empty((picture.height, picture.width, 3), dtype=np.uint8)
    for top, strip in _strips(picture):
        pixels[top : top + strip.height] = to_rgb(strip)
    return pixels


def _strips(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Full-width parts of about ``_STRIP_PIXELS``, each with its top row."""
    rows = max(1, _STRIP_PIXELS // picture.width)
    for top in range(0, picture.height, rows):
        yield top, picture.crop((0, top, picture.width, min(top + rows, picture.height)))


def _opaque(strip: Image.Image) -> NDArray[np.uint8]:
    """RGB (height, width, 3); what is transparent lies on white."""
    if strip.has_transparency_data:
        paper = Image.new("RGBA", strip.size, "white")
        paper.alpha_composite(strip.convert("RGBA"))
        strip = paper
    return np.asarray(strip.convert("RGB"), dtype=np.uint8)


def _high_byte(strip: Image.Image) -> NDArray[np.uint8]:
    """Gray (height, width, 1) of 16-bit samples."""
    return (np.asarray(strip).astype(np.uint16) >> 8).astype(np.uint8)[:, :, None]


def _stretching(picture: Image.Image) -> Callable[[Image.Image], NDArray[np.uint8]]:
    """Gray (height, width, 1) of 32-bit samples, whose full range is unknown: the picture's own is taken."""
    extremes = [(values.min(), values.max()) for values in (_samples(strip) for _, strip in _strips(picture))]
    low = min(low for low, _ in extremes)
    scale = 255.0 / max(max(high for _, high in extremes) - low, 1e-9)
    return lambda strip: ((_samples(strip) - low) * scale).astype(np.uint8)[:, :, None]


def _samples(strip: Image.Image) -> NDArray[np.float64]:
    """float64, because float32 cannot tell large neighbouring integers apart; NaN counts as 0."""
    return np.nan_to_num(np.asarray(strip, dtype=np.float64))


def _turn_upright(pixels: RgbImage, orientation: int) -> RgbImage:
    """Undoes the EXIF orientation (1 to 8); values that mean nothing leave the picture as it is."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1] if orientation in (4, 8) else pixels[::-1, ::-1]
    if orientation in (2, 6):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
