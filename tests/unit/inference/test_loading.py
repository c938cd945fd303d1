import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from app.domain.errors import EncoderFileMissing, EncoderInvalid, InvalidParameter
from app.inference.encoder import LoadedEncoder
from app.inference.files import sha256_of
from app.inference.loading import expect_encoder, load_encoder
from app.inference.manifest import read_manifest, read_model_config
from app.inference.precision import RequestedPrecision
from app.inference.torch_tower import load_tower
from tests.encoders import build_full_model, draw_crops, write_tiny_encoder


def edit_json(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text())
    for dotted, value in changes.items():
        *parents, last = dotted.split("__")
        target = content
        for parent in parents:
            target = target[parent]
        target[last] = value
    path.write_text(json.dumps(content))


def replace_weights(folder: Path, state: dict[str, torch.Tensor]) -> None:
    """Swaps the weights and makes the manifest vouch for them."""
    path = folder / "visual.safetensors"
    save_file(state, path)
    edit_json(
        folder / "manifest.json", weights__sha256=sha256_of(path), weights__size_bytes=path.stat().st_size
    )


def test_vectors_have_unit_length_and_own_their_memory(shared_tiny_encoder: Path) -> None:
    encoder = load_encoder(shared_tiny_encoder, precision="fp32")
    vectors = encoder.encode_now(draw_crops(5))
    assert vectors.shape == (5, 32)
    assert vectors.dtype == np.float32
    assert vectors.flags.owndata
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)


def test_no_crops_give_no_vectors(shared_tiny_encoder: Path) -> None:
    assert load_encoder(shared_tiny_encoder).encode_now([]).shape == (0, 32)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 9])
def test_the_batch_size_does_not_change_the_vectors(shared_tiny_encoder: Path, batch_size: int) -> None:
    encoder = load_encoder(shared_tiny_encoder, precision="fp32")
    crops = draw_crops(11)
    one_by_one = np.concatenate([encoder.encode_batch([crop]) for crop in crops])
    np.testing.assert_allclose(encoder.encode_now(crops, batch_size), one_by_one, atol=2e-6)


def test_only_the_image_tower_is_in_memory(shared_tiny_encoder: Path) -> None:
    full = build_full_model()
    visual = sum(p.numel() for p in full.visual.parameters())  # type: ignore[union-attr]
    tower = load_tower(shared_tiny_encoder / "visual.safetensors", read_model_config(shared_tiny_encoder))
    assert sum(p.numel() for p in tower.parameters()) == visual
    assert visual < sum(p.numel() for p in full.parameters())
    assert not [name for name, _ in tower.named_modules() if "text" in name or "token_embedding" in name]


def test_the_tower_computes_what_the_full_model_computes(shared_tiny_encoder: Path) -> None:
    encoder = load_encoder(shared_tiny_encoder, precision="fp32")
    config = read_model_config(shared_tiny_encoder)
    state = load_file(shared_tiny_encoder / "visual.safetensors")
    full = build_full_model(seed=5)
    full.visual.load_state_dict(state)  # type: ignore[union-attr]
    pixels = np.random.default_rng(0).normal(size=(3, 32, 32, 3)).astype(np.float32)
    with torch.inference_mode():
        expected = full.encode_image(torch.from_numpy(pixels).permute(0, 3, 1, 2), normalize=True)  # type: ignore[operator]
    assert config.embed_dim == expected.shape[1]
    np.testing.assert_allclose(encoder.encode_pixels(pixels), expected.numpy(), atol=2e-6)


@pytest.mark.parametrize("file", ["manifest.json", "model.json", "visual.safetensors"])
def test_a_missing_file_is_named(tiny_encoder: Path, file: str) -> None:
    (tiny_encoder / file).unlink()
    with pytest.raises(EncoderFileMissing, match=re.escape(file)):
        load_encoder(tiny_encoder)


