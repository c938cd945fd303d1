"""Which views a step looks at: a pure function of the seed and the step, so that a run can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from app.domain.types import RgbImage
from models.training.finder.augment import view_of
from models.training.finder.config import FinderStage
from models.training.finder.scenes import read_scene
from models.training.finder.targets import Targets, draw_targets


@dataclass(frozen=True)
class FinderBatch:
    """Views of one step with their answers; all but ``pictures`` as in ``Targets``, stacked.

    Attributes:
        pictures: uint8 (n, side, side, 3).
        card: float32 (n, rows, columns).
        weight: float32 (n, rows, columns).
        corners: float32 (n, 8, rows, columns).
        size: float32 (n, rows, columns).
    """

    pictures: torch.Tensor
    card: torch.Tensor
    weight: torch.Tensor
    corners: torch.Tensor
    size: torch.Tensor


class FinderBatches(Dataset[FinderBatch]):
    """All batches of a run by step; item ``step`` is made from scratch each time it is asked for.

    Args:
        paths: Files of scenes.
        views: The stage that says what a batch is made of.
        seed: Of the whole run.
    """

    def __init__(self, paths: Sequence[Path], views: FinderStage, seed: int) -> None:
        self._paths = paths
        self._views = views
        self._seed = seed

    def __getitem__(self, step: int) -> FinderBatch:
        """Draws the views of a step."""
        rng = np.random.default_rng((self._seed, step))
        made = list(self._make(rng))[: self._views.batch]
        answers = [targets for _, targets in made]
        return FinderBatch(
            torch.from_numpy(np.stack([picture for picture, _ in made])),
            torch.from_numpy(np.stack([one.card for one in answers])),
            torch.from_numpy(np.stack([one.weight for one in answers])),
            torch.from_numpy(np.stack([one.corners for one in answers])),
            torch.from_numpy(np.stack([one.size for one in answers])),
        )

    def _make(self, rng: np.random.Generator) -> Iterator[tuple[RgbImage, Targets]]:
        """Views of as many scenes as a batch needs, and up to ``a_scene - 1`` more."""
        side_px = self._views.size_px
        for _ in range(-(-self._views.batch // self._views.a_scene)):
            scene = read_scene(self._paths[int(rng.integers(len(self._paths)))])
            for _ in range(self._views.a_scene):
                picture, quads = view_of(scene, side_px, rng, self._views.tilt)
                yield picture, draw_targets(quads, scene.visible, (side_px, side_px))
