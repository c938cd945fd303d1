"""What every part starts from: a small gallery in a data folder of its own, and pictures to send."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.domain.types import RgbImage
from app.synthesis.cards import draw_card
from app.vision.decode import encode_jpeg
from benchmarks.galleries import benchmark_settings, invented_cards, open_gallery
from benchmarks.simulator.scenes import simulate_scene

GALLERY_CARDS = 40
#: Cards that imports add while they are killed.
MORE_CARDS = 40
SCENES = 12
SCENE_MEGAPIXELS = 0.4
SCENE_CARD_HEIGHT_PX = 420.0
_CARD_HEIGHT_PX = 528
_JPEG_QUALITY = 88
_SEED = 3107


@dataclass(frozen=True, slots=True)
class Ground:
    """A filled data folder that nobody runs on, to be copied.

    Attributes:
        work: The folder of the whole run.
        card_ids: Cards of the gallery.
        scenes: Small photos of one card each, as pixels.
    """

    work: Path
    card_ids: tuple[str, ...]
    scenes: tuple[RgbImage, ...]

    def copy(self, name: str) -> Path:
        """A data folder of its own, with the owners of its files: the embedded server is not run as root."""
        target = self.work / name
        target.mkdir(exist_ok=True)
        copied = ["cp", "-a", str(self.work / "data"), str(target / "data")]
        subprocess.run(copied, check=True)  # noqa: S603 - our own folders
        return target / "data"

    def pictures(self, count: int, seed: int = 0) -> list[bytes]:
        """So many JPEGs, no two the same: known bytes would spare the service its work."""
        rng = np.random.default_rng(seed)
        made = []
        for index in range(count):
            scene = self.scenes[index % len(self.scenes)]
            step = rng.integers(0, 3, (1, 1, 3), dtype=np.uint8)
            noisy = scene.astype(np.int16) + step + rng.integers(0, 2, (scene.shape[0], 1, 1))
            made.append(encode_jpeg(np.clip(noisy, 0, 255).astype(np.uint8), _JPEG_QUALITY))
        return made


async def prepare(work: Path) -> Ground:
    """Draws and imports the gallery, and photographs some of its cards."""
    cards = invented_cards(GALLERY_CARDS + MORE_CARDS)[:GALLERY_CARDS]
    async with open_gallery(benchmark_settings(work), cards, work / "cards"):
        pass
    rng = np.random.default_rng(_SEED)
    scenes = [
        simulate_scene(
            [draw_card(card, _CARD_HEIGHT_PX)],
            "single",
            "easy",
            rng,
            megapixels=SCENE_MEGAPIXELS,
            card_height_px=SCENE_CARD_HEIGHT_PX,
        ).image
        for card in cards[:SCENES]
    ]
    return Ground(work, tuple(card.card.card_id for card in cards), tuple(scenes))
