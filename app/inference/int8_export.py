"""Makes an encoder's int8 graph, proves it, and writes it only if the proof holds; or proves it once more."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import torch

from app.domain.card_sample import CardSample
from app.domain.errors import EncoderFileMissing, EncoderInvalid
from app.inference.encoder import LoadedEncoder
from app.inference.files import write_json
from app.inference.graph_files import Graph
from app.inference.int8_evidence import Progress, measure_int8
from app.inference.int8_proof import Int8Graph, Int8Proof, broken_bond, shortfalls
from app.inference.loading import check_golden, check_weights, describe, float_fingerprint
from app.inference.manifest import (
    MANIFEST_NAME,
    EncoderManifest,
    ModelConfig,
    golden_picture,
    read_manifest,
    read_model_config,
)
from app.inference.openvino_graph import INT8_GRAPH_NAME, GraphTower, save_graph
from app.inference.quantise import import_nncf, quantise_tower
from app.inference.torch_tower import TorchTower, load_tower


def export_int8(
    folder: Path, sample: CardSample, progress: Progress | None = None, *, must_hold: bool = True
) -> EncoderManifest:
    """Quantises an exported encoder and states the graph, with its proof, in the manifest.

    Args:
        folder: Of an encoder with weights.
        sample: Pictures to prove it by.
        progress: Told how many of the pictures of the proof are done.
        must_hold: Whether to refuse what loses too much. Benchmarks of random weights do not: such a graph
            is then served with ``ENCODER_PRECISION=int8`` alone, never by ``auto``.

    Returns:
        The manifest as written.

    Raises:
        EncoderFileMissing: a file is not there.
        EncoderInvalid: a file is not what the manifest states, the encoder needs fp32 or is no transformer,
            or int8 loses too much; nothing is written then.
        ConfigurationError: the extra ``quantise`` is not installed.
    """
    import_nncf()  # first, because what follows takes long
    manifest, config = read_manifest(folder), read_model_config(folder)
    if manifest.needs_fp32:
        raise EncoderInvalid(f"{manifest.name} states that it needs fp32: int8 would never be served")
    if not config.is_transformer:
        raise EncoderInvalid(
            f"{manifest.name} is no vision transformer: int8 would make nothing of it faster"
        )
    with tempfile.TemporaryDirectory(prefix=".int8-", dir=folder) as work:
        model = quantise_tower(_load_fp32(folder, manifest, config), manifest.preprocessing)
        graph = save_graph(model, Path(work) / INT8_GRAPH_NAME)
        del model
        gc.collect()  # one tower at a time: the proof is against untouched weights, read once more
        tower = _load_fp32(folder, manifest, config)
        int8 = _prove(tower, manifest, config, Path(work), graph, sample, progress)
        missed = shortfalls(int8.proof.figures)
        if missed and must_hold:
            raise EncoderInvalid(f"int8 of {manifest.name} loses too much, not written: {'; '.join(missed)}")
        _replace_graph(folder, Path(work), manifest, int8)
    return read_manifest(folder)


def _replace_graph(folder: Path, work: Path, manifest: EncoderManifest, int8: Int8Graph) -> None:
    """Puts the files in place; whatever stops it, the manifest never speaks of files that are not there."""
    without = manifest.model_copy(update={"int8": None})
    write_json(folder / MANIFEST_NAME, without.model_dump(mode="json"))
    for file in (int8.graph.model, int8.graph.weights):
        (work / file.file).replace(folder / file.file)
    stated = manifest.model_copy(update={"int8": int8})
    write_json(folder / MANIFEST_NAME, stated.model_dump(mode="json"))


def repeat_proof(folder: Path, sample: CardSample, progress: Progress | None = None) -> Int8Proof:
    """Measures an encoder's int8 graph against its weights again, by any pictures; writes nothing.

    Raises:
        EncoderFileMissing: a file is not there, or the encoder has no int8 graph.
        EncoderInvalid: a file or the stored proof is not what the manifest states, or int8 loses too much.
    """
    manifest, config = read_manifest(folder), read_model_config(folder)
    if manifest.int8 is None:
        raise EncoderFileMissing(f"{folder} has no int8 graph")
    obstacle = broken_bond(manifest.int8, float_fingerprint(manifest, config))
    if obstacle is not None:
        raise EncoderInvalid(f"{folder}: the int8 graph is not proven: {obstacle}")
    tower = _load_fp32(folder, manifest, config)
    again = _prove(tower, manifest, config, folder, manifest.int8.graph, sample, progress).proof
    missed = shortfalls(again.figures)
    if missed:
        raise EncoderInvalid(f"int8 of {manifest.name} loses too much: {'; '.join(missed)}")
    return again


def _load_fp32(folder: Path, manifest: EncoderManifest, config: ModelConfig) -> torch.nn.Module:
    check_weights(folder, manifest.weights)
    return load_tower(folder / manifest.weights.file, config).to(torch.float32)


def _prove(
    tower: torch.nn.Module,
    manifest: EncoderManifest,
    config: ModelConfig,
    folder: Path,
    graph: Graph,
    sample: CardSample,
    progress: Progress | None,
) -> Int8Graph:
    """Measures the int8 graph in ``folder`` against the tower, which must give the golden vector."""
    spec = manifest.preprocessing
    fp32 = LoadedEncoder(TorchTower(tower, "fp32"), spec, describe(manifest, config, "fp32"))
    check_golden(fp32, manifest, least_cosine=0.9999)
    int8 = LoadedEncoder(GraphTower(folder, graph, "int8", 0), spec, describe(manifest, config, "fp32"))
    golden = int8.encode_batch([golden_picture(manifest.golden.seed)])[0]
    proof = Int8Proof(
        fingerprint=float_fingerprint(manifest, config),
        model_sha256=graph.model.sha256,
        weights_sha256=graph.weights.sha256,
        pictures=sample.source,
        figures=measure_int8(fp32, int8, sample.pictures, progress),
    )
    return Int8Graph(graph=graph, golden=tuple(round(float(x), 7) for x in golden), proof=proof)
