"""How wrong the network's answers are."""

from __future__ import annotations

import torch
from torch.nn import functional

from models.training.finder.network import CORNERS

#: Share of a card's size up to which a corner's error counts by its square.
_SQUARED_BELOW = 0.02


def finder_loss(
    answers: torch.Tensor, card: torch.Tensor, weight: torch.Tensor, corners: torch.Tensor, size: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross entropy of the cells, and the corners' errors as shares of their card's size.

    A card has no first corner that a picture would always show, so of the four ways to number an answer's
    corners, clockwise, the one that fits best counts.

    Args:
        answers: Of the network, (n, 9, rows, columns).
        card: As in ``Targets``, stacked, (n, rows, columns).
        weight: Likewise.
        corners: (n, 8, rows, columns).
        size: (n, rows, columns).
    """
    logits = answers[:, 0].float()
    entropy = functional.binary_cross_entropy_with_logits(logits, card, reduction="none")
    showing = (entropy * weight).sum() / weight.sum().clamp_min(1.0)
    n, _, rows, columns = answers.shape
    found = answers[:, 1:].float().reshape(n, CORNERS, 2, rows, columns)
    wanted = corners.reshape(n, CORNERS, 2, rows, columns)
    scale = size.clamp_min(1e-3)[:, None, None]
    ways = torch.stack([_apart(found, wanted.roll(turn, 1), scale) for turn in range(CORNERS)])
    counted = (size > 0).float()
    placing = (ways.min(dim=0).values * counted).sum() / counted.sum().clamp_min(1.0)
    return showing, placing


def _apart(found: torch.Tensor, wanted: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Mean error of a cell's corners, (n, rows, columns)."""
    return functional.smooth_l1_loss(
        found / scale, wanted / scale, reduction="none", beta=_SQUARED_BELOW
    ).mean(dim=(1, 2))
