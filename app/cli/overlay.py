"""Writes pictures of what was found, and of why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.domain.errors import ConfigurationError, InvalidInput
from app.domain.types import RECTIFIED_HEIGHT_PX, RgbImage, ScanResult, StoredImage
from app.services.runtime import Runtime
from app.settings import Settings
from app.vision.decode import decode_image, encode_jpeg
from app.vision.draw import draw_overlay
from app.vision.draw_explanation import draw_explanation
from app.vision.stored import decode_reference

OVERLAY_JPEG_QUALITY = 88

_OWN_NAME: Final = re.compile(r"\.(found|card-\d+)\.jpg$")
_COMMENT: Final = b"drawn by binderlens"
#: How a JPEG file of ours begins: start of image, then a comment with its length.
_OWN_START: Final = b"\xff\xd8\xff\xfe" + (len(_COMMENT) + 2).to_bytes(2, "big") + _COMMENT


def is_own_picture(path: Path) -> bool:
    """Whether this file was drawn here: it may lie among the photos, and is none."""
    if not _OWN_NAME.search(path.name):
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_OWN_START)) == _OWN_START
    except OSError:
        return False  # whoever reads it next says why it cannot be read


def overlay_paths(folder: Path, images: Sequence[Path]) -> dict[Path, Path]:
    """Where the overlay of each picture goes: never over a picture, and never over another one's overlay."""
    paths: dict[Path, Path] = {}
    taken = {image.name for image in images if image.parent.resolve() == folder.resolve()}
    for image in images:
        name, number = f"{image.stem}.found.jpg", 2
        while name in taken and image not in paths:
            name, number = f"{image.stem}-{number}.found.jpg", number + 1
        taken.add(name)
        paths.setdefault(image, folder / name)
    return paths


def write_overlay(path: Path, data: bytes, result: ScanResult, settings: Settings) -> None:
    """Draws quads, grid, names and confidences over a scan and writes it as JPEG.

    Raises:
        ConfigurationError: ``path`` cannot be written.
    """
    image = decode_image(
        data,
        max_upload_bytes=settings.max_upload_bytes,
        max_pixels=settings.max_image_pixels,
    )
    _write(path, encode_jpeg(draw_overlay(image, result.cards), OVERLAY_JPEG_QUALITY))


async def write_explanations(folder: Path, image: Path, result: ScanResult, runtime: Runtime) -> list[Path]:
    """Draws for each card of a stored scan why it was named so, and writes JPEGs.

    Args:
        folder: Made where it is not there.
        image: The scan; the pictures are named for it and for the place of the card in the answer.
        result: With its explanations.
        runtime: Has the crops and the reference pictures.

    Returns:
        The paths in the order of the cards; a card whose crop is no longer stored has none.

    Raises:
        ConfigurationError: a picture cannot be written.
    """
    paths = []
    for position, card in enumerate(result.cards, start=1):
        crop = await runtime.scans.detection_image(card.detection_id)
        if crop is None:
            continue
        leader = card.candidates[0].card.card_id if card.candidates else None
        pictures = await runtime.references.pictures_of([leader] if leader else [])
        drawn = draw_explanation(
            card,
            decode_reference(crop.data, RECTIFIED_HEIGHT_PX),
            _reference(pictures.get(leader)) if leader else None,
        )
        paths.append(folder / f"{image.stem}.card-{position:02}.jpg")
        _write(paths[-1], encode_jpeg(drawn, OVERLAY_JPEG_QUALITY))
    return paths


def _reference(stored: StoredImage | None) -> RgbImage | None:
    try:
        return None if stored is None else decode_reference(stored.data, RECTIFIED_HEIGHT_PX)
    except InvalidInput:
        return None


def _write(path: Path, jpeg: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_OWN_START + jpeg[2:])
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
