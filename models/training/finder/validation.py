"""How many cards of scenes that training never saw are found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.domain.geometry import quad_iou
from app.domain.scoring import IOU_FOUND
from app.domain.types import RgbImage
from app.vision.detect.votes import find_quads
from models.training.batches import to_network
from models.training.finder.network import FinderNetwork
from models.training.finder.scenes import read_scene

_LEAST_VISIBLE = 0.5  # share of a card that other cards leave free: it must be found


class FinderValidation:
    """Held-back scenes.

    Args:
        paths: Their files.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._scenes = [read_scene(path) for path in paths]

    def recall(self, network: FinderNetwork) -> float:
        """Share of the cards, at least half of each visible, that some quad meets at IoU 0.7."""
        network.eval()
        found = wanted = 0
        for scene in self._scenes:
            quads, _ = find_quads(scene.image, lambda picture: _answer(network, picture))
            for quad in scene.quads[scene.visible >= _LEAST_VISIBLE]:
                wanted += 1
                found += any(quad_iou(one, quad) >= IOU_FOUND for one in quads)
        return found / max(wanted, 1)


def _answer(network: FinderNetwork, picture: RgbImage) -> NDArray[np.float32]:
    device = next(network.parameters()).device
    with torch.inference_mode():
        answers = network(to_network(torch.from_numpy(picture[None]).to(device)))
    return np.asarray(answers[0].float().cpu(), np.float32)
