"""Where a run computes: on a GPU where there is one, else on the CPU."""

from __future__ import annotations

from typing import Literal

import torch

from app.domain.errors import ConfigurationError
from app.inference.precision import fastest_float, read_cpu_flags

DeviceWish = Literal["auto", "cpu", "cuda"]


def choose_device(wish: DeviceWish) -> torch.device:
    """The device that a config asks for.

    Raises:
        ConfigurationError: a GPU is asked for and there is none that this build of torch can use.
    """
    has_gpu = torch.cuda.is_available()
    if wish == "cuda" and not has_gpu:
        raise ConfigurationError('device = "cuda": torch sees no GPU')
    return torch.device("cuda" if has_gpu and wish != "cpu" else "cpu")


def computes_bf16(device: torch.device) -> bool:
    """Whether the device has instructions for bf16; without them it is many times slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return fastest_float(read_cpu_flags()) == "bf16"
