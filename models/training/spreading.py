"""Makes vectors stand still where photos move them most, once training is over.

A contrastive encoder puts most of its variance into a few directions, and bad light moves vectors along them
as well. Scaling every direction by a negative power of how far photos move cards along it evens that out: a
power of -1/2 would leave no direction in which photos move cards more than in another, less keeps some of
the order. The map is linear, so it becomes part of the last layer and costs nothing.
"""

from __future__ import annotations

import torch
from torch import nn

from app.inference.towers.compact import CompactTower
from models.training.batches import to_network

#: Directions that move by less than this share of the greatest movement are amplified no further.
_LEAST_VARIANCE = 1e-4


def spread(
    tower: CompactTower,
    clean: torch.Tensor,
    photographed: torch.Tensor,
    exponent: float,
    chunk: int = 128,
) -> None:
    """Changes the last layer of a tower so that photos move its vectors more evenly.

    Args:
        tower: Built with ``folded=True``; changed in place.
        clean: uint8 (n, height, width, 3): clean cards, n > 256.
        photographed: uint8 (n, height, width, 3): a photo of each of them, in the same order.
        exponent: From 0 (only centres) to 0.5 (moved evenly in all directions).
        chunk: Pictures embedded at once.
    """
    vectors = _vectors(tower, clean, chunk)
    moved = _vectors(tower, photographed, chunk) - vectors
    mean = vectors.mean(dim=0)
    variances, directions = torch.linalg.eigh(moved.T @ moved / len(moved))
    scales = variances.clamp_min(_LEAST_VARIANCE * float(variances.max())) ** -exponent
    turn = (directions * scales / scales.mean()).T
    last = tower.head[0]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias.copy_(turn @ (last.bias.double() - mean))
        last.weight.copy_(turn @ last.weight.double())


def _vectors(tower: CompactTower, pictures: torch.Tensor, chunk: int) -> torch.Tensor:
    """Vectors (n, dimension), float64, not of unit length, of uint8 pictures (n, height, width, 3)."""
    with torch.inference_mode():
        return torch.cat([tower(to_network(part)) for part in torch.split(pictures, chunk)]).double()
