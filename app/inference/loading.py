"""Loads the image tower of an encoder folder, strictly: what does not fit is refused.

open_clip's own loader builds the text tower too, and leaves random weights behind a mere warning. Here the
tower is laid out without memory, its weights are mapped from an image-only file, and nothing is served before
the file's hash and the folder's golden vector are right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import structlog

from app.domain.errors import ConfigurationError, EncoderFileMissing, EncoderInvalid
from app.domain.types import EncoderInfo
from app.inference.encoder import LoadedEncoder, Tower
from app.inference.files import sha256_of
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
)
from app.inference.preprocessing import PREPROCESSING_VERSION

RequestedRuntime = Literal["auto", "openvino", "torch"]

#: Least cosine to the golden vector. fp32 leaves room for another order of sums and one grey level of
#: resizing. bf16 has 8 bits of mantissa: 0.99999 measured for the compact net, 0.9999 for ViT-L-14.
GOLDEN_LEAST_COSINE: dict[ComputePrecision, float] = {"fp32": 0.9999, "bf16": 0.999}

#: fp32 and bf16 vectors of one card differ less than two photos of it ever do, so they share one gallery.
PRECISION_CLASS: dict[ComputePrecision, str] = {"fp32": "float", "bf16": "float"}


def load_encoder(
    folder: Path,
    *,
    precision: RequestedPrecision = "auto",
    threads: int = 0,
    runtime: RequestedRuntime = "auto",
) -> LoadedEncoder:
    """Loads an encoder and proves that it is the one its manifest describes.

    Run it in the thread that will compute: torch's thread count is set there.

    Args:
        folder: Holds ``model.json``, ``manifest.json``, the weights and, if any, the OpenVINO graph.
        precision: The setting ``ENCODER_PRECISION``.
        threads: Threads to compute with; 0 takes one a core.
        runtime: The setting ``ENCODER_RUNTIME``: ``auto`` runs the graph where the folder has one, without
            importing torch, else the weights by torch.

    Raises:
        EncoderFileMissing: a file is not there.
        EncoderInvalid: a file is truncated, foreign or mismatching, or the golden vector is not reproduced.
        ConfigurationError: a precision that does not exist, or ``openvino`` for a folder without a graph.
    """
    manifest, config = read_manifest(folder), read_model_config(folder)
    chosen = choose_precision(precision, read_cpu_flags())
    if manifest.needs_fp32:
        chosen = "fp32"
    if precision == "bf16" and chosen != "bf16":
        structlog.get_logger().warning("encoder_precision_fallback", asked=precision, used=chosen)
    if config.embed_dim != manifest.dimension:
        raise EncoderInvalid(
            f"{folder}: model.json makes vectors of {config.embed_dim}, "
            f"the manifest states {manifest.dimension}"
        )
    tower = _open_tower(folder, manifest, config, runtime, chosen, threads)
    encoder = LoadedEncoder(tower, manifest.preprocessing, describe(manifest, config, chosen))
    check_golden(encoder, manifest, GOLDEN_LEAST_COSINE[chosen])
    return encoder


def _open_tower(
    folder: Path,
    manifest: EncoderManifest,
    config: ModelConfig,
    runtime: RequestedRuntime,
    precision: ComputePrecision,
    threads: int,
) -> Tower:
    """The graph or the torch tower; each imports its runtime only here, so that the other is never loaded."""
    if runtime == "openvino" and manifest.graph is None:
        raise ConfigurationError(
            f"ENCODER_RUNTIME=openvino, but {folder} has no OpenVINO graph; use auto or torch"
        )
    if manifest.graph is not None and runtime != "torch":
        from app.inference.openvino_graph import GraphTower

        return GraphTower(folder, manifest.graph, precision, threads)
    from app.inference.torch_tower import TorchTower, load_tower

    check_weights(folder, manifest.weights)
    return TorchTower(load_tower(folder / manifest.weights.file, config), precision, threads)


def describe(manifest: EncoderManifest, config: ModelConfig, precision: ComputePrecision) -> EncoderInfo:
    """What the service tells about an encoder."""
    space = fingerprint(manifest, config, PRECISION_CLASS[precision], PREPROCESSING_VERSION)
    return EncoderInfo(
        name=manifest.name,
        precision=precision,
        fingerprint=space,
        dimension=manifest.dimension,
        whitening_exponent=manifest.whitening_exponent,
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
