"""Photos that are unlike the gallery's pictures: foils of full-art cards, by a poor camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import Quad, RgbImage
from app.synthesis.art.noise import fractal_noise
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
_BLUR_SHARE = 0.002
_HAZE = 0.1
#: The foil's: how fine the parts are that mirror at one angle, in parts across a card, how much light the
#: dark room leaves, and how far the share that mirrors moves from one photo to the next.
_FOIL_PARTS, _MIRRORED_LIGHT, _SHARE_MOVES = 5.0, 0.85, 0.05


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
        strength: Share of each card that mirrors the room, 0 to 1.
        level: What else is wrong with the photos, otherwise in each.
    """
    rng = np.random.default_rng([seed, 77])
    order = rng.permutation(len(cards))
    for start in range(0, len(order), PAGE_CARDS):
        shown = [cards[index] for index in order[start : start + PAGE_CARDS]]
        scene = simulate_scene([_shifted(card, strength, rng) for card in shown], "page_3x3", level, rng)
        yield Page(
            encode_jpeg(scene.image, JPEG_QUALITY),
            tuple(placed.quad_px for placed in scene.cards),
            tuple(shown[placed.card_index].card.card_id for placed in scene.cards),
        )


def _shifted(card: InventedCard, strength: float, rng: np.random.Generator) -> RgbImage:
    """A foil by a poor camera: where it mirrors a dark room, light and dark print change places."""
    face = draw_card(card, CARD_HEIGHT_PX)
    foiled = add_foil(face, card.seed).astype(np.float32)
    share = np.clip(strength + rng.uniform(-_SHARE_MOVES, _SHARE_MOVES), 0.0, 1.0)
    mirrors = _mirroring(card.seed, share, face.shape[:2])[..., None]
    seen = foiled * (1.0 - mirrors) + (255.0 - face.astype(np.float32)) * _MIRRORED_LIGHT * mirrors
    soft = cv2.GaussianBlur(seen, (0, 0), _BLUR_SHARE * CARD_HEIGHT_PX)
    return np.asarray(np.clip((soft * (1.0 - _HAZE) + 160.0 * _HAZE) * _CAST, 0, 255), np.uint8)


def _mirroring(seed: int, share: float, size: tuple[int, int]) -> NDArray[np.float32]:
    """Where a card's foil mirrors, 0 to 1, (height, width): the same parts in all its photos."""
    noise = fractal_noise(np.random.default_rng([seed, 31]), *size, _FOIL_PARTS, 2)
    edge = np.quantile(noise, 1.0 - share)
    return np.asarray(np.clip((noise - edge) / (0.1 * np.std(noise)) + 0.5, 0.0, 1.0), np.float32)
