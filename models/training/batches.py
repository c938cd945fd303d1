"""Which cards meet in which batch: a pure function of the seed and the step, so that a run can be resumed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from app.domain.types import RgbImage
from models.training.cards import DrawnCards
from models.training.config import Stage, Views
from models.training.photos import training_photo


@dataclass(frozen=True)
class Batch:
    """Pictures of one step.

    Attributes:
        clean: uint8 (n, height, width, 3).
        photographed: uint8 (photos * n, height, width, 3): every card once, then every card again.
        artworks: int64 (n,): the artwork each card shows.
    """

    clean: torch.Tensor
    photographed: torch.Tensor
    artworks: torch.Tensor


class Batches(Dataset[Batch]):
    """All batches of a run by step; item ``step`` is made from scratch each time it is asked for.

    Args:
        cards: What to draw from.
        stage: Size and composition of a batch.
        views: How bad the photos are.
        seed: Of the whole run.
    """

    def __init__(self, cards: DrawnCards, stage: Stage, views: Views, seed: int) -> None:
        self._cards = cards
        self._stage = stage
        self._views = views
        self._seed = seed
        families = [np.flatnonzero(cards.families == family) for family in np.unique(cards.families)]
        self._families = [family for family in families if len(family) >= stage.family_size]
        if not self._families:
            raise ValueError(f"no frame family has {stage.family_size} cards")
        sizes = np.array([len(family) for family in self._families])
        self._chances = sizes / sizes.sum()

    def __getitem__(self, step: int) -> Batch:
        """Draws the cards of a step and photographs each of them as often as the stage says."""
        rng = np.random.default_rng((self._seed, step))
        chosen = self._choose(rng)
        pictures = [self._cards.pictures[index] for index in chosen]
        photographed = [self._photograph(picture, rng) for picture in pictures * self._stage.photos]
        clean = [shrink(picture, self._stage.size_px) for picture in pictures]
        return Batch(
            torch.from_numpy(np.stack(clean)),
            torch.from_numpy(np.stack(photographed)),
            torch.from_numpy(self._cards.artworks[chosen]),
        )

    def _choose(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Indices of the cards of a batch: as many families as fit, ``family_size`` cards of each."""
        groups = self._stage.batch // self._stage.family_size
        picked = rng.choice(len(self._families), groups, p=self._chances)
        members = [
            rng.choice(self._families[family], self._stage.family_size, replace=False) for family in picked
        ]
        return np.concatenate(members)

    def _photograph(self, picture: RgbImage, rng: np.random.Generator) -> RgbImage:
        strength = float(rng.uniform(self._views.strength_min, self._views.strength_max))
        return training_photo(picture, rng, strength, self._stage.size_px, self._stage.light)


def shrink(picture: RgbImage, size_px: tuple[int, int]) -> RgbImage:
    """A whole card resized to (height, width), averaging the pixels that fall together."""
    height_px, width_px = size_px
    return np.asarray(cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA), np.uint8)


def to_network(pictures: torch.Tensor) -> torch.Tensor:
    """uint8 (n, height, width, 3) to float32 (n, 3, height, width) in [0, 1], channels last in memory."""
    return pictures.permute(0, 3, 1, 2).float().div_(255.0)
