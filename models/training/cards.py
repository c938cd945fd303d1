"""The clean cards of a run: drawn once, kept on disk, mapped into memory."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from app.domain.types import RgbImage
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue

_PROBES = 4
_CHUNK = 8


@dataclass(frozen=True)
class DrawnCards:
    """Drawn cards, in the order of their catalogue.

    Attributes:
        pictures: RGB uint8 (n, height, width, 3), mapped from disk, read-only.
        artworks: int64 (n,): cards with the same number show the same picture.
        families: int64 (n,): cards with the same number share a set, and so their frame.
    """

    pictures: NDArray[np.uint8]
    artworks: NDArray[np.int64]
    families: NDArray[np.int64]


def drawn_cards(seed: int, artworks: int, height_px: int, folder: Path, workers: int) -> DrawnCards:
    """The cards of an invented catalogue, from the cache where they are, else drawn now.

    Args:
        seed: Of the catalogue.
        artworks: Number of different pictures; reprints and foils make the cards more.
        height_px: Height of a drawn card.
        folder: The cache. What lies there is used only if the drawing code still gives the same pictures.
        workers: Processes that draw; 0 draws in this one.
    """
    catalogue = invent_catalogue(seed, artworks)
    place = folder / _key(catalogue, height_px)
    if not place.exists():
        _draw(catalogue, height_px, place, workers)
    pictures = np.load(place / "pictures.npy", mmap_mode="r")
    return DrawnCards(
        pictures,
        _numbered(card.artwork_id for card in catalogue),
        _numbered(str(card.card.set_id) for card in catalogue),
    )


def _key(catalogue: Sequence[InventedCard], height_px: int) -> str:
    """Names a cache by what is in it: the list of cards, and how the drawing code draws some of them."""
    digest = hashlib.sha256(json.dumps([card.card.card_id for card in catalogue]).encode())
    for index in np.linspace(0, len(catalogue) - 1, _PROBES).astype(int):
        digest.update(draw_card(catalogue[index], height_px).tobytes())
    return f"{len(catalogue)}-{height_px}px-{digest.hexdigest()[:16]}"


def _draw(catalogue: Sequence[InventedCard], height_px: int, place: Path, workers: int) -> None:
    """Draws into a folder beside ``place`` and moves it there when it is whole."""
    unfinished = place.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    shape = (len(catalogue), *draw_card(catalogue[0], height_px).shape)
    pictures = np.lib.format.open_memmap(unfinished / "pictures.npy", mode="w+", dtype=np.uint8, shape=shape)
    drawn = _drawn(catalogue, height_px, workers)
    for row, picture in enumerate(track(drawn, "drawing invented cards", total=len(catalogue))):
        pictures[row] = picture
    pictures.flush()
    unfinished.rename(place)


def _drawn(catalogue: Sequence[InventedCard], height_px: int, workers: int) -> Iterable[RgbImage]:
    draw = partial(draw_card, height_px=height_px)
    if workers == 0:
        yield from map(draw, catalogue)
        return
    with multiprocessing.get_context("spawn").Pool(workers, cv2.setNumThreads, (1,)) as pool:
        yield from pool.imap(draw, catalogue, chunksize=_CHUNK)


def _numbered(names: Iterable[str]) -> NDArray[np.int64]:
    """Numbers equal names equally, in the order they appear."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
