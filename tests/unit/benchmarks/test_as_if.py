"""A command that sees another processor than there is."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.inference.precision import INT8_CPU_FLAGS, read_cpu_flags
from benchmarks.as_if import pretends, with_flag

CPUINFO = "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu sse2\n"
READ = """
import os
from app.inference.precision import read_cpu_flags
from benchmarks.as_if import CPUINFO, pretends
print(oct(os.stat(CPUINFO).st_mode & 0o777), pretends(), *read_cpu_flags())
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.as_if", *command], capture_output=True, text=True, check=False
    )


def test_the_flag_is_added_and_the_name_says_so(tmp_path: Path) -> None:
    changed = with_flag(CPUINFO, "avx_vnni")
    file = tmp_path / "cpuinfo"
    file.write_text(changed)
    assert read_cpu_flags(file) == {"fpu", "sse2", "avx_vnni"}
    assert "model name\t: Some CPU (as if it had avx_vnni)\n" in changed


def test_a_flag_that_is_there_changes_nothing() -> None:
    assert with_flag(CPUINFO, "sse2") == CPUINFO


def test_a_processor_without_flags_is_an_error() -> None:
    with pytest.raises(ValueError, match="names no flags"):
        with_flag("processor: 0\nFeatures: asimd\n", "avx_vnni")


@pytest.mark.parametrize("command", [(), ("avx_vnni",), ("avx_vnni", "no-such-command-here")])
def test_what_is_not_given_is_named(command: tuple[str, ...]) -> None:
    done = run(*command)
    assert done.returncode == 1
    assert "Not given: a flag and a command that is there" in done.stderr


def test_the_command_alone_sees_the_flag() -> None:
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this process may not mount")
    before = read_cpu_flags()
    flag = sorted({*INT8_CPU_FLAGS, "as_if"} - before)[0]
    done = run(flag, sys.executable, "-c", READ)
    mode, pretending, *seen = done.stdout.split()
    assert (mode, pretending) == ("0o444", "True")
    assert set(seen) == before | {flag}
    assert (read_cpu_flags(), pretends()) == (before, False)
