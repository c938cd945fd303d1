"""What the segments of a JPEG make its readers do, judged before one of them opens it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.domain.errors import InvalidInput

#: A progressive JPEG sends its picture in scans: libjpeg writes 10, encoders that search for the smallest
#: file some tens. Each goes over every block of the picture, so a megabyte of empty ones would decode for
#: minutes. libtiff draws the same line for the JPEGs inside TIFFs.
MAX_JPEG_SCANS: Final = 100

#: Readers keep every segment, an empty one in 130 bytes: ten million of them in a file of 40 MB. A colour
#: profile has 255 at most, and 40 MB of full segments are 611.
MOST_SEGMENTS: Final = 4000
#: Of a kind that Pillow takes apart. It copies all EXIF so far for each further segment of it: 64 full ones
#: cost 0.15 s, a thousand short ones behind 20 MB half a minute. Those of Photoshop cost 0.1 s a megabyte.
MOST_OF_A_KIND: Final = 64
#: Bytes of tables and frame headers before the first scan: 16 tables to quantize by, 8 of Huffman codes and a
#: header are under 5,000, and Pillow takes 4 s for 40 MB.
MOST_TABLE_BYTES: Final = 65_536
#: Bytes between the segments, which cameras pad; Pillow goes over them one by one, 0.7 s a megabyte.
MOST_STRAY_BYTES: Final = 262_144

#: A marker in JPEG data: FF and a code. FF 00 is a stuffed byte, FF D0 to FF D7 restart inside a scan
#: (ITU-T T.81, annex B).
_MARKER: Final = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]")
_END_OF_IMAGE, _START_OF_SCAN, _COMMENT = 0xD9, 0xDA, 0xFE
#: What Pillow takes for a marker alone and reads on right behind; libjpeg gives up at all of them.
_WITHOUT_LENGTH: Final = frozenset((0xC8, _END_OF_IMAGE, *range(0xF0, 0xFE)))
_FIRST_APP, _APP1, _APP13, _LAST_APP = 0xE0, 0xE1, 0xED, 0xEF
_EXIF, _PHOTOSHOP = b"Exif\0\0", b"Photoshop 3.0\0"  # what those segments start with
_LONGEST_NAME: Final = len(_PHOTOSHOP)


def check_jpeg(data: bytes) -> None:
    """Holds the segments of a JPEG against the limits, found as Pillow and libjpeg find them.

    Segments are passed over by their length, so that the markers of a thumbnail in the EXIF do not count; in
    the data of a scan, and after a segment that lies about its length, the next marker is looked for. Up to
    the first scan Pillow goes on past an end of the image; libjpeg stops at it.

    Raises:
        InvalidInput: more scans, segments or bytes between them than a picture has use for.
    """
    counts, position = _Counts(), 2
    while True:
        # No further than may be between two segments: 40 MB of fill bytes would be searched for 0.5 s.
        end = len(data) if counts.scans else min(len(data), position + MOST_STRAY_BYTES + 2)
        found = _MARKER.search(data, position, end)
        if found is None:
            counts.stray_bytes += 0 if counts.scans else end - position
            counts.judge()
            return
        code, body = data[found.start() + 1], found.end()
        counts.stray_bytes += 0 if counts.scans else found.start() - position
        if code == _END_OF_IMAGE and counts.scans:
            return
        if code in _WITHOUT_LENGTH and not counts.scans:
            counts.segments, length = counts.segments + 1, 0
        else:
            length = max(2, int.from_bytes(data[body : body + 2], "big"))
            counts.add(code, length, data[body + 2 : body + 2 + _LONGEST_NAME])
        counts.judge()
        position = body + length


@dataclass(slots=True)
class _Counts:
    """What was found so far; all but scans and segments up to the first scan, where Pillow stops reading."""

    scans: int = 0
    segments: int = 0
    exif: int = 0
    photoshop: int = 0
    table_bytes: int = 0
    stray_bytes: int = 0

    def add(self, code: int, length: int, start: bytes) -> None:
        """A segment of so many bytes, its length's own two included, and how it starts behind them."""
        self.segments += 1
        self.scans += code == _START_OF_SCAN
        if self.scans:
            return
        self.exif += code == _APP1 and start.startswith(_EXIF)
        self.photoshop += code == _APP13 and start.startswith(_PHOTOSHOP)
        is_metadata = _FIRST_APP <= code <= _LAST_APP or code == _COMMENT
        self.table_bytes += 0 if is_metadata else length

    def judge(self) -> None:
        """Raises InvalidInput where it is too much of anything."""
        for what, found, most in (
            ("scans", self.scans, MAX_JPEG_SCANS),
            ("segments", self.segments, MOST_SEGMENTS),
            ("segments of EXIF", self.exif, MOST_OF_A_KIND),
            ("segments of Photoshop's", self.photoshop, MOST_OF_A_KIND),
            ("bytes of tables", self.table_bytes, MOST_TABLE_BYTES),
            ("bytes between its segments", self.stray_bytes, MOST_STRAY_BYTES),
        ):
            if found > most:
                raise InvalidInput(f"the JPEG has more than {most} {what}; save it anew")
