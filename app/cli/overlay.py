"""Writes the picture of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.domain.errors import ConfigurationError
from app.domain.types import ScanResult
from app.settings import Settings
from app.vision.decode import decode_image, encode_jpeg
from app.vision.draw import draw_overlay

OVERLAY_JPEG_QUALITY = 88


def overlay_paths(folder: Path, images: Sequence[Path]) -> dict[Path, Path]:
    """Where the overlay of each picture goes: never over a picture, and never over another one's overlay."""
    paths: dict[Path, Path] = {}
    taken: set[str] = set()
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
    jpeg = encode_jpeg(draw_overlay(image, result.cards), OVERLAY_JPEG_QUALITY)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
