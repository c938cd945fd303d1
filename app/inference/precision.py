"""Which number format the encoder computes in."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import Literal

from app.domain.errors import ConfigurationError

RequestedPrecision = Literal["auto", "fp32", "bf16", "int8"]
ComputePrecision = Literal["fp32", "bf16"]

#: Flags of /proc/cpuinfo that mean multiplication in bf16 is an instruction. Without one, bf16 is emulated
#: and tens of times slower than fp32.
BF16_CPU_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def read_cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Instruction-set flags of the first CPU; empty where the file is missing or names none."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(flags, "").split())


def choose_precision(requested: RequestedPrecision, cpu_flags: Set[str]) -> ComputePrecision:
    """Turns ``ENCODER_PRECISION`` into a format this machine computes fast.

    Args:
        requested: The setting. ``auto`` and ``bf16`` give bf16 only where the CPU has it as an instruction.
        cpu_flags: As ``read_cpu_flags`` returns them.

    Raises:
        ConfigurationError: int8, which does not exist yet.
    """
    if requested == "int8":
        raise ConfigurationError("ENCODER_PRECISION=int8 is not available yet; use auto, bf16 or fp32")
    if requested == "fp32" or not cpu_flags & BF16_CPU_FLAGS:
        return "fp32"
    return "bf16"
