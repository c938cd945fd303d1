"""Which way up a picture was taken, read out of its metadata without reading the rest of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from app.vision.directories import Directories

ORIENTATION_TAG: Final = 0x0112  # EXIF 2.3, table 4
AS_STORED: Final = 1

#: More entries than tags exist, in a directory of 16-bit tags.
_MOST_ENTRIES: Final = 65_536
_XMP_ORIENTATION: Final = r'tiff:Orientation(?:="|>)([0-9])'


def orientation(info: Mapping[Any, Any]) -> int:
    """The orientation (1 to 8, or what stands there) that a picture's metadata name; 1 where they name none.

    EXIF goes before XMP. Metadata that cannot be read say nothing: the picture itself may be sound.

    Args:
        info: What Pillow's reader of the format found, the blocks still unread.
    """
    found = _of_exif(_exif_block(info))
    return _of_xmp(info) if found is None else found


def _exif_block(info: Mapping[Any, Any]) -> bytes:
    block = info.get("exif")
    if block is None and "Raw profile type exif" in info:  # ImageMagick wrote PNGs so, in hexadecimal
        try:
            block = bytes.fromhex("".join(str(info["Raw profile type exif"]).split("\n")[3:]))
        except ValueError:
            return b""
    return block if isinstance(block, bytes) else b""


def _of_exif(block: bytes) -> int | None:
    try:
        directories = Directories.of_exif(block)
    except ValueError:
        return None
    found = None
    for entry in directories.entries(directories.first, _MOST_ENTRIES):
        if entry.tag == ORIENTATION_TAG and (value := directories.integer(entry)) is not None:
            found = value  # of several the last counts, as for Pillow
    return found


def _of_xmp(info: Mapping[Any, Any]) -> int:
    text, raw = info.get("XML:com.adobe.xmp"), info.get("xmp")
    found: re.Match[Any] | None = None
    if isinstance(text, str) and text:
        found = re.search(_XMP_ORIENTATION, text)
    elif isinstance(raw, bytes):
        found = re.search(_XMP_ORIENTATION.encode("ascii"), raw)
    return AS_STORED if found is None else int(found[1])
