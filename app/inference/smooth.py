"""Evens out the channels of a vision transformer before it is quantised, without changing what it computes.

Large trained transformers can have a few channels many times as large as the others; quantised, those take
the others' digits. SmoothQuant (Xiao et al. 2023, https://arxiv.org/abs/2211.10438) divides a channel where
it is normalised and multiplies the weights that read it: the same function, at no cost when it is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from app.inference.torchvision_compat import import_open_clip

#: How much of a channel's size goes into the weights: the middle, as the paper has it for most models.
MIGRATION = 0.5


def smooth_channels(tower: nn.Module, batches: Sequence[NDArray[np.float32]]) -> None:
    """Makes the normalised channels of every block and the weights that read them alike in size, in place.

    Args:
        tower: An image tower of open_clip in fp32; one without CLIP's own blocks (timm's) stays as it is.
        batches: What the channels' sizes are measured on, float32 (n, height, width, 3), preprocessed.
    """
    pairs = list(_normalised_inputs(tower))
    if not pairs:
        return
    sizes = [torch.zeros_like(norm.weight) for norm, _ in pairs]
    with ExitStack() as hooks, torch.inference_mode():
        for (norm, _), size in zip(pairs, sizes, strict=True):
            hooks.callback(norm.register_forward_hook(_remember(size)).remove)
        for batch in batches:
            tower(torch.from_numpy(batch).permute(0, 3, 1, 2))
    for (norm, weight), size in zip(pairs, sizes, strict=True):
        factors = _factors(size, weight.abs().amax(dim=0))
        norm.weight.data /= factors
        norm.bias.data /= factors
        weight.data *= factors


def _normalised_inputs(tower: nn.Module) -> Iterator[tuple[nn.LayerNorm, torch.Tensor]]:
    """Each layer norm of a block with the weights (outputs, channels) that alone read it."""
    import_open_clip()
    from open_clip.transformer import CustomResidualAttentionBlock, ResidualAttentionBlock

    for block in tower.modules():
        if isinstance(block, (ResidualAttentionBlock, CustomResidualAttentionBlock)):
            yield block.ln_1, block.attn.in_proj_weight
            yield block.ln_2, block.mlp.c_fc.weight


def _remember(size: torch.Tensor) -> Callable[[nn.Module, object, torch.Tensor], None]:
    """A hook that keeps the largest absolute value of each channel in ``size``."""

    def hook(_norm: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        torch.maximum(size, output.abs().flatten(0, -2).amax(dim=0), out=size)

    return hook


def _factors(activations: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """By how much each channel is divided; a channel that is never used stays as it is."""
    factors = activations**MIGRATION / weights ** (1.0 - MIGRATION)
    return torch.where((activations > 0) & (weights > 0), factors, torch.ones_like(factors))
