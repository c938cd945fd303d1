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
from app.inference.clip_extra import clip_extra
from app.inference.encoder import LoadedEncoder, Tower
from app.inference.files import sha256_of
from app.inference.int8_proof import broken_bond
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
    PrecisionOffer,
    RequestedPrecision,
    choose_precision,
    read_cpu_flags,
)
from app.inference.preprocessing import PREPROCESSING_VERSION

RequestedRuntime = Literal["auto", "openvino", "torch"]

#: Least cosine to the golden vector. fp32 leaves room for another order of sums and one grey level of
#: resizing. bf16 has 8 bits of mantissa: 0.99999 measured for the compact net, 0.9999 for ViT-L-14. int8 is
#: held against the int8 graph's own vector: processors that multiply int8 agree to 0.9999, those that add
#: pairs of products in 16 bits give 0.998.
GOLDEN_LEAST_COSINE: dict[ComputePrecision, float] = {"fp32": 0.9999, "bf16": 0.999, "int8": 0.999}

#: Of fp32 and bf16, whose vectors of one card differ less than two photos of it ever do, so that they share
#: one gallery; and of int8, where that has been proved.
_FLOAT_CLASS = "float"


def load_encoder(
    folder: Path,
    *,
    precision: RequestedPrecision = "auto",
    threads: int = 0,
    runtime: RequestedRuntime = "auto",
    cache_dir: Path | None = None,
) -> LoadedEncoder:
    """Loads an encoder and proves that it is the one its manifest describes.

    Run it in the thread that will compute: torch's thread count is set there.

    Args:
        folder: Holds ``model.json``, ``manifest.json``, the weights and, if any, the OpenVINO graphs.
        precision: The setting ``ENCODER_PRECISION``.
        threads: Threads to compute with; 0 takes one a core.
        runtime: The setting ``ENCODER_RUNTIME``: ``auto`` runs a graph where the folder has one, without
            importing torch, else the weights by torch.
        cache_dir: Where OpenVINO keeps what makes the next start shorter; None for nowhere. Only for int8:
            the other graphs that there are compile in no time.

    Raises:
        EncoderFileMissing: a file is not there.
        EncoderInvalid: a file is truncated, foreign or mismatching, or the golden vector is not reproduced.
        ConfigurationError: int8 or ``openvino`` for a folder without such a graph, or int8 by torch.
    """
    manifest, config = read_manifest(folder), read_model_config(folder)
    if runtime == "torch" and precision == "int8":
        raise ConfigurationError("ENCODER_RUNTIME=torch computes no int8; use auto or openvino")
    choice = choose_precision(precision, read_cpu_flags(), _offer(manifest, config, runtime))
    if not choice.as_asked:
        log = structlog.get_logger()
        log.warning(
            "encoder_precision_fallback", asked=precision, used=choice.precision, reason=choice.reason
        )
    if config.embed_dim != manifest.dimension:
        raise EncoderInvalid(
            f"{folder}: model.json makes vectors of {config.embed_dim}, "
            f"the manifest states {manifest.dimension}"
        )
    tower = _open_tower(folder, manifest, config, runtime, choice.precision, threads, cache_dir)
    info = describe(manifest, config, choice.precision, choice.reason)
    encoder = LoadedEncoder(tower, manifest.preprocessing, info)
    check_golden(encoder, manifest, GOLDEN_LEAST_COSINE[choice.precision])
    return encoder


def expect_encoder(
    folder: Path, *, precision: RequestedPrecision = "auto", runtime: RequestedRuntime = "auto"
) -> EncoderInfo:
    """What ``load_encoder`` would load here, told by the files that describe it alone.

    Raises:
        EncoderFileMissing: a file is not there.
        EncoderInvalid: it does not describe an encoder.
    """
    manifest, config = read_manifest(folder), read_model_config(folder)
    choice = choose_precision(precision, read_cpu_flags(), _offer(manifest, config, runtime))
    return describe(manifest, config, choice.precision, choice.reason)


