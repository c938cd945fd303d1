"""Weights on their way from the file into a tower."""

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from app.domain.errors import EncoderInvalid
from app.inference.manifest import ModelConfig
from app.inference.torch_tower import _load_cast, load_tower
from tests.encoders import TINY, seeded_state

WIDE = {**TINY, "vision_cfg": {**TINY["vision_cfg"], "layers": 4, "width": 512, "head_width": 64}}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of 50 MB in fp32."""
    path = tmp_path / "visual.safetensors"
    save_file(seeded_state(WIDE), path)
    return path


def resident_and_peak_bytes() -> tuple[int, int]:
    lines = Path("/proc/self/status").read_text().splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return 1024 * int(values["VmRSS"]), 1024 * int(values["VmHWM"])


def test_weights_cast_on_the_way_in_are_those_cast_afterwards(weights: Path) -> None:
    config = ModelConfig.model_validate(WIDE)
    expected = load_tower(weights, config).to(torch.bfloat16).state_dict()
    cast = load_tower(weights, config, "bf16").state_dict()
    assert cast.keys() == expected.keys()
    for name, tensor in cast.items():
        assert tensor.dtype == expected[name].dtype
        assert torch.equal(tensor, expected[name])


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a peak that can begin anew")
def test_casting_never_holds_the_file_beside_what_becomes_of_it(weights: Path) -> None:
    config, size_bytes = ModelConfig.model_validate(WIDE), weights.stat().st_size
    load_tower(weights, config, "bf16")  # what is loaded and allocated once
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before_bytes, _ = resident_and_peak_bytes()
    tower = load_tower(weights, config, "bf16")
    _, peak_bytes = resident_and_peak_bytes()
    assert tower is not None
    assert peak_bytes - before_bytes < 0.8 * size_bytes  # half of it becomes of it; both would be more


def test_counts_and_indices_are_not_cast(tmp_path: Path) -> None:
    path = tmp_path / "visual.safetensors"
    save_file({"weight": torch.rand(3), "index": torch.tensor([300, 301])}, path)
    cast = _load_cast(path, torch.bfloat16)
    assert (cast["weight"].dtype, cast["index"].tolist()) == (torch.bfloat16, [300, 301])


def test_a_broken_file_is_refused_on_the_way_in(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(EncoderInvalid, match="no readable safetensors file"):
        load_tower(weights, ModelConfig.model_validate(WIDE), "bf16")
