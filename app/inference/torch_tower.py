"""An image tower run by torch: from weights to vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from app.domain.errors import EncoderInvalid
from app.domain.types import Vectors
from app.inference.manifest import ModelConfig, WeightPrecision
from app.inference.tower import build_image_tower


class TorchTower:
    """A module that computes in one number format: implements ``app.inference.encoder.Tower``.

    Args:
        module: Maps (n, 3, height, width) to (n, dimension).
        precision: Number format to compute in; weights of another are cast.
        threads: Threads of torch, for the whole process; 0 leaves torch's default, one a core.
    """

    def __init__(self, module: nn.Module, precision: WeightPrecision, threads: int = 0) -> None:
        if threads:
            torch.set_num_threads(threads)
        self._dtype = torch_dtype(precision)
        self._module = module.to(self._dtype).eval()

    def __call__(self, batch: NDArray[np.float32]) -> Vectors:
        """Maps float32 (n, height, width, 3) to float32 (n, dimension), not of unit length."""
        with torch.inference_mode():
            pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).to(self._dtype)
            vectors: Vectors = self._module(pixels).to(torch.float32).numpy().copy()
        return vectors


def torch_dtype(precision: WeightPrecision) -> torch.dtype:
    """The torch type of a precision's name."""
    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]


def load_tower(path: Path, config: ModelConfig, cast_to: WeightPrecision | None = None) -> nn.Module:
    """Maps the weights into a tower that held no memory before.

    Args:
        path: The safetensors file.
        config: Of the tower.
        cast_to: Number format of the tower where the file has another; nothing stays mapped then.

    Raises:
        EncoderInvalid: no safetensors file, or not exactly the tensors of this tower.
    """
    try:
        state = load_file(path) if cast_to is None else _load_cast(path, torch_dtype(cast_to))
    except (SafetensorError, OSError) as error:
        raise EncoderInvalid(f"{path} is no readable safetensors file: {error}") from error
    return fill_tower(build_image_tower(config), state, path)


def _load_cast(path: Path, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Tensors in another format. Opened once for each, so that the pages of the one before are gone."""
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
    state = {}
    for name in names:
        with safe_open(path, framework="pt") as file:
            state[name] = _cast(file.get_tensor(name), dtype)
    return state


def _cast(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A copy; counts and indices stay what they are, as ``nn.Module.to`` leaves them."""
    return tensor.to(dtype if tensor.is_floating_point() else tensor.dtype, copy=True)


def fill_tower(tower: nn.Module, state: dict[str, torch.Tensor], origin: Path) -> nn.Module:
    """Gives a tower on the ``meta`` device its tensors.

    Args:
        tower: As ``build_image_tower`` returns it.
        state: Exactly the tower's tensors, by name.
        origin: Named in errors.

    Raises:
        EncoderInvalid: a tensor is missing, left over or of another shape.
    """
    try:
        tower.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        first_lines = " ".join(str(error).split())[:300]
        raise EncoderInvalid(f"{origin} does not fit model.json: {first_lines}") from error
    hollow = [name for name, tensor in _tensors(tower) if tensor.is_meta]
    if hollow:
        raise EncoderInvalid(f"{origin} cannot fill {hollow[0]}: the tower keeps it out of its state")
    return tower.eval().requires_grad_(requires_grad=False)


def _tensors(tower: nn.Module) -> list[tuple[str, torch.Tensor]]:
    return [*tower.named_parameters(), *tower.named_buffers()]
