"""The part of a scan that needs pixels alone: decode, detect, put in order, rectify, judge quality."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from app.domain.geometry import side_lengths
from app.domain.grid import assign_grid, reading_order
from app.domain.orientation import quad_rotation
from app.domain.types import CropQuality, DetectedQuad, GridCell, Quad, RgbImage, StoredImage
from app.services.remembering import Remembered
from app.services.scan_memory import ScanMemory
from app.settings import Settings
from app.vision.backs import find_backs
from app.vision.decode import Reserve, decode_image, encode_jpeg
from app.vision.detect import Finder, detect_cards
from app.vision.quality import measure_quality
from app.vision.rectify import rectify

T = TypeVar("T")

#: Stored pictures are JPEG: 88 keeps a card's small print legible at a tenth of the raw size.
SCAN_JPEG_QUALITY = 88
CROP_JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True)
class ReadCard:
    """One detection with its pixels, its corners numbered as they are cut out.

    ``looks_like_back``: it is the back of a card, unless the gallery knows a front that looks so.
    """

    quad_px: Quad
    score: float
    crop: RgbImage
    quality: CropQuality
    looks_like_back: bool = False


@dataclass(frozen=True, slots=True)
class ReadScan:
    """A decoded picture with its cards in reading order."""

    image: RgbImage
    sha256: str
    cards: tuple[ReadCard, ...]
    grid: tuple[GridCell | None, ...]
    timings_ms: dict[str, float]

    def closer(self, index: int) -> RgbImage:
        """A card at twice its crop's height and width where the picture has more to show, else its crop."""
        card = self.cards[index]
        lengths = side_lengths(card.quad_px)
        seen_px = (lengths[1] + lengths[3]) / 2
        return rectify(self.image, card.quad_px, 2) if seen_px > 1.2 * card.crop.shape[0] else card.crop

    def lying(self) -> list[int]:
        """Cards that seem to lie on their side, by their place: seen steeply, upright ones look so."""
        return [i for i, card in enumerate(self.cards) if quad_rotation(card.quad_px) in (90, 270)]

    def on_their_sides(self, indices: Collection[int]) -> ReadScan:
        """The same with these cards cut out anew, what was their left side on top."""
        cards = list(self.cards)
        for index in indices:
            quad_px = np.roll(cards[index].quad_px, 1, axis=0)
            crop = rectify(self.image, quad_px)
            quality = measure_quality(crop, quad_px)
            cards[index] = replace(cards[index], quad_px=quad_px, crop=crop, quality=quality)
        return replace(self, cards=tuple(cards))

    def only(self, kept: Sequence[int]) -> ReadScan:
        """The same with those cards alone, by index; the others leave their places in the grid empty."""
        cards, grid = tuple(self.cards[i] for i in kept), tuple(self.grid[i] for i in kept)
        return replace(self, cards=cards, grid=grid)


class CardFinder(Finder, Protocol):
    """A finder that holds memory from one look to the next."""

    def release(self) -> None:
        """Gives it back, when a picture is done with."""
        ...


#: Where the cards of pictures seen lately lie, by the SHA-256 of the file.
SeenPictures = Remembered[tuple[DetectedQuad, ...]]


def read_scan(
    data: bytes, settings: Settings, memory: ScanMemory, finder: CardFinder | None, seen: SeenPictures
) -> ReadScan:
    """Decodes a picture and cuts out every card. Runs in a worker thread; takes no lock while it works.

    Without a finder cards are found by their outlines alone. They are not looked for again in a picture of
    the same bytes as one of ``seen``.

    Raises:
        InvalidInput: the bytes are not a picture that can be used.
        MemoryTight: there is no room for its pixels.
    """
    with memory:
        return _read(data, settings, memory.reserve, finder, seen)


def _read(
    data: bytes, settings: Settings, reserve: Reserve, finder: CardFinder | None, seen: SeenPictures
) -> ReadScan:
    sha256 = hashlib.sha256(data).hexdigest()
    timings_ms: dict[str, float] = {}
    image = _timed(
        timings_ms,
        "decode",
        lambda: decode_image(
            data,
            max_upload_bytes=settings.max_upload_bytes,
            max_pixels=settings.max_image_pixels,
            reserve=reserve,
        ),
    )
    cards, grid = _timed(timings_ms, "detect", lambda: _cut_out(image, _find(image, sha256, finder, seen)))
    return ReadScan(image, sha256, cards, grid, timings_ms)


def _find(
    image: RgbImage, sha256: str, finder: CardFinder | None, seen: SeenPictures
) -> tuple[DetectedQuad, ...]:
    found = seen.get(sha256)
    if found is None:
        try:
            found = tuple(detect_cards(image, finder))
        finally:
            if finder is not None:
                finder.release()
        seen.put(sha256, found)
    return found


def _cut_out(
    image: RgbImage, found: Sequence[DetectedQuad]
) -> tuple[tuple[ReadCard, ...], tuple[GridCell | None, ...]]:
    ordered = [found[index] for index in reading_order([one.quad_px for one in found])]
    quads_px = [one.quad_px for one in ordered]
    crops = [rectify(image, quad_px) for quad_px in quads_px]
    cards = tuple(
        ReadCard(one.quad_px, one.score, crop, measure_quality(crop, one.quad_px), bool(is_back))
        for one, crop, is_back in zip(
            ordered, crops, find_backs(crops, quads_px, image.shape[0]), strict=True
        )
    )
    return cards, tuple(assign_grid(quads_px))


def as_jpeg(image: RgbImage, quality: int) -> StoredImage:
    """A picture as it is stored: JPEG without any metadata."""
    return StoredImage("image/jpeg", encode_jpeg(image, quality))


def _timed(timings_ms: dict[str, float], stage: str, work: Callable[[], T]) -> T:
    started = time.perf_counter()
    result = work()
    timings_ms[stage] = (time.perf_counter() - started) * 1000.0
    return result
