"""Which number format the encoder computes in, and why."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.domain.errors import ConfigurationError

RequestedPrecision = Literal["auto", "fp32", "bf16", "int8"]
FloatPrecision = Literal["fp32", "bf16"]
ComputePrecision = Literal["fp32", "bf16", "int8"]

#: Flags of /proc/cpuinfo that mean multiplication in bf16 is an instruction. Without one, bf16 is emulated
#: and tens of times slower than fp32.
BF16_CPU_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
#: Likewise for dot products of int8 that add up in 32 bits. Without one, int8 takes three instructions, the
#: first of which adds pairs of products in 16 bits and cuts off what is larger: as slow as fp32 on AVX2, and
#: other vectors than those that were proved (experiment 40).
INT8_CPU_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})


@dataclass(frozen=True, slots=True)
class PrecisionOffer:
    """What an encoder's folder and the settings leave to choose from.

    Attributes:
        int8_obstacle: Why int8 cannot be taken; None where there is a graph and its proof holds.
        has_int8_graph: Whether there is an int8 graph at all, proven or not.
        needs_fp32: The encoder's own word that nothing less will do.
    """

    int8_obstacle: str | None = "no int8 graph has been exported"
    has_int8_graph: bool = False
    needs_fp32: bool = False


@dataclass(frozen=True, slots=True)
class PrecisionChoice:
    """The format to compute in.

    Attributes:
        precision: The format.
        reason: Why, in a few words for the log and ``/ready``.
        as_asked: False where the setting names a format that this machine or this encoder does not give.
    """

    precision: ComputePrecision
    reason: str
    as_asked: bool = True


def read_cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Instruction-set flags of the first CPU; empty where the file is missing or names none."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(flags, "").split())


def fastest_float(cpu_flags: Set[str]) -> FloatPrecision:
    """bf16 where the CPU has it as an instruction, else fp32."""
    return "bf16" if cpu_flags & BF16_CPU_FLAGS else "fp32"


def choose_precision(
    requested: RequestedPrecision, cpu_flags: Set[str], offer: PrecisionOffer
) -> PrecisionChoice:
    """Turns ``ENCODER_PRECISION`` into a format that this machine computes fast and this encoder has.

    Args:
        requested: The setting. ``auto`` takes the fastest whose vectors fit one gallery with fp32: int8 where
            it is proven and an instruction, else bf16 where that is one, else fp32.
        cpu_flags: As ``read_cpu_flags`` returns them.
        offer: What there is.

    Raises:
        ConfigurationError: int8 is asked for and there is no int8 graph.
    """
    if offer.needs_fp32:
        as_asked = requested in ("auto", "fp32")
        return PrecisionChoice("fp32", "this encoder loses too much in anything less", as_asked)
    if requested == "fp32":
        return PrecisionChoice("fp32", "as ENCODER_PRECISION asks")
    if requested == "bf16":
        return _choose_bf16(cpu_flags)
    if requested == "int8":
        return _choose_int8(cpu_flags, offer)
    if offer.int8_obstacle is None and cpu_flags & INT8_CPU_FLAGS:
        return PrecisionChoice("int8", "fastest: proven int8 graph, and the processor multiplies int8")
    why_not = offer.int8_obstacle or "the processor has no instruction for int8"
    if cpu_flags & BF16_CPU_FLAGS:
        return PrecisionChoice("bf16", f"the processor multiplies bf16; not int8: {why_not}")
    return PrecisionChoice("fp32", f"the processor has no instruction for bf16; not int8: {why_not}")


def _choose_bf16(cpu_flags: Set[str]) -> PrecisionChoice:
    if cpu_flags & BF16_CPU_FLAGS:
        return PrecisionChoice("bf16", "as ENCODER_PRECISION asks")
    return PrecisionChoice(
        "fp32", "bf16 was asked for, and the processor would emulate it, far slower", as_asked=False
    )


def _choose_int8(cpu_flags: Set[str], offer: PrecisionOffer) -> PrecisionChoice:
    if not offer.has_int8_graph:
        raise ConfigurationError(
            "ENCODER_PRECISION=int8, but this encoder has no int8 graph: "
            "`binderlens models export NAME --precision int8` makes one"
        )
    if cpu_flags & INT8_CPU_FLAGS:
        return PrecisionChoice("int8", "as ENCODER_PRECISION asks")
    found = fastest_float(cpu_flags)
    return PrecisionChoice(
        found, "int8 was asked for, and the processor has no instruction for it", as_asked=False
    )
