"""Which number format is chosen, on this machine and on older ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.errors import ConfigurationError
from app.inference.precision import (
    PrecisionOffer,
    RequestedPrecision,
    choose_precision,
    fastest_float,
    read_cpu_flags,
)

NOTHING = PrecisionOffer()
PROVEN = PrecisionOffer(int8_obstacle=None, has_int8_graph=True)
UNPROVEN = PrecisionOffer(int8_obstacle="its proof is of other weights", has_int8_graph=True)
NEW = frozenset({"avx2", "avx512_vnni", "avx512_bf16"})
OLD = frozenset({"avx2", "fma"})


@pytest.mark.parametrize("flag", ["avx512_vnni", "avx_vnni", "amx_int8"])
def test_auto_takes_a_proven_int8_graph_where_int8_is_an_instruction(flag: str) -> None:
    assert choose_precision("auto", {"avx2", flag}, PROVEN).precision == "int8"


def test_auto_takes_no_int8_without_the_instruction_and_says_so() -> None:
    choice = choose_precision("auto", {"avx2", "avx512_bf16"}, PROVEN)
    assert choice.precision == "bf16"
    assert "no instruction for int8" in choice.reason


def test_auto_takes_no_unproven_int8_and_says_why() -> None:
    choice = choose_precision("auto", NEW, UNPROVEN)
    assert choice.precision == "bf16"
    assert "its proof is of other weights" in choice.reason


def test_auto_without_a_graph_says_that_none_has_been_exported() -> None:
    assert "no int8 graph has been exported" in choose_precision("auto", NEW, NOTHING).reason


def test_auto_on_an_old_processor_is_fp32() -> None:
    choice = choose_precision("auto", OLD, PROVEN)
    assert choice.precision == "fp32"
    assert choice.as_asked


@pytest.mark.parametrize("asked", ["fp32", "bf16", "int8"])
def test_a_new_processor_gives_what_is_asked_for(asked: RequestedPrecision) -> None:
    choice = choose_precision(asked, NEW, PROVEN)
    assert (choice.precision, choice.as_asked) == (asked, True)


@pytest.mark.parametrize("asked", ["bf16", "int8"])
def test_an_old_processor_computes_fp32_and_says_that_this_was_not_asked_for(
    asked: RequestedPrecision,
) -> None:
    choice = choose_precision(asked, OLD, PROVEN)
    assert (choice.precision, choice.as_asked) == ("fp32", False)
    assert asked in choice.reason


def test_int8_without_its_instruction_falls_back_to_bf16_where_that_is_one() -> None:
    choice = choose_precision("int8", {"amx_bf16"}, PROVEN)
    assert (choice.precision, choice.as_asked) == ("bf16", False)


def test_int8_without_a_graph_is_a_mistake_of_the_settings_that_names_the_command() -> None:
    with pytest.raises(ConfigurationError, match="models export NAME --precision int8"):
        choose_precision("int8", NEW, NOTHING)


def test_unproven_int8_is_computed_where_it_is_asked_for() -> None:
    assert choose_precision("int8", NEW, UNPROVEN).precision == "int8"


@pytest.mark.parametrize("asked", ["auto", "bf16", "int8"])
def test_an_encoder_that_needs_fp32_is_computed_in_nothing_else(asked: RequestedPrecision) -> None:
    offer = PrecisionOffer(int8_obstacle=None, has_int8_graph=True, needs_fp32=True)
    choice = choose_precision(asked, NEW, offer)
    assert (choice.precision, choice.as_asked) == ("fp32", asked == "auto")


def test_bf16_is_taken_only_where_it_is_an_instruction() -> None:
    assert fastest_float({"avx2", "amx_bf16"}) == "bf16"
    assert fastest_float({"avx2", "avx512f"}) == "fp32"


def test_cpu_flags_are_read_from_the_first_cpu(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nflags\t\t: fpu sse avx512_bf16\n\nprocessor : 1\n")
    assert read_cpu_flags(tmp_path / "cpuinfo") == {"fpu", "sse", "avx512_bf16"}
    assert read_cpu_flags(tmp_path / "absent") == frozenset()
