"""The config file of a training run."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.errors import ConfigurationError
from app.inference.towers.compact import COMPACT_INPUT_PX
from models.training.config import read_config

CONFIG = Path("models/training/config.toml")


def changed(folder: Path, old: str, new: str) -> Path:
    text = CONFIG.read_text(encoding="utf-8")
    assert old in text
    path = folder / "config.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_committed_config_is_valid_and_ends_at_the_size_that_is_served():
    assert read_config(CONFIG).stages[-1].size_px == COMPACT_INPUT_PX


def test_steps_belong_to_their_stage():
    config = read_config(CONFIG)
    first = config.stages[0].steps
    assert config.stage_at(first - 1) is config.stages[0]
    assert config.stage_at(first) is config.stages[1]
    assert config.stage_at(config.steps - 1) is config.stages[-1]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("temperature = 0.06", "temperature = 0", "loss.temperature"),
        ("temperature = 0.06", "temprature = 0.06", "loss.temp"),
        ("size_px = [144, 96]", "size_px = [140, 96]", "multiples of 16"),
        ("batch = 48", "batch = 50", "family_size"),
        ("strength_max = 1.25", "strength_max = 0.05", "strength_min"),
        ("seed = 2\n", "seed = 1\n", "shares no artwork"),
        ("movement_exponent = 0.2", "movement_exponent = 0.6", "spreading.movement_exponent"),
        ("whitening_exponent = 0.0", "whitening_exponent = 0.6", "gallery_space.whitening_exponent"),
        ("threads = 1", "threads = one", "config.toml"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_its_place(tmp_path, old, new, reason):
    with pytest.raises(ConfigurationError, match=reason):
        read_config(changed(tmp_path, old, new))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="nowhere"):
        read_config(tmp_path / "nowhere.toml")
