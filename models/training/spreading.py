"""Spreads vectors more evenly over their directions, once training is over.

A contrastive encoder puts most of its variance into a few directions that bad light moves as well. Scaling
the principal directions of clean cards by a negative power of their variance evens that out: a power of -1/2
would whiten, less keeps some of the order. The map is linear, so it becomes part of the last layer and costs
nothing.
"""

from __future__ import annotations

import torch
from torch import nn

from app.inference.towers.compact import CompactTower

#: Directions with less than this share of the greatest variance are amplified no further.
_LEAST_VARIANCE = 1e-4


def spread(tower: CompactTower, pictures: torch.Tensor, exponent: float, chunk: int = 128) -> None:
    """Changes the last layer of a tower so that its vectors are spread evenly.

    Args:
        tower: Built with ``folded=True``; changed in place.
        pictures: uint8 (n, height, width, 3): clean cards whose vectors say what to even out; n > 256.
        exponent: From 0 (only centres) to 0.5 (whitens).
        chunk: Pictures embedded at once.
    """
    with torch.inference_mode():
        parts = [tower(part.permute(0, 3, 1, 2).float() / 255.0) for part in torch.split(pictures, chunk)]
    vectors = torch.cat(parts).double()
    mean = vectors.mean(dim=0)
    variances, directions = torch.linalg.eigh(torch.cov((vectors - mean).T))
    scales = variances.clamp_min(_LEAST_VARIANCE * variances.max()) ** -exponent
    turn = (directions * scales / scales.mean()).T
    last = tower.head[0]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias.copy_(turn @ (last.bias.double() - mean))
        last.weight.copy_(turn @ last.weight.double())
