"""Compact's embeddings of invented cards, kept in a folder so that they are made once.

Templates are what an import makes of a card: the picture itself and two photo-like views. Queries are photos
by ``benchmarks.simulator``, which shares nothing with what makes the views.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from app.domain.types import RgbImage, Vectors
from app.inference.encoder import LoadedEncoder
from app.inference.loading import load_encoder
from app.services.gallery_import import TEMPLATE_SOURCES, template_views
from app.settings import PROJECT_ROOT
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard
from benchmarks.galleries import BENCHMARK_CATALOGUE_SEED, invented_cards
from benchmarks.references import INVENTED_HEIGHT_PX
from benchmarks.simulator.levels import Level
from benchmarks.simulator.single import simulate_single

CACHE_DIR = Path(__file__).resolve().parent / "cache"
VIEWS_A_CARD = len(TEMPLATE_SOURCES)
#: 15,504 cards of three views each: as many templates as the issue's gallery has.
CARDS = 15_504
#: So many pictures give a little more than ``CARDS`` printings.
ARTWORKS = 11_950
CARDS_A_PAGE = 9
#: Levels of the photos, page by page.
LEVELS: tuple[Level, ...] = ("easy", "medium", "hard")
#: Cards in one file: what an interruption loses.
_CARDS_A_FILE = 304


def template_vectors(cards: int = CARDS, cache: Path = CACHE_DIR) -> Vectors:
    """Embeddings of each card's three templates, card by card.

    Args:
        cards: How many cards, ``CARDS`` at most.
        cache: Folder to read them from, and to write what is missing to.

    Returns:
        float32 (3 * cards, 256), unit length.

    Raises:
        ValueError: more cards than ``CARDS``.
    """
    if cards > CARDS:
        raise ValueError(f"{cards} cards of {CARDS}")
    fingerprint = _compact().info.fingerprint
    paths = {
        start: cache / _name(fingerprint, f"templates-{start:06}") for start in range(0, cards, _CARDS_A_FILE)
    }
    missing = [start for start, path in paths.items() if not path.exists()]
    if missing:  # drawing takes most of the time, one core a process
        with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
            written = pool.map(_write_templates, (paths[start] for start in missing), missing)
            for _ in track(written, "embedding cards", total=len(missing)):
                pass
    return np.concatenate([_read(path) for path in paths.values()])[: VIEWS_A_CARD * cards]


def _write_templates(path: Path, start: int) -> None:
    """Embeds the cards of one file, which begins with card ``start``."""
    cv2.setNumThreads(1)
    encoder, cards = _compact(threads=1), _catalogue()[start : start + _CARDS_A_FILE]
    views: list[RgbImage] = []
    for place, card in enumerate(cards):
        # An import draws the views by the file's hash; here the place in the catalogue stands for it.
        views += template_views(draw_card(card, INVENTED_HEIGHT_PX), f"{start + place:08x}")
    _write(path, encoder.encode_now(views))


def photo_vectors(pages: int, seed: int, cards: int = CARDS, cache: Path = CACHE_DIR) -> Vectors:
    """Embeddings of photos of those cards, nine a page, whose level goes round.

    Args:
        pages: How many pages of nine.
        seed: Of the choice of cards and of the photos.
        cards: Among how many cards they are drawn.
        cache: See ``template_vectors``.

    Returns:
        float32 (9 * pages, 256), unit length.
    """
    encoder = _compact()
    path = cache / _name(encoder.info.fingerprint, f"photos-{seed}-{pages}-{cards}")
    if not path.exists():
        catalogue = _catalogue()
        crops = []
        for page in track(range(pages), "photographing cards"):
            rng = np.random.default_rng([seed, page])
            level = LEVELS[page % len(LEVELS)]
            shown = rng.choice(cards, CARDS_A_PAGE, replace=False)
            crops += [simulate_single(draw_card(catalogue[i], INVENTED_HEIGHT_PX), level, rng) for i in shown]
        _write(path, encoder.encode_now(crops))
    return _read(path)


@functools.cache
def _catalogue() -> list[InventedCard]:
    """Invented once a process: it takes a second, and a process writes many files."""
    return invented_cards(ARTWORKS)


def _compact(threads: int = 0) -> LoadedEncoder:
    return load_encoder(PROJECT_ROOT / "models" / "compact", runtime="openvino", threads=threads)


def _name(fingerprint: str, what: str) -> str:
    return f"{fingerprint[:12]}-{BENCHMARK_CATALOGUE_SEED}-{ARTWORKS}-{what}.npy"


def _write(path: Path, vectors: Vectors) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.save(file, vectors)
    unfinished.replace(path)


def _read(path: Path) -> Vectors:
    return np.asarray(np.load(path), np.float32)
