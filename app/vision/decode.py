"""Uploaded bytes to pixels, and pixels to JPEG.

Everything here is fed by strangers. The format is read from the content, never from a claimed type; size and
number of frames are read from the header and judged before any pixel is allocated. The format's reader is
opened by itself instead of through ``PIL.Image.open``, whose own limit is a module-wide setting that warns.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import cast

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin
from PIL.ImageFile import ImageFile

from app.domain.errors import BinderlensError, BrokenImage, EmptyUpload, UploadTooLarge
from app.domain.types import RgbImage
from app.vision.exif import AS_STORED, ORIENTATION_TAG, orientation
from app.vision.headers import (
    check_frames,
    check_size,
    scan_peak_bytes,
    sniff,
    tile_size,
    webp_size,
)
from app.vision.heic import check_heic
from app.vision.jpeg import check_jpeg
from app.vision.png import check_png
from app.vision.tiff import check_tiff

Reserve = Callable[[int], None]
"""Told the bytes that are about to be allocated; raises where there is no room for them."""

#: Pixels converted at a time: 8 MB of float64.
_STRIP_PIXELS = 1_000_000
#: What a reader takes for the metadata of common pictures, beside their pixels, is less.
_WORTH_RESERVING_BYTES = 1_000_000


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """Pillow's reader, which would copy every value of the EXIF to find a resolution there."""

    def getexif(self) -> Image.Exif:
        """None of it."""
        return Image.Exif()


class _Tiff(TiffImagePlugin.TiffImageFile):
    """Pillow's reader, which would copy the values of every directory again to turn the picture upright."""

    def getexif(self) -> Image.Exif:
        """The orientation alone, by which Pillow turns the picture when it is loaded."""
        found = Image.Exif()
        if ORIENTATION_TAG in self.tag_v2:
            found[ORIENTATION_TAG] = self.tag_v2[ORIENTATION_TAG]
        return found


def reserve_nothing(_need_bytes: int) -> None:
    """For those who decode one picture at a time, and may be killed for it."""


def decode_image(
    data: bytes, *, max_upload_bytes: int, max_pixels: int, reserve: Reserve = reserve_nothing
) -> RgbImage:
    """Decodes the first frame of a picture, upright as its EXIF orientation says, without any metadata.

    Args:
        data: The file: JPEG, PNG, WebP, TIFF or HEIC.
        max_upload_bytes: Largest file accepted.
        max_pixels: Largest width times height accepted.
        reserve: Called when the header is read and before pixels are allocated, with what a scan of this
            picture takes at its peak, in bytes; before that as well, where the picture's structure takes
            much.

    Returns:
        RGB uint8 (height, width, 3). Transparency is laid on white; 16-bit pictures lose their low byte.

    Raises:
        EmptyUpload: no bytes.
        UploadTooLarge: more bytes, pixels or frames than allowed.
        UnsupportedFormat: not a picture of a known format.
        BrokenImage: a known format that cannot be decoded.
        InvalidInput: a JPEG or PNG of absurdly many scans, segments or chunks.
        MemoryTight: ``reserve`` found no room.
    """
    if not data:
        raise EmptyUpload("the uploaded file is empty")
    if len(data) > max_upload_bytes:
        raise UploadTooLarge(f"the file has {len(data)} bytes; at most {max_upload_bytes} are accepted")
    picture_format = sniff(data)
    try:
        return _decode(data, picture_format, max_pixels, reserve)
    except (BinderlensError, MemoryError):
        raise
    except Exception as error:  # a broken file makes the readers raise nearly every class there is
        raise BrokenImage(f"the {picture_format} picture cannot be decoded: {error}") from error


def encode_jpeg(image: RgbImage, quality: int) -> bytes:
    """Encodes a picture as baseline JPEG of the given quality (1 to 100), without metadata."""
    return bytes(
        simplejpeg.encode_jpeg(
            np.ascontiguousarray(image), quality, colorspace="RGB", colorsubsampling="420", fastdct=False
        )
    )


def _decode(data: bytes, picture_format: str, max_pixels: int, reserve: Reserve) -> RgbImage:
    coded_pixels = _check_structure(data, picture_format, max_pixels, reserve)
    with _open(data, picture_format) as picture:
        _check(picture, picture_format, max_pixels)
        if picture_format != "WebP":
            tile_width, tile_height = tile_size(picture)
            pixels_at_once = max(picture.width * picture.height, tile_width * tile_height, coded_pixels)
            reserve(scan_peak_bytes(picture_format, pixels_at_once, picture.mode))
        turns_itself = ORIENTATION_TAG in getattr(picture, "tag_v2", {})  # a TIFF, when it is loaded
        if picture_format == "JPEG" and picture.mode in ("RGB", "L"):
            pixels = _decode_jpeg(data)  # a fifth of Pillow's time: 23 against 120 ms at 12 megapixels
        else:
            picture.load()
            pixels = _to_rgb(picture)
        # Not by Pillow's ``getexif``, which copies every value of the EXIF, however they overlap.
        return _turn_upright(pixels, AS_STORED if turns_itself else orientation(picture.info))


def _check_structure(data: bytes, picture_format: str, max_pixels: int, reserve: Reserve) -> int:
    """Judges a file before its reader opens it, and reserves what that takes where it is worth a word.

    Returns:
        Pixels that are decoded on the way to those of the picture, where they may be more.
    """
    opening_bytes = coded_pixels = 0
    if picture_format == "WebP":  # its reader allocates two canvases when it is opened
        width, height = webp_size(data)
        check_size(width, height, max_pixels)
        opening_bytes = scan_peak_bytes(picture_format, width * height)
    elif picture_format == "JPEG":
        check_jpeg(data)
    elif picture_format == "PNG":
        check_png(data)
    elif picture_format == "TIFF":
        opening_bytes = check_tiff(data)
    else:
        needs = check_heic(data, max_pixels)
        opening_bytes, coded_pixels = needs.opening_bytes, needs.coded_pixels
    if picture_format == "WebP" or opening_bytes > _WORTH_RESERVING_BYTES:
        reserve(opening_bytes)
    return coded_pixels


def _check(picture: ImageFile, picture_format: str, max_pixels: int) -> None:
    """Holds what the header says against the limits."""
    if picture_format == "TIFF" and Image.MAX_IMAGE_PIXELS:
        max_pixels = min(max_pixels, Image.MAX_IMAGE_PIXELS)  # its reader keeps this limit, by warning
    check_size(*picture.size, max_pixels)
    if picture_format != "TIFF":
        check_frames(picture)
    check_size(*tile_size(picture), max_pixels, "tile of the TIFF")


def _open(data: bytes, picture_format: str) -> ImageFile:
    """Reads the header alone."""
    stream = io.BytesIO(data)
    if picture_format == "HEIC":
        from pi_heif import HeifImageFile  # 10 MB of library that most scans never need

        return cast(ImageFile, HeifImageFile(stream))
    readers: dict[str, type[ImageFile]] = {
        "JPEG": _Jpeg,
        "PNG": PngImagePlugin.PngImageFile,
        "WebP": WebPImagePlugin.WebPImageFile,
        "TIFF": _Tiff,
    }
    return readers[picture_format](stream)


def _decode_jpeg(data: bytes) -> RgbImage:
    """By libjpeg-turbo itself: OpenCV gives the same pixels, by way of a second copy of all of them.

    What it would warn of is decoded a second time, by OpenCV, which overlooks stray bytes between the parts.
    """
    try:
        return cast(RgbImage, simplejpeg.decode_jpeg(data, "RGB", fastdct=False, fastupsample=False))
    except ValueError:
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
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
