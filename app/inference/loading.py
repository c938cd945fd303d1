"""Loads the image tower of an encoder folder, strictly: what does not fit is refused.

open_clip's own loader builds the text tower too, and leaves random weights behind a mere warning. Here the
tower is laid out without memory, its weights are mapped from an image-only file, and nothing is served before
the file's hash and the folder's golden vector are right.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import structlog
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from app.domain.errors import EncoderFileMissing, EncoderInvalid
from app.domain.types import EncoderInfo
from app.inference.encoder import LoadedEncoder
from app.inference.manifest import (
    EncoderManifest,
    ModelConfig,
    Weights,
    fingerprint,
    golden_picture,
    read_manifest,
    read_model_config,
)
from app.inference.precision import (
    ComputePrecision,
    RequestedPrecision,
    choose_precision,
    read_cpu_flags,
    torch_dtype,
)
from app.inference.preprocessing import PREPROCESSING_VERSION
from app.inference.tower import build_image_tower

#: Least cosine to the golden vector. fp32 leaves room for another order of sums and one grey level of
#: resizing. bf16 has 8 bits of mantissa: 0.99999 measured for the compact net, 0.9999 for ViT-L-14.
GOLDEN_LEAST_COSINE: dict[ComputePrecision, float] = {"fp32": 0.9999, "bf16": 0.999}

#: fp32 and bf16 vectors of one card differ less than two photos of it ever do, so they share one gallery.
PRECISION_CLASS: dict[ComputePrecision, str] = {"fp32": "float", "bf16": "float"}


def load_encoder(folder: Path, *, precision: RequestedPrecision = "auto", threads: int = 0) -> LoadedEncoder:
    """Loads an encoder and proves that it is the one its manifest describes.

    Run it in the thread that will compute: torch's thread count is set there.

    Args:
        folder: Holds ``model.json``, ``manifest.json`` and the weights.
        precision: The setting ``ENCODER_PRECISION``.
        threads: Threads that torch computes with; 0 leaves torch's default, one a core.

    Raises:
        EncoderFileMissing: a file is not there.
        EncoderInvalid: a file is truncated, foreign or mismatching, or the golden vector is not reproduced.
        ConfigurationError: a precision that does not exist.
    """
    chosen = choose_precision(precision, read_cpu_flags())
    if precision == "bf16" and chosen != "bf16":
        structlog.get_logger().warning("encoder_precision_fallback", asked=precision, used=chosen)
    if threads:
        torch.set_num_threads(threads)
    manifest, config = read_manifest(folder), read_model_config(folder)
    if config.embed_dim != manifest.dimension:
        raise EncoderInvalid(
            f"{folder}: model.json makes vectors of {config.embed_dim}, "
            f"the manifest states {manifest.dimension}"
        )
    check_weights(folder, manifest.weights)
    tower = load_tower(folder / manifest.weights.file, config)
    tower.to(torch_dtype(chosen))
    encoder = LoadedEncoder(tower, manifest.preprocessing, describe(manifest, config, chosen))
    check_golden(encoder, manifest, GOLDEN_LEAST_COSINE[chosen])
    return encoder


def describe(manifest: EncoderManifest, config: ModelConfig, precision: ComputePrecision) -> EncoderInfo:
    """What the service tells about an encoder."""
    space = fingerprint(manifest, config, PRECISION_CLASS[precision], PREPROCESSING_VERSION)
    return EncoderInfo(
        name=manifest.name, precision=precision, fingerprint=space, dimension=manifest.dimension
    )


def check_weights(folder: Path, weights: Weights) -> None:
    """Compares size and SHA-256 of the weights with the manifest.

    Raises:
        EncoderFileMissing: there is no such file.
        EncoderInvalid: size or hash differ.
    """
    path = folder / weights.file
    if not path.is_file():
        raise EncoderFileMissing(f"{path} is missing; get it with `binderlens models fetch` and `export`")
    size_bytes = path.stat().st_size
    if size_bytes != weights.size_bytes:
        raise EncoderInvalid(f"{path} has {size_bytes} bytes, the manifest states {weights.size_bytes}")
    digest = sha256_of(path)
    if digest != weights.sha256:
        raise EncoderInvalid(f"{path} has SHA-256 {digest[:12]}..., the manifest states another one")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_tower(path: Path, config: ModelConfig) -> nn.Module:
    """Maps the weights into a tower that held no memory before.

    Raises:
        EncoderInvalid: no safetensors file, or not exactly the tensors of this tower.
    """
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise EncoderInvalid(f"{path} is no readable safetensors file: {error}") from error
    return fill_tower(build_image_tower(config), state, path)


def fill_tower(tower: nn.Module, state: dict[str, torch.Tensor], origin: Path) -> nn.Module:
    """Gives a tower on the ``meta`` device its tensors.

    Args:
        tower: As ``build_image_tower`` returns it.
        state: Exactly the tower's tensors, by name.
        origin: Named in errors.

    Raises:
        EncoderInvalid: a tensor is missing, left over or of another shape.
    """
    try:
        tower.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        first_lines = " ".join(str(error).split())[:300]
        raise EncoderInvalid(f"{origin} does not fit model.json: {first_lines}") from error
    hollow = [name for name, tensor in _tensors(tower) if tensor.is_meta]
    if hollow:
        raise EncoderInvalid(f"{origin} cannot fill {hollow[0]}: the tower keeps it out of its state")
    return tower.eval().requires_grad_(requires_grad=False)


def _tensors(tower: nn.Module) -> list[tuple[str, torch.Tensor]]:
    return [*tower.named_parameters(), *tower.named_buffers()]


def check_golden(encoder: LoadedEncoder, manifest: EncoderManifest, least_cosine: float) -> None:
    """Embeds the golden picture again.

    Raises:
        EncoderInvalid: the vector points elsewhere: other weights, preprocessing or architecture than stated.
    """
    golden = np.asarray(manifest.golden.vector, dtype=np.float32)
    found = encoder.encode_batch([golden_picture(manifest.golden.seed)])[0]
    if golden.shape != found.shape:
        raise EncoderInvalid(f"{manifest.name}: the golden vector has {golden.size} values, not {found.size}")
    cosine = float(golden @ found / max(float(np.linalg.norm(golden)), 1e-12))
    if not cosine >= least_cosine:  # so that NaN fails too
        raise EncoderInvalid(
            f"{manifest.name} does not reproduce its golden vector: cosine {cosine:.5f}, least {least_cosine}"
        )
