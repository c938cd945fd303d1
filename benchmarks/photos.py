"""Real photos with labels: the corners of their cards were marked by hand, the photos lie elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.domain.labels import LabelledScan, read_labels
from app.domain.types import RgbImage
from app.vision.rectify import rectify
from benchmarks.references import read_picture

#: A folder for each folder of photos.
LABELS_DIR = Path(__file__).resolve().parent / "labels"


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo, ``image`` RGB uint8, with what is on it; ``folder`` and ``name`` say which one it is."""

    folder: str
    name: str
    image: RgbImage
    labels: LabelledScan


def read_photos(folder: Path) -> Iterator[LabelledPhoto]:
    """The photos below a folder that have labels.

    Raises:
        ValueError: a photo is missing.
    """
    for path in sorted(LABELS_DIR.glob("*/*.json")):
        labels = read_labels(path)
        image = read_picture(folder / path.parent.name / labels.image)
        yield LabelledPhoto(path.parent.name, path.stem, image, labels)


def known_crops(folder: Path) -> Iterator[tuple[str, RgbImage]]:
    """Card id and crop, cut out by the labelled corners, of every card whose picture is in a gallery."""
    for photo in read_photos(folder):
        for card in photo.labels.cards:
            if card.card_id is not None and card.quad_px is not None:
                yield card.card_id, rectify(photo.image, card.quad_px)
