"""What a picture's file says of itself, judged before any pixel is allocated."""

from __future__ import annotations

import struct

from PIL.ImageFile import ImageFile

from app.domain.errors import BrokenImage, UnsupportedFormat, UploadTooLarge

#: A scan is one picture; a feeder's multi-page TIFF is still read (its first page), a film is not.
MAX_FRAMES = 256

#: A scan is stored as JPEG, and libjpeg writes nothing wider or higher.
MAX_SIDE_PX = 65_500

#: Bytes a pixel at the peak of a scan, the turn by EXIF and the detector included; measured at 6 and 24
#: megapixels, the worst of each format's variants. JPEG: 3 a colour channel, since a progressive one keeps
#: 2-byte coefficients beside its pixels. WebP: its reader makes two canvases, Pillow a third.
_PEAK_BYTES_A_PIXEL = {"JPEG": 9, "PNG": 10, "WebP": 18, "TIFF": 10, "HEIC": 10}
_PEAK_BYTES_A_CMYK_JPEG_PIXEL = 12

_TILE_WIDTH_TAG, _TILE_LENGTH_TAG = 322, 323  # TIFF 6.0, section 15
_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
_KNOWN = "JPEG, PNG, WebP, TIFF or HEIC"


def sniff(data: bytes) -> str:
    """Names the format by its first bytes.

    Raises:
        UnsupportedFormat: not a picture of a known format.
    """
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


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of the canvas in pixels, from the first chunk (RFC 9649, section 2)."""
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


def tile_size(picture: ImageFile) -> tuple[int, int]:
    """Width and height in pixels of the tiles of a TIFF; 0, 0 where it has strips.

    libtiff allocates whole tiles as large as they are declared, however small the picture. Strips it cuts to
    the picture's height.
    """
    tags = getattr(picture, "tag_v2", {})
    return int(tags.get(_TILE_WIDTH_TAG, 0)), int(tags.get(_TILE_LENGTH_TAG, 0))


def scan_peak_bytes(picture_format: str, pixels: int, mode: str = "RGB") -> int:
    """Estimates what a scan of a picture takes at its peak, in bytes, beside the file and the cut cards.

    Args:
        picture_format: As ``sniff`` names it.
        pixels: Width times height, of the picture or of its tiles, whichever is more.
        mode: Pillow's name of the pixel layout.
    """
    if picture_format == "JPEG" and mode == "CMYK":
        return pixels * _PEAK_BYTES_A_CMYK_JPEG_PIXEL
    return pixels * _PEAK_BYTES_A_PIXEL[picture_format]


def check_size(width: int, height: int, max_pixels: int, what: str = "picture") -> None:
    """Raises UploadTooLarge where width times height is more than ``max_pixels``, or a side too long."""
    if max(width, height) > MAX_SIDE_PX:
        raise UploadTooLarge(
            f"the {what} has {width} x {height} pixels; no side may have more than {MAX_SIDE_PX:,}"
        )
    if width * height > max_pixels:
        raise UploadTooLarge(
            f"the {what} has {width} x {height} = {width * height / 1e6:.1f} megapixels; "
            f"at most {max_pixels / 1e6:.1f} are accepted"
        )


def check_frames(picture: ImageFile) -> None:
    """Raises UploadTooLarge for more than ``MAX_FRAMES`` frames; those of a TIFF are counted elsewhere."""
    frames = getattr(picture, "n_frames", 1)
    if frames > MAX_FRAMES:
        raise UploadTooLarge(f"the picture has {frames} frames; at most {MAX_FRAMES} are accepted")