def test_truncated_weights_are_refused(tiny_encoder: Path) -> None:
    weights = tiny_encoder / "visual.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(EncoderInvalid, match="bytes"):
        load_encoder(tiny_encoder)


def test_one_flipped_bit_is_refused(tiny_encoder: Path) -> None:
    weights = tiny_encoder / "visual.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(EncoderInvalid, match="SHA-256"):
        load_encoder(tiny_encoder)


def test_a_file_that_is_no_safetensors_file_is_refused_even_with_the_right_hash(tiny_encoder: Path) -> None:
    weights = tiny_encoder / "visual.safetensors"
    weights.write_bytes(b"<html>not here</html>")
    edit_json(tiny_encoder / "manifest.json", weights__sha256=sha256_of(weights), weights__size_bytes=21)
    with pytest.raises(EncoderInvalid, match="safetensors"):
        load_encoder(tiny_encoder)


@pytest.mark.parametrize("damage", ["missing", "foreign", "shape"])
def test_tensors_that_do_not_fit_the_config_are_refused(tiny_encoder: Path, damage: str) -> None:
    state = load_file(tiny_encoder / "visual.safetensors")
    if damage == "missing":
        del state["ln_post.weight"]
    elif damage == "foreign":
        state["text_projection"] = torch.zeros(4)
    else:
        state["proj"] = torch.zeros(3, 3)
    replace_weights(tiny_encoder, state)
    with pytest.raises(EncoderInvalid, match=r"does not fit model\.json"):
        load_encoder(tiny_encoder)


def test_other_weights_of_the_same_shape_fail_the_golden_vector(tiny_encoder: Path, tmp_path: Path) -> None:
    write_tiny_encoder(tmp_path / "other", seed=1)
    replace_weights(tiny_encoder, load_file(tmp_path / "other" / "visual.safetensors"))
    with pytest.raises(EncoderInvalid, match="golden"):
        load_encoder(tiny_encoder)


def test_weights_that_are_not_numbers_fail_the_golden_vector(tiny_encoder: Path) -> None:
    state = load_file(tiny_encoder / "visual.safetensors")
    replace_weights(tiny_encoder, {name: tensor * float("nan") for name, tensor in state.items()})
    with pytest.raises(EncoderInvalid, match="golden"):
        load_encoder(tiny_encoder)


def test_another_preprocessing_fails_the_golden_vector(tiny_encoder: Path) -> None:
    edit_json(tiny_encoder / "manifest.json", preprocessing__mean=[0.9, 0.1, 0.4])
    with pytest.raises(EncoderInvalid, match="golden"):
        load_encoder(tiny_encoder)


def test_a_dimension_that_contradicts_the_config_is_refused(tiny_encoder: Path) -> None:
    edit_json(tiny_encoder / "manifest.json", dimension=64)
    with pytest.raises(EncoderInvalid, match="vectors of 32"):
        load_encoder(tiny_encoder)


@pytest.mark.parametrize(
    "vision_cfg",
    [
        {"image_size": 32, "layers": 2, "width": 64, "no_such_option": 1},
        {"timm_model_name": "no_such_model"},
        {"timm_model_name": "binderlens_compact", "timm_pool": "avg", "timm_proj": ""},
    ],
)
def test_a_config_open_clip_cannot_build_is_refused(
    tiny_encoder: Path, vision_cfg: dict[str, object]
) -> None:
    edit_json(tiny_encoder / "model.json", vision_cfg=vision_cfg)
    with pytest.raises(EncoderInvalid, match="cannot build"):
        load_encoder(tiny_encoder)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"weights__sha256": "abc"}, "sha256"),
        ({"surprise": 1}, "surprise"),
        ({"preprocessing__resize_mode": "shortest"}, "resize_mode"),
        ({"dimension": "32"}, "dimension"),
        ({"weights__file": "../secret.safetensors"}, "file"),
    ],
)
def test_a_manifest_is_read_strictly(tiny_encoder: Path, changes: dict[str, Any], complaint: str) -> None:
    edit_json(tiny_encoder / "manifest.json", **changes)
    with pytest.raises(EncoderInvalid, match=complaint):
        load_encoder(tiny_encoder)


