"""Reference pictures to search among: real cards of a folder, and invented ones as distractors."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from app.domain.types import RgbImage
from app.synthesis.cards import draw_card
from benchmarks.galleries import invented_cards

#: Heights of real reference pictures lie around 400 px; the encoders see far less.
INVENTED_HEIGHT_PX = 396


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference picture of a gallery.

    Attributes:
        card_id: Which printing it shows.
        picture: Reads or draws it: RGB uint8 (height, width, 3). ValueError where it is missing or broken.
        is_distractor: Never asked for, only found by mistake.
    """

    card_id: str
    picture: Callable[[], RgbImage]
    is_distractor: bool = False


def read_gallery(folder: Path, games: Sequence[str] | None = None) -> list[Reference]:
    """Reads the CSV manifests of a folder; pictures lie below it.

    Args:
        folder: Holds ``NAME.csv`` files with the columns ``card_id`` and ``image``.
        games: Names of the manifests to read; None reads all.

    Raises:
        ValueError: no manifest, one that is not there, or one without the columns.
    """
    names = list(games) if games else sorted(path.stem for path in folder.glob("*.csv"))
    if not names:
        raise ValueError(f"{folder} holds no CSV manifest")
    references = []
    for name in names:
        manifest = folder / f"{name}.csv"
        if not manifest.is_file():
            raise ValueError(f"{manifest} is missing")
        with manifest.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows or not {"card_id", "image"} <= rows[0].keys():
            raise ValueError(f"{manifest} lists no card_id and image")
        references += [
            Reference(row["card_id"], partial(read_picture, folder / row["image"])) for row in rows
        ]
    return references


def read_picture(path: Path) -> RgbImage:
    """Reads a picture as RGB uint8 (height, width, 3).

    Raises:
        ValueError: it is missing or broken.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise ValueError(f"{path} cannot be read as a picture")
    return np.asarray(picture, dtype=np.uint8)


def invented_distractors(count: int) -> list[Reference]:
    """Invented cards that no training has seen, reprints and foils among them, none for a count of 0."""
    return [
        Reference(
            f"invented {card.card.card_id}", partial(draw_card, card, INVENTED_HEIGHT_PX), is_distractor=True
        )
        for card in (invented_cards(count)[:count] if count else [])
    ]
