"""What the demo shows: a gallery of invented cards and a photo of a binder page of nine of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.domain.labels import LabelledCard, LabelledScan, write_labels
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.folder import write_gallery
from app.synthesis.levels import Level
from app.synthesis.scenes import SceneCard, SceneKind, photograph_scene
from app.vision.decode import encode_jpeg

#: Any seed will do; this one's page shows ordinary and full-art cards.
DEMO_SEED = 7
DEMO_ARTWORKS = 160
PAGE_POCKETS = 9
PAGE_CARD_HEIGHT_PX = 528
PAGE_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Paths of the demo below its folder."""

    manifest: Path
    images: Path
    page: Path
    card_ids: tuple[str, ...]


def prepare_demo(folder: Path, progress: Callable[[int, int], None] | None = None) -> DemoFiles:
    """Draws the demo's gallery and page, or finds them drawn already.

    Args:
        folder: Where they lie.
        progress: Told how many cards of how many have been drawn.
    """
    page, done = folder / "page.jpg", folder / "demo.json"
    if not done.exists():
        cards = invent_catalogue(DEMO_SEED, DEMO_ARTWORKS)
        write_gallery(cards, folder, progress=progress)
        shown = _cards_of_the_page(cards)
        _photograph(shown, page)
        # Written last: whatever stops the drawing half-way, the next run draws again.
        done.write_text(json.dumps({"seed": DEMO_SEED, "page": [card.card.card_id for card in shown]}))
    card_ids = tuple(json.loads(done.read_text())["page"])
    return DemoFiles(folder / "manifest.csv", folder, page, card_ids)


def _cards_of_the_page(cards: list[InventedCard]) -> list[InventedCard]:
    """Nine cards whose picture exists in one printing alone: the pixels of the others name several."""
    printings = Counter(card.artwork_id for card in cards)
    single = [card for card in cards if printings[card.artwork_id] == 1]
    picks = np.linspace(0, len(single) - 1, PAGE_POCKETS).round().astype(int)
    return [single[index] for index in picks]


def _photograph(cards: list[InventedCard], page: Path) -> None:
    scene_cards = [
        SceneCard(draw_card(card, PAGE_CARD_HEIGHT_PX), card.card.card_id, card.card.name) for card in cards
    ]
    scene = photograph_scene(SceneKind.PAGE_3X3, Level.EASY, scene_cards, np.random.default_rng(DEMO_SEED))
    page.write_bytes(encode_jpeg(scene.image, PAGE_JPEG_QUALITY))
    labelled = [LabelledCard(card.card_id, card.name, card.quad_px, card.in_gallery) for card in scene.cards]
    write_labels(page.with_suffix(".json"), LabelledScan(page.name, tuple(labelled)))
