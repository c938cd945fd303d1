"""How often the right card comes first among cards that training never saw."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from app.domain.types import RgbImage
from app.inference.towers.compact import CompactTower
from models.training.batches import shrink, to_network
from models.training.cards import DrawnCards
from models.training.config import HeldBack
from models.training.photos import training_photo

_CHUNK = 128


class Validation:
    """Held-back invented cards with a fixed set of bad photos of some of them.

    Args:
        cards: The held-back cards, all of which are searched.
        config: How many are asked for and how bad their photos are.
    """

    def __init__(self, cards: DrawnCards, config: HeldBack) -> None:
        self._cards = cards
        rng = np.random.default_rng((config.seed, config.queries))
        count = min(config.queries, len(cards.artworks))
        self._asked = rng.choice(len(cards.artworks), count, replace=False)
        self._strength = config.strength
        self._light = config.light
        self._seed = config.seed

    def recall_at_1(self, tower: CompactTower, size_px: tuple[int, int]) -> float:
        """Share of photos whose nearest card shows the right artwork; pictures are (height, width)."""
        was_training = tower.training
        tower.eval()
        gallery = embed(tower, [shrink(picture, size_px) for picture in self._cards.pictures])
        photos = embed(tower, [self._photograph(int(index), size_px) for index in self._asked])
        tower.train(was_training)
        nearest = (photos @ gallery.T).argmax(dim=1).numpy()
        right = self._cards.artworks[nearest] == self._cards.artworks[self._asked]
        return float(right.mean())

    def _photograph(self, index: int, size_px: tuple[int, int]) -> RgbImage:
        rng = np.random.default_rng((self._seed, index))
        picture = self._cards.pictures[index]
        return training_photo(picture, rng, self._strength, size_px, self._light)


def embed(tower: CompactTower, pictures: list[RgbImage]) -> torch.Tensor:
    """Unit vectors (n, dimension) of pictures of one size, on the CPU whatever device the tower is on."""
    parts = []
    device = next(tower.parameters()).device
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
        for start in range(0, len(pictures), _CHUNK):
            chunk = torch.from_numpy(np.stack(pictures[start : start + _CHUNK]))
            vectors = tower(to_network(chunk.to(device))).float()
            parts.append(functional.normalize(vectors, dim=1).cpu())
    return torch.cat(parts)
