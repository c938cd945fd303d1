"""The two optimisers of a run, under one learning rate."""

from __future__ import annotations

import torch
from torch import nn

from models.training.muon import Muon


class Optimisers:
    """Muon for weights, AdamW for biases and for the scales of batch norms, which do not decay.

    Args:
        network: What to optimise.
        weight_decay: Of the weights.
    """

    def __init__(self, network: nn.Module, weight_decay: float) -> None:
        weights = [parameter for parameter in network.parameters() if parameter.dim() > 1]
        others = [parameter for parameter in network.parameters() if parameter.dim() <= 1]
        self._members: tuple[torch.optim.Optimizer, ...] = (
            Muon(weights, lr=0.0, weight_decay=weight_decay),
            torch.optim.AdamW(others, lr=0.0, weight_decay=0.0),
        )

    def step(self, loss: torch.Tensor, learning_rate: float) -> None:
        """Goes down the gradient of a loss once."""
        for member in self._members:
            member.zero_grad()
            for group in member.param_groups:
                group["lr"] = learning_rate
        torch.autograd.backward(loss)
        for member in self._members:
            member.step()

    def state_dict(self) -> list[dict[str, object]]:
        """What a checkpoint keeps."""
        return [member.state_dict() for member in self._members]

    def load_state_dict(self, states: list[dict[str, object]]) -> None:
        """Goes on from what a checkpoint kept."""
        for member, state in zip(self._members, states, strict=True):
            member.load_state_dict(state)
