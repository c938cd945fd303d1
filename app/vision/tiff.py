"""What the first directory of a TIFF makes its readers allocate, judged before one of them opens it."""

from __future__ import annotations

from typing import Final

from app.domain.errors import BrokenImage, UploadTooLarge
from app.vision.directories import Directories, Entry
from app.vision.headers import MAX_FRAMES, MAX_SIDE_PX

#: A directory has some tens of entries, one of a microscope a few hundred.
_MOST_ENTRIES: Final = 4096
#: Bytes, text and what is undefined stay as they are; of other types each value becomes an object.
_PACKED_KINDS: Final = frozenset({1, 2, 7})

_WIDTH, _LENGTH, _COLOR_MAP = 256, 257, 320
_STRIP_OFFSETS, _TILE_OFFSETS = 273, 324
#: What Pillow looks at when it opens a TIFF, beside those above: layout and resolution, XMP, colour profile.
_OPENED: Final = frozenset(
    (256, 257, 258, 259, 262, 266, 274, 277, 278, 282, 283, 284, 296, 317, 322, 323, 338, 339, 530)
) | {700, 34675}
#: Of those none has more than a value for each sample of a pixel, or six.
_MOST_VALUES: Final = 1000
#: Three shades for each value of 16 bits.
_MOST_COLORS: Final = 3 * 65_536
#: Planes of a picture: Pillow reads no more than six samples a pixel.
_MOST_PLANES: Final = 6
_MOST_PIECES: Final = _MOST_PLANES * MAX_SIDE_PX
#: What Pillow takes for each strip or tile: its offset, its place and how it is read, as Python objects;
#: measured with 20,000 to 393,000 of them, 345 each.
_PIECE_BYTES: Final = 360
#: Sides of tiles are multiples of this (TIFF 6.0, section 15).
_LEAST_TILE_PX: Final = 16


def check_tiff(data: bytes) -> int:
    """Holds the directories of a TIFF against the limits, before its readers copy a byte of them.

    Returns:
        Bytes that its strips or tiles take when it is opened, before there is a pixel.

    Raises:
        UploadTooLarge: more than ``MAX_FRAMES`` frames.
        BrokenImage: no TIFF; or its first directory has tags that are larger together than the file, as they
            can only be where they overlap, or more values of a tag than a picture of its size has use for.
    """
    if data.startswith(b"MM\0+"):  # Pillow takes it for a classic one and looks elsewhere than libtiff
        raise BrokenImage("a BigTIFF can only be decoded where its byte order is II")
    try:
        directories = Directories(data)
    except ValueError as error:
        raise BrokenImage(f"the TIFF picture cannot be decoded: {error}") from error
    _check_frames(directories)
    first = directories.first
    if directories.length(first) > _MOST_ENTRIES:
        raise BrokenImage(f"the TIFF has more than {_MOST_ENTRIES} tags")
    entries = list(directories.entries(first, _MOST_ENTRIES))
    if sum(entry.size_bytes for entry in entries if _is_copied(directories, entry)) > len(data):
        raise BrokenImage("the tags of the TIFF are larger together than the file")
    most_pieces = _most_pieces(directories, entries)
    for entry in entries:
        if entry.kind not in _PACKED_KINDS and entry.count > _most_values(entry.tag, most_pieces):
            raise BrokenImage(f"tag {entry.tag} of the TIFF has {entry.count} values")
    pieces = [entry.count for entry in entries if entry.tag in (_STRIP_OFFSETS, _TILE_OFFSETS)]
    return _PIECE_BYTES * max(pieces, default=0)


def _check_frames(directories: Directories) -> None:
    """Follows the chain, which the file may make endless; Pillow would load each with all its values."""
    at, seen = directories.first, set[int]()
    while at and at not in seen:
        seen.add(at)
        if len(seen) > MAX_FRAMES:
            raise UploadTooLarge(f"the TIFF has more than {MAX_FRAMES} frames")
        at = directories.after(at)


def _is_copied(directories: Directories, entry: Entry) -> bool:
    # One that reaches beyond the file is passed over, or ends the reading.
    return not entry.is_inline and directories.fits(entry)


def _most_pieces(directories: Directories, entries: list[Entry]) -> int:
    """Strips are a row high or more, tiles 16 pixels; each plane may have its own."""
    named = [entry for entry in entries if entry.tag in (_WIDTH, _LENGTH)]
    sides = {entry.tag: directories.integer(entry) or 0 for entry in named}
    width_px, height_px = sides.get(_WIDTH, 0), sides.get(_LENGTH, 0)
    tiles = (width_px // _LEAST_TILE_PX + 1) * (height_px // _LEAST_TILE_PX + 1)
    return min(_MOST_PIECES, _MOST_PLANES * max(height_px, tiles))


def _most_values(tag: int, most_pieces: int) -> float:
    if tag in (_STRIP_OFFSETS, _TILE_OFFSETS):
        return most_pieces
    if tag == _COLOR_MAP:
        return _MOST_COLORS
    return _MOST_VALUES if tag in _OPENED else float("inf")