def _offer(manifest: EncoderManifest, config: ModelConfig, runtime: RequestedRuntime) -> PrecisionOffer:
    if manifest.int8 is None:
        return PrecisionOffer(needs_fp32=manifest.needs_fp32)
    obstacle = broken_bond(manifest.int8, float_fingerprint(manifest, config))
    if runtime == "torch":
        obstacle = "ENCODER_RUNTIME=torch computes no int8"
    return PrecisionOffer(obstacle, has_int8_graph=True, needs_fp32=manifest.needs_fp32)


def _open_tower(
    folder: Path,
    manifest: EncoderManifest,
    config: ModelConfig,
    runtime: RequestedRuntime,
    precision: ComputePrecision,
    threads: int,
    cache_dir: Path | None,
) -> Tower:
    """A graph or the torch tower; each imports its runtime only here, so that the other is never loaded."""
    graph = manifest.int8.graph if precision == "int8" and manifest.int8 is not None else manifest.graph
    if runtime == "openvino" and graph is None:
        raise ConfigurationError(
            f"ENCODER_RUNTIME=openvino, but {folder} has no OpenVINO graph for {precision}; use auto or torch"
        )
    if graph is not None and runtime != "torch":
        from app.inference.openvino_graph import GraphTower

        return GraphTower(folder, graph, precision, threads, cache_dir if precision == "int8" else None)
    with clip_extra():
        from app.inference.torch_tower import TorchTower, load_tower

    if precision == "int8":
        raise AssertionError("int8 was chosen without a graph for it")
    check_weights(folder, manifest.weights)
    cast_to = None if precision == manifest.weights.precision else precision
    tower = load_tower(folder / manifest.weights.file, config, cast_to)
    return TorchTower(tower, precision, threads)


def describe(
    manifest: EncoderManifest, config: ModelConfig, precision: ComputePrecision, reason: str = ""
) -> EncoderInfo:
    """What the service tells about an encoder, and why it computes in that precision."""
    return EncoderInfo(
        name=manifest.name,
        precision=precision,
        fingerprint=fingerprint(
            manifest, config, _precision_class(manifest, config, precision), PREPROCESSING_VERSION
        ),
        dimension=manifest.dimension,
        whitening_exponent=manifest.whitening_exponent,
        precision_reason=reason,
    )


def float_fingerprint(manifest: EncoderManifest, config: ModelConfig) -> str:
    """The fingerprint that fp32, bf16 and a proven int8 share."""
    return fingerprint(manifest, config, _FLOAT_CLASS, PREPROCESSING_VERSION)


def _precision_class(manifest: EncoderManifest, config: ModelConfig, precision: ComputePrecision) -> str:
    """Formats whose vectors fit one gallery share a class; int8 without a proof is alone with its files."""
    if precision != "int8":
        return _FLOAT_CLASS
    if manifest.int8 is None:
        raise AssertionError("int8 was chosen without a graph for it")
    if broken_bond(manifest.int8, float_fingerprint(manifest, config)) is None:
        return _FLOAT_CLASS
    return f"int8 {manifest.int8.graph.model.sha256} {manifest.int8.graph.weights.sha256}"


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
    """Embeds the golden picture again, and compares with the vector of that precision.

    Raises:
        EncoderInvalid: the vector points elsewhere: other weights, preprocessing or architecture than stated.
    """
    int8 = manifest.int8 if encoder.info.precision == "int8" else None
    stated = manifest.golden.vector if int8 is None else int8.golden
    golden = np.asarray(stated, dtype=np.float32)
    found = encoder.encode_batch([golden_picture(manifest.golden.seed)])[0]
    if golden.shape != found.shape:
        raise EncoderInvalid(f"{manifest.name}: the golden vector has {golden.size} values, not {found.size}")
    cosine = float(golden @ found / max(float(np.linalg.norm(golden)), 1e-12))
    if not cosine >= least_cosine:  # so that NaN fails too
        raise EncoderInvalid(
            f"{manifest.name} does not reproduce its golden vector: cosine {cosine:.5f}, least {least_cosine}"
        )
