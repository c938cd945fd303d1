"""Spreads vectors more evenly over their directions, once training is over.

A contrastive encoder puts most of its variance into a few directions, and bad photos move vectors along them
as well. So first every direction is scaled by a negative power of how far photos move cards along it, then by
one of how far clean cards lie apart along it: a power of -1/2 would leave no direction ahead of another, less
keeps some of the order. Both maps are linear, so they become part of the last layer and cost nothing.
"""

from __future__ import annotations

import torch
from torch import nn

from app.inference.towers.compact import CompactTower
from models.training.batches import to_network

#: Directions with less than this share of the greatest variance are amplified no further.
_LEAST_VARIANCE = 1e-4
_CHUNK = 128  # pictures embedded at once


def spread(
    tower: CompactTower,
    clean: torch.Tensor,
    photographed: torch.Tensor,
    movement_exponent: float,
    distance_exponent: float,
) -> None:
    """Changes the last layer of a tower so that its vectors are spread evenly.

    Args:
        tower: Built with ``folded=True``; changed in place.
        clean: uint8 (n, height, width, 3): clean cards, n > 256.
        photographed: uint8 (n, height, width, 3): a photo of each of them, in the same order.
        movement_exponent: How far to even out what photos move, from 0 (not at all) to 0.5 (wholly).
        distance_exponent: How far to even out afterwards how clean cards lie apart, likewise.
    """
    vectors = _vectors(tower, clean)
    moved = _vectors(tower, photographed) - vectors
    mean = vectors.mean(dim=0)
    first = _evening_map(moved.T @ moved / len(moved), movement_exponent)
    turn = _evening_map(torch.cov(first @ vectors.T), distance_exponent) @ first
    last = tower.head[0]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias.copy_(turn @ (last.bias.double() - mean))
        last.weight.copy_(turn @ last.weight.double())


def _evening_map(second_moments: torch.Tensor, exponent: float) -> torch.Tensor:
    """The map (d, d) that scales principal directions of a (d, d) by variance to the power ``-exponent``."""
    variances, directions = torch.linalg.eigh(second_moments)
    scales = variances.clamp_min(_LEAST_VARIANCE * float(variances.max())) ** -exponent
    evening: torch.Tensor = (directions * scales / scales.mean()) @ directions.T
    return evening


def _vectors(tower: CompactTower, pictures: torch.Tensor) -> torch.Tensor:
    """Vectors (n, dimension), float64, not of unit length, of uint8 pictures (n, height, width, 3)."""
    with torch.inference_mode():
        return torch.cat([tower(to_network(part)) for part in torch.split(pictures, _CHUNK)]).double()
