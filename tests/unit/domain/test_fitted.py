"""What was fitted on somebody's own labels is kept in a file of its own, for the encoder it belongs to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.calibration import UNCALIBRATED, Calibration, Calibrations
from app.domain.errors import ConfigurationError
from app.domain.fitted import choose_calibrations, fitted_path, forget_fitted, save_fitted

SHIPPED = Calibrations(Calibration(-8.0, 20.0, 6.0, 0.02, 0.98, 0.9, 0.2), UNCALIBRATED)
FITTED = replace(SHIPPED, plain=replace(SHIPPED.plain, bias=-6.123456789, accept_card=0.91))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = fitted_path(tmp_path / "data", "compact")
    save_fitted(FITTED, SHIPPED, path, "compact", "f1")
    return path


def test_what_was_fitted_survives_being_written_and_read(path: Path) -> None:
    chosen = choose_calibrations(SHIPPED, path, "f1")
    assert (chosen.calibrations, chosen.fitted, chosen.ignored) == (FITTED, True, None)
    assert [one.name for one in path.parent.iterdir()] == ["compact.json"]


def test_without_a_file_the_encoder_s_own_constants_are_used(tmp_path: Path) -> None:
    chosen = choose_calibrations(SHIPPED, fitted_path(tmp_path, "compact"), "f1")
    assert (chosen.calibrations, chosen.fitted, chosen.ignored) == (SHIPPED, False, None)


def test_what_was_fitted_for_another_encoder_is_ignored_and_said(path: Path) -> None:
    chosen = choose_calibrations(SHIPPED, path, "f2")
    assert (chosen.calibrations, chosen.fitted) == (SHIPPED, False)
    assert "another fingerprint" in (chosen.ignored or "")


def test_what_was_fitted_from_constants_that_have_changed_is_ignored_and_said(path: Path) -> None:
    updated = replace(SHIPPED, plain=replace(SHIPPED.plain, bias=-7.0))
    chosen = choose_calibrations(updated, path, "f1")
    assert (chosen.calibrations, chosen.fitted) == (updated, False)
    assert "other constants" in (chosen.ignored or "")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}'])
def test_a_broken_file_is_an_error_that_names_the_way_back(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="--forget-fit"):
        choose_calibrations(SHIPPED, path, "f1")


def test_constants_that_make_no_sense_are_refused(path: Path) -> None:
    document = json.loads(path.read_text())
    document["calibrations"]["margin_weight"] = -1.0
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigurationError, match="--forget-fit"):
        choose_calibrations(SHIPPED, path, "f1")


def test_a_file_that_cannot_be_written_leaves_the_older_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        save_fitted(SHIPPED, SHIPPED, path, "compact", "f1")
    assert choose_calibrations(SHIPPED, path, "f1").calibrations == FITTED
    assert [one.name for one in path.parent.iterdir()] == ["compact.json"]


def test_what_was_fitted_can_be_forgotten(path: Path) -> None:
    assert forget_fitted(path)
    assert not choose_calibrations(SHIPPED, path, "f1").fitted
    assert not forget_fitted(path)