def test_a_manifest_that_is_no_json_is_refused(tiny_encoder: Path) -> None:
    (tiny_encoder / "manifest.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(EncoderInvalid, match=r"manifest\.json"):
        load_encoder(tiny_encoder)


def test_a_crop_that_is_no_picture_is_refused(shared_tiny_encoder: Path) -> None:
    encoder = load_encoder(shared_tiny_encoder)
    with pytest.raises(InvalidParameter, match="float64"):
        encoder.encode_now([np.zeros((8, 8, 3))])  # type: ignore[list-item]


def fingerprint_of(folder: Path) -> str:
    return load_encoder(folder).info.fingerprint


def test_the_fingerprint_depends_on_weights_and_preprocessing_alone(
    shared_tiny_encoder: Path, tmp_path: Path
) -> None:
    write_tiny_encoder(tmp_path / "same")
    edit_json(tmp_path / "same" / "manifest.json", name="renamed")
    write_tiny_encoder(tmp_path / "other", seed=1)
    write_tiny_encoder(tmp_path / "half", precision="fp16")
    same, other, half = (fingerprint_of(tmp_path / name) for name in ("same", "other", "half"))
    assert same == fingerprint_of(shared_tiny_encoder)
    assert len({same, other, half}) == 3
    assert re.fullmatch("[0-9a-f]{32}", same)


def test_fp32_and_bf16_share_a_gallery(shared_tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inference.loading.read_cpu_flags", lambda: frozenset({"avx512_bf16"}))
    half, full = (load_encoder(shared_tiny_encoder, precision=p) for p in ("bf16", "fp32"))  # type: ignore[arg-type]
    assert (half.info.precision, full.info.precision) == ("bf16", "fp32")
    assert half.info.fingerprint == full.info.fingerprint
    crops = draw_crops(4)
    cosines = (half.encode_now(crops) * full.encode_now(crops)).sum(axis=1)
    assert cosines.min() > 0.999


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16"])
def test_what_will_be_loaded_is_known_without_loading_it(
    precision: RequestedPrecision, shared_tiny_encoder: Path
) -> None:
    loaded = load_encoder(shared_tiny_encoder, precision=precision)
    assert expect_encoder(shared_tiny_encoder, precision=precision) == loaded.info


@pytest.mark.parametrize("asked", ["auto", "bf16"])
def test_an_encoder_that_needs_fp32_is_computed_in_nothing_else(
    tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, asked: RequestedPrecision
) -> None:
    monkeypatch.setattr("app.inference.loading.read_cpu_flags", lambda: frozenset({"avx512_bf16"}))
    edit_json(tiny_encoder / "manifest.json", needs_fp32=True)
    assert load_encoder(tiny_encoder, precision=asked).info.precision == "fp32"


def test_bf16_falls_back_to_fp32_where_the_cpu_has_no_instruction_for_it(
    shared_tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inference.loading.read_cpu_flags", lambda: frozenset({"avx2"}))
    assert load_encoder(shared_tiny_encoder, precision="bf16").info.precision == "fp32"


def test_half_precision_files_load_into_the_same_vectors(shared_tiny_encoder: Path, tmp_path: Path) -> None:
    manifest = write_tiny_encoder(tmp_path / "half", precision="fp16")
    full: LoadedEncoder = load_encoder(shared_tiny_encoder, precision="fp32")
    half = load_encoder(tmp_path / "half", precision="fp32")
    crops = draw_crops(3)
    assert (full.encode_now(crops) * half.encode_now(crops)).sum(axis=1).min() > 0.9999
    assert manifest.weights.size_bytes < 0.6 * read_manifest(shared_tiny_encoder).weights.size_bytes
