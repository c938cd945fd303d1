"""Quantising by the commands that a person would type."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import cv2
import pytest

from app.inference import int8_evidence
from app.services import card_samples
from tests.command_line import CommandLine, command
from tests.int8 import blocks_of_colour, needs_nncf, softened
from tests.integration.cli.conftest import CardFolder

__all__ = ["command"]


@pytest.fixture
def own_models(binderlens: CommandLine, models_dir: Path, tmp_path: Path) -> CommandLine:
    shutil.copytree(models_dir / "tiny", tmp_path / "models" / "tiny")
    binderlens.setenv(MODELS_DIR=tmp_path / "models")
    return binderlens


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of pictures that even random weights tell apart, enough to calibrate on and to judge by."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, picture in enumerate(blocks_of_colour(330, seed=2)):
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    return folder


@needs_nncf
def test_an_encoder_is_quantised_listed_and_verified_by_pictures_in_a_folder(
    own_models: CommandLine, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_evidence, "judging_photo", softened)
    monkeypatch.setattr(card_samples, "JUDGED_PICTURES", 200)
    exported = own_models("models", "export", "tiny", "--precision", "int8", "--gallery", pictures)
    assert exported.status == 0, exported.err
    assert re.search(r"tiny \(int8\) agrees with fp32: cosine (0\.99|1\.00)\d\d at least", exported.out)
    assert "on files pictures: fp32" in exported.out
    assert "int8" in own_models("models", "list").out
    verified = own_models("models", "verify", "tiny", "--gallery", pictures)
    assert verified.status == 0, verified.err
    assert verified.out.splitlines()[1:] == exported.out.splitlines()


@needs_nncf
def test_int8_that_is_not_proven_is_refused_in_one_line_with_the_gallery_s_own_pictures(
    own_models: CommandLine, cards: CardFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_samples, "JUDGED_PICTURES", 12)
    assert own_models(*cards.import_args).status == 0
    refused = own_models("models", "export", "tiny", "--precision", "int8", "--gallery", "database")
    assert "int8 of tiny loses too much, not written: 12 photos are too few" in refused.error


def test_without_the_quantiser_the_command_names_the_extra(
    own_models: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    refused = own_models("models", "export", "tiny", "--precision", "int8")
    assert "binderlens[quantise]" in refused.error


@needs_nncf
def test_a_gallery_that_is_nowhere_is_named(own_models: CommandLine) -> None:
    refused = own_models("models", "export", "tiny", "--precision", "int8", "--gallery", "no/such/folder")
    assert "no/such/folder: no such folder or manifest" in refused.error
