"""Gathers the pictures of cards that a quantised encoder is judged by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from app.domain.card_sample import JUDGED_PICTURES, CardSample, SampleSource
from app.domain.errors import InvalidInput, ManifestError
from app.domain.types import RECTIFIED_HEIGHT_PX, RgbImage, StoredImage
from app.services.manifest import read_manifest
from app.settings import Settings
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import invent_catalogue
from app.vision.decode import decode_image

#: Of the invented cards; neither the demo's nor those of any training or measurement.
_INVENTED_SEED = 88_001
_PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
#: Some pictures cannot be decoded.
PICTURES_TO_READ = 2 * JUDGED_PICTURES


def sample_of_invented_cards() -> CardSample:
    """Invented cards alone: no gallery is needed."""
    return _filled_up([], "invented")


def sample_of_gallery(stored: Sequence[tuple[str, StoredImage]], settings: Settings) -> CardSample:
    """Reference pictures of the gallery, with their hashes; those that cannot be decoded are passed over."""
    return _sample(((sha256, image.data) for sha256, image in stored), settings, "gallery")


def sample_of_files(path: Path, settings: Settings) -> CardSample:
    """Pictures of cards in files.

    Args:
        path: A manifest as ``gallery import`` reads it, its images relative to its folder, or a folder of
            pictures.
        settings: Limits of pictures.

    Raises:
        ManifestError: there is no such manifest, or no picture in the folder.
    """
    if path.is_dir():
        files = [file for file in path.rglob("*") if file.suffix.lower() in _PICTURE_SUFFIXES]
    else:
        files = [card.images[0].path for card in read_manifest(path, path.parent).cards]
    if not files:
        raise ManifestError(f"{path} holds no picture of a card")
    contents = {hashlib.sha256(data).hexdigest(): file for file in files if (data := _read(file))}
    chosen = sorted(contents)[:PICTURES_TO_READ]
    return _sample(((sha256, _read(contents[sha256])) for sha256 in chosen), settings, "files")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ManifestError(f"cannot read {file}: {error.strerror}") from error


def _sample(pictures: Iterable[tuple[str, bytes]], settings: Settings, source: SampleSource) -> CardSample:
    """Those that come first by their hashes: the same ones whatever order a gallery is in."""
    chosen: list[RgbImage] = []
    for _, data in sorted(pictures, key=lambda one: one[0]):
        if len(chosen) == JUDGED_PICTURES:
            break
        try:
            chosen.append(_decode(data, settings))
        except InvalidInput:
            continue
    return _filled_up(chosen, source)


def _decode(data: bytes, settings: Settings) -> RgbImage:
    """A picture no higher than a rectified card: more detail is not looked at."""
    image = decode_image(
        data, max_upload_bytes=settings.max_upload_bytes, max_pixels=settings.max_image_pixels
    )
    height_px, width_px = image.shape[:2]
    if height_px <= RECTIFIED_HEIGHT_PX:
        return image
    size = (max(1, round(width_px * RECTIFIED_HEIGHT_PX / height_px)), RECTIFIED_HEIGHT_PX)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _filled_up(pictures: list[RgbImage], source: SampleSource) -> CardSample:
    """Makes up the number with invented cards, every one with a picture of its own."""
    missing = JUDGED_PICTURES - len(pictures)
    if missing > 0:
        cards = invent_catalogue(
            _INVENTED_SEED, missing, reprint_share=0.0, foil_share=0.0, language_share=0.0
        )
        pictures = [*pictures, *(draw_card(card) for card in cards[:missing])]
        source = source if source == "invented" else "mixed"
    return CardSample(source, tuple(pictures))
