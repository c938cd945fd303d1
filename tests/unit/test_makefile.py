"""What ``make`` calls is there."""

from __future__ import annotations

import re

import pytest

from app.settings import PROJECT_ROOT

MAKEFILE = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m (\S+)", MAKEFILE))))
def test_a_module_that_make_runs_is_there(module: str) -> None:
    path = PROJECT_ROOT.joinpath(*module.split("."))
    assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"(?<![\w/])(?:scripts|models)/[\w./-]+", MAKEFILE))))
def test_a_file_that_make_names_is_there(path: str) -> None:
    assert (PROJECT_ROOT / path).is_file()


def test_every_phony_target_is_a_target() -> None:
    [phony] = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    targets = re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE)
    assert phony.split() == targets
