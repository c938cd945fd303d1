"""Photos that are unlike the gallery's pictures: foils of full-art cards, by a poor camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.domain.types import Quad, RgbImage
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.foil import add_foil
from app.vision.decode import encode_jpeg
from benchmarks.simulator.levels import Level
from benchmarks.simulator.scenes import simulate_scene

CARD_HEIGHT_PX = 640
PAGE_CARDS = 9
JPEG_QUALITY = 88
#: The camera's: how much light is left in red, green and blue, the blur as a share of a card's height, and
#: the share of light that comes from elsewhere.
_CAST = np.array([1.0, 0.82, 0.6], np.float32)
_BLUR_SHARE = 0.004
_HAZE = 0.25


@dataclass(frozen=True, slots=True)
class Page:
    """A photo, and where which card lies on it."""

    jpeg: bytes
    quads_px: tuple[Quad, ...]
    card_ids: tuple[str, ...]


def full_art_cards(count: int, seed: int) -> list[InventedCard]:
    """Cards whose picture fills them, each in one printing."""
    return invent_catalogue(
        seed, count, reprint_share=0.0, foil_share=0.0, language_share=0.0, full_art_share=1.0
    )


def photograph(cards: Sequence[InventedCard], seed: int, strength: float, level: Level) -> Iterator[Page]:
    """Every card once, nine to a page, in an order of its own for each seed.

    Args:
        cards: What to photograph.
        seed: Of the photos; a card's foil is the same in all of them.
        strength: Of foil and camera, 0 for none.
        level: What else is wrong with the photos, otherwise in each.
    """
    rng = np.random.default_rng([seed, 77])
    order = rng.permutation(len(cards))
    for start in range(0, len(order), PAGE_CARDS):
        shown = [cards[index] for index in order[start : start + PAGE_CARDS]]
        scene = simulate_scene([_shifted(card, strength) for card in shown], "page_3x3", level, rng)
        yield Page(
            encode_jpeg(scene.image, JPEG_QUALITY),
            tuple(placed.quad_px for placed in scene.cards),
            tuple(shown[placed.card_index].card.card_id for placed in scene.cards),
        )


def _shifted(card: InventedCard, strength: float) -> RgbImage:
    face = draw_card(card, CARD_HEIGHT_PX)
    foiled = cv2.addWeighted(face, 1.0 - _share(strength), add_foil(face, card.seed), _share(strength), 0.0)
    soft = cv2.GaussianBlur(foiled, (0, 0), max(0.1, strength * _BLUR_SHARE * CARD_HEIGHT_PX))
    hazy = soft.astype(np.float32) * (1.0 - _HAZE * strength) + 160.0 * _HAZE * strength
    return np.asarray(np.clip(hazy * _CAST**strength, 0, 255), np.uint8)


def _share(strength: float) -> float:
    """Of the foil that shows; the rest is as printed."""
    return min(0.95, 0.7 * strength)
