"""What the items of a HEIC make libheif read and decode, judged before it opens the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.domain.errors import BrokenImage, UploadTooLarge
from app.vision.boxes import Item, Reader, read_items

#: libheif 1.23 reads no more items. None has to be decoded twice: a picture that is made of others which
#: share their own parts over several levels would be decoded billions of times.
_MOST_DECODED: Final = 1000
#: Times the largest picture accepted: a grid, its tiles, and the same again for its transparency.
_MOST_PICTURES: Final = 4
#: A profile that several pictures of a sound file share is stored once and copied for each.
_SHARED: Final = 4
#: Of metadata and profiles when the file is opened, in libheif and in Python; measured: 3 of EXIF, 5 of a
#: colour profile.
_COPIES: Final = 5
_METADATA: Final = frozenset((b"Exif", b"mime", b"uri "))
_DERIVED: Final = frozenset((b"grid", b"iovl", b"iden", b"tmap"))
_MADE_OF, _DESCRIBES, _BELONGS_TO = b"dimg", b"cdsc", b"auxl"


@dataclass(frozen=True, slots=True)
class HeicNeeds:
    """What a HEIC takes: bytes when it is opened, and pixels that are coded in it and decoded."""

    opening_bytes: int
    coded_pixels: int


def check_heic(data: bytes, max_pixels: int) -> HeicNeeds:
    """Holds the items of a HEIC against the limits.

    Raises:
        BrokenImage: the boxes cannot be read; or an item, or all that is copied when the file is opened, is
            larger than the file, as it can only be where the same bytes are named again and again.
        UploadTooLarge: it is made of more pictures or pixels than the largest one accepted has use for.
    """
    try:
        primary, items = read_items(_meta(data))
    except ValueError as error:
        raise BrokenImage(f"the HEIC picture cannot be decoded: {error}") from error
    if any(item.stored_bytes > len(data) for item in items.values()):
        raise BrokenImage("an item of the HEIC is larger than the file")
    metadata_bytes, profile_bytes = (sum(map(copied, items.values())) for copied in (_metadata, _profiles))
    if metadata_bytes > len(data) or profile_bytes > _SHARED * len(data):
        raise BrokenImage("the metadata of the HEIC are larger together than the file")
    opening_bytes = _COPIES * (metadata_bytes + profile_bytes)
    return HeicNeeds(opening_bytes, _coded_pixels(primary, items, max_pixels))


def _meta(data: bytes) -> Reader:
    """The only ``meta`` box. Telephones put other things than boxes behind the last one."""
    found = None
    try:
        for name, box in Reader(data).boxes():
            if name == b"meta" and found is not None:
                raise BrokenImage("the HEIC has two boxes of metadata")
            found = box if name == b"meta" else found
    except ValueError:
        pass  # what is no box
    if found is None:
        raise ValueError("it has no whole box of metadata")
    return found


def _metadata(item: Item) -> int:
    """Bytes of an item that are copied when the file is opened: for each picture that it describes."""
    return item.stored_bytes * max(1, len(item.names.get(_DESCRIBES, ()))) if item.kind in _METADATA else 0


def _profiles(item: Item) -> int:
    """Bytes of colour profiles that are: for each picture that may be shown."""
    return 0 if item.is_hidden or item.kind in _METADATA else item.profile_bytes


def _coded_pixels(primary: int, items: dict[int, Item], max_pixels: int) -> int:
    """Follows what the primary item is made of, as often as libheif would."""
    alphas: dict[int, list[int]] = {}
    for number, item in items.items():
        for of in item.names.get(_BELONGS_TO, ()) if item.is_alpha else ():
            alphas.setdefault(of, []).append(number)
    waiting, decoded, pixels, coded_pixels = [primary], 0, 0, 0
    while waiting:
        number = waiting.pop()
        item = items.get(number, Item())
        parts = item.names.get(_MADE_OF, [])
        decoded += 1
        pixels += item.pixels
        coded_pixels += 0 if item.kind in _DERIVED else item.pixels
        if decoded > _MOST_DECODED:
            raise UploadTooLarge(f"the HEIC is made of more than {_MOST_DECODED} pictures")
        if pixels > _MOST_PICTURES * max_pixels:
            raise UploadTooLarge(
                f"the pictures that the HEIC is made of have {pixels / 1e6:.1f} megapixels or more together; "
                f"at most {_MOST_PICTURES * max_pixels / 1e6:.1f} are accepted"
            )
        waiting += [*parts, *alphas.get(number, ())]
    return coded_pixels
