"""Muon: momentum whose updates are made orthogonal, so that no direction of a layer starves.

After Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).

With AdamW the vectors of a short run filled few of their 256 directions (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import overload

import torch

#: Coefficients of the quintic Newton-Schulz iteration, from the reference description of Muon.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
#: Gives updates the root mean square that AdamW's have, so that both share a learning rate (Liu et al. 2025).
_ADAMW_RMS = 0.2
_SMALLEST_NORM = 1e-7


class Muon(torch.optim.Optimizer):
    """Optimises weight matrices; kernels of convolutions count as (outputs, everything else).

    Args:
        parameters: Tensors of two and more dimensions.
        lr: Learning rate, on AdamW's scale.
        momentum: Share of the last direction that is kept (Nesterov).
        weight_decay: As in AdamW.
    """

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step; a closure is refused, for nothing here evaluates the loss again."""
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group["lr"], group["momentum"], group["weight_decay"])
        return None

    def _update(self, weight: torch.nn.Parameter, rate: float, momentum: float, weight_decay: float) -> None:
        assert weight.grad is not None
        state = self.state[weight]
        if "velocity" not in state:
            state["velocity"] = torch.zeros_like(weight)
        state["velocity"].lerp_(weight.grad, 1 - momentum)
        direction = weight.grad.lerp(state["velocity"], momentum).flatten(1)
        scale = _ADAMW_RMS * max(direction.shape) ** 0.5
        weight.mul_(1 - rate * weight_decay)
        weight.add_(orthogonalised(direction).reshape(weight.shape), alpha=-rate * scale)


def orthogonalised(matrix: torch.Tensor) -> torch.Tensor:
    """Brings every singular value of a matrix (rows, columns) near 1 and keeps the singular vectors.

    The iteration runs on the square of the shorter side, where all its factors commute.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonalised(matrix.T).T
    a, b, c = _QUINTIC
    unit = matrix / (matrix.norm() + _SMALLEST_NORM)
    squares = unit @ unit.T
    identity = torch.eye(len(unit), device=unit.device)
    factor = identity
    for _ in range(_ITERATIONS):
        change = a * identity + b * squares + c * squares @ squares
        factor = change @ factor
        squares = change @ squares @ change
    result: torch.Tensor = factor @ unit
    return result
