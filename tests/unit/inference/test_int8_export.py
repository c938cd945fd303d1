"""Quantising an encoder: what is written, and what is refused."""

from __future__ import annotations

import math
import shutil
import sys
from pathlib import Path

import pytest
import torch

from app.domain.errors import ConfigurationError, EncoderFileMissing, EncoderInvalid
from app.inference import int8_evidence, quantise
from app.inference.export import write_encoder
from app.inference.int8_export import export_int8, repeat_proof
from app.inference.int8_proof import LEAST_COSINE, LEAST_QUERIES, broken_bond
from app.inference.loading import load_encoder
from app.inference.manifest import ModelConfig, read_manifest
from tests.encoders import TINY, describe_tiny, seeded_state, write_tiny_encoder
from tests.int8 import (
    needs_nncf,
    rewrite_manifest,
    sample,
    softened,
)

COMPACT = Path(__file__).resolve().parents[3] / "models" / "compact"


@needs_nncf
def test_weights_are_int8(shared_int8_encoder: Path) -> None:
    text = (shared_int8_encoder / "visual.int8.xml").read_text()
    assert text.count('element_type="i8"') >= 8  # four products a layer, two layers
    int8 = read_manifest(shared_int8_encoder).int8
    assert int8 is not None
    weights = (shared_int8_encoder / "visual.safetensors").stat().st_size
    assert int8.graph.weights.size_bytes < 0.45 * weights  # of fp32


def write_vit_whose_channels_stand_out(folder: Path, *, made_up_for: bool) -> None:
    """Channels 20 to 100 times larger, as trained ones have; the next weights smaller by as much, or not."""
    state = seeded_state()
    channels, factors = torch.tensor([3, 17, 41, 60]), torch.logspace(math.log10(20), 2, 4)
    for layer in range(2):
        block = f"transformer.resblocks.{layer}."
        for norm, product in (("ln_1", "attn.in_proj_weight"), ("ln_2", "mlp.c_fc.weight")):
            for part in ("weight", "bias"):
                state[f"{block}{norm}.{part}"][channels] *= factors
            if made_up_for:
                state[f"{block}{product}"][:, channels] /= factors
    write_encoder(folder, describe_tiny(), ModelConfig.model_validate(TINY), state, "fp32")


@needs_nncf
def test_channels_that_stand_out_take_no_others_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_evidence, "judging_photo", softened)
    write_vit_whose_channels_stand_out(tmp_path, made_up_for=True)
    int8 = export_int8(tmp_path, sample()).int8
    assert int8 is not None
    assert int8.proof.figures.least_cosine > 0.9999  # 0.9996 where channels are not evened out


@needs_nncf
def test_channels_that_drown_all_others_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8_evidence, "judging_photo", softened)
    write_vit_whose_channels_stand_out(tmp_path, made_up_for=False)
    with pytest.raises(EncoderInvalid, match="loses too much, not written"):
        export_int8(tmp_path, sample())
    assert read_manifest(tmp_path).int8 is None


@needs_nncf
def test_another_export_takes_the_graph_of_the_old_weights_away(
    shared_int8_encoder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(shared_int8_encoder, tmp_path / "tiny"))
    write_tiny_encoder(folder)
    assert read_manifest(folder).int8 is None
    assert not list(folder.glob("visual.int8.*"))


@needs_nncf
def test_the_proof_is_stored_with_what_was_measured(shared_int8_encoder: Path) -> None:
    int8 = read_manifest(shared_int8_encoder).int8
    assert int8 is not None
    figures = int8.proof.figures
    assert int8.proof.pictures == "files"
    assert figures.queries == LEAST_QUERIES
    assert LEAST_COSINE <= figures.least_cosine <= figures.mean_cosine <= 1.0001
    assert int8.proof.model_sha256 == int8.graph.model.sha256


@needs_nncf
def test_the_proof_can_be_repeated_without_the_quantiser(
    shared_int8_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_evidence, "judging_photo", softened)
    monkeypatch.setattr(quantise, "import_nncf", lambda: pytest.fail("verifying must not quantise"))
    int8 = read_manifest(shared_int8_encoder).int8
    assert int8 is not None
    again = repeat_proof(shared_int8_encoder, sample())
    assert again.figures.top1_agreement == pytest.approx(int8.proof.figures.top1_agreement, abs=0.006)
    assert again.figures.least_cosine == pytest.approx(int8.proof.figures.least_cosine, abs=1e-3)


@needs_nncf
def test_too_few_pictures_prove_nothing_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_evidence, "judging_photo", softened)
    write_tiny_encoder(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(EncoderInvalid, match="too few"):
        export_int8(tmp_path, sample(judged=20))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@needs_nncf
def test_convolutions_are_not_quantised(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(COMPACT, tmp_path / "compact"))
    rewrite_manifest(folder, "needs_fp32", value=False)  # or it would be refused for that
    before = (folder / "manifest.json").read_bytes()
    with pytest.raises(EncoderInvalid, match="no vision transformer"):
        export_int8(folder, sample(judged=1))
    assert (folder / "manifest.json").read_bytes() == before


@needs_nncf
def test_what_falls_short_can_be_written_to_be_measured_and_auto_leaves_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inference.loading.read_cpu_flags", lambda: frozenset({"avx2", "avx512_vnni"}))
    write_tiny_encoder(tmp_path / "tiny")
    manifest = export_int8(tmp_path / "tiny", sample(judged=9), must_hold=False)
    assert manifest.int8 is not None
    assert "9 photos are too few" in (broken_bond(manifest.int8, manifest.int8.proof.fingerprint) or "")
    assert load_encoder(tmp_path / "tiny").info.precision == "fp32"
    assert load_encoder(tmp_path / "tiny", precision="int8").info.precision == "int8"


def test_an_encoder_that_needs_fp32_is_not_quantised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inference.int8_export.import_nncf", lambda: None)
    with pytest.raises(EncoderInvalid, match="needs fp32"):
        export_int8(COMPACT, sample(judged=1))


def test_a_missing_quantiser_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(ConfigurationError, match=r"binderlens\[quantise\]"):
        quantise.import_nncf()


def test_there_is_nothing_to_prove_without_an_int8_graph(tmp_path: Path) -> None:
    write_tiny_encoder(tmp_path)
    with pytest.raises(EncoderFileMissing, match="no int8 graph"):
        repeat_proof(tmp_path, sample(judged=1))
