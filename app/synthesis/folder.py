"""Writes invented cards as a folder that ``gallery import`` reads."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2

from app.domain.errors import BinderlensError
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard

MANIFEST_COLUMNS = ("card_id", "name", "set_id", "set_name", "number", "rarity", "language", "game", "image")
_JPEG_QUALITY = 92

Progress = Callable[[int, int], None]
"""Called with cards written and cards in all."""


def write_gallery(
    cards: Sequence[InventedCard], folder: Path, height_px: int = 528, progress: Progress | None = None
) -> Path:
    """Draws cards into ``folder/images`` and writes ``folder/manifest.csv``.

    Args:
        cards: What to draw.
        folder: Made when missing; pictures of the same card are overwritten.
        height_px: Height of each picture.
        progress: Told after every card.

    Returns:
        Path of the manifest; the images it names lie below ``folder``.

    Raises:
        BinderlensError: The folder or a picture could not be written.
    """
    images = folder / "images"
    try:
        images.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BinderlensError(f"cannot make the folder {images}: {error.strerror}") from error
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, MANIFEST_COLUMNS)
        rows.writeheader()
        for done, invented in enumerate(cards, start=1):
            card = invented.card
            image = images / f"{card.card_id}.jpg"
            bgr = cv2.cvtColor(draw_card(invented, height_px), cv2.COLOR_RGB2BGR)
            if not cv2.imwrite(str(image), bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]):
                raise BinderlensError(f"cannot write {image}")
            row = {column: getattr(card, column) for column in MANIFEST_COLUMNS[:-1]}
            rows.writerow({**row, "image": f"images/{image.name}"})
            if progress is not None:
                progress(done, len(cards))
    return manifest
