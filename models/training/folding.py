"""Turns the network that learnt, with batch norms, into the one that serves, without."""

from __future__ import annotations

import torch
from torch import nn

from app.inference.towers.compact import CompactTower, Excitation


def fold_batch_norms(trained: CompactTower) -> CompactTower:
    """Folds every batch norm into the layer before it.

    Args:
        trained: A tower built with ``folded=False``; it is not changed.

    Returns:
        A tower built with ``folded=True``, in evaluation mode, that gives the vectors
        ``trained`` gives in evaluation mode, up to rounding.
    """
    served = CompactTower(trained.num_classes, folded=True).eval()
    layers = dict(served.named_modules())
    with torch.no_grad():
        for name, part in trained.named_modules():
            if isinstance(part, nn.Sequential) and len(part) == 2 and _is_norm(part[1]):
                _fold(part[0], part[1], layers[f"{name}.0"])
            elif isinstance(part, Excitation):  # has no norm
                layers[name].load_state_dict(part.state_dict())
    return served


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)


def _fold(layer: nn.Module, norm: nn.Module, served: nn.Module) -> None:
    """Writes ``norm(layer(x))`` as one layer into ``served``: y = scale * (w x - mean) + shift."""
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    assert isinstance(served, nn.Conv2d | nn.Linear)
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert served.bias is not None
    scale = torch.rsqrt(norm.running_var + norm.eps)
    shift = torch.zeros_like(scale)
    if norm.affine:
        scale, shift = scale * norm.weight, norm.bias
    served.weight.copy_(layer.weight * scale.reshape(-1, *[1] * (layer.weight.dim() - 1)))
    served.bias.copy_(shift - norm.running_mean * scale)
