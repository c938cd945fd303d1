"""Writes encoder folders: the image tower alone, cast once, with hash and golden vector."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from app.domain.errors import EncoderFileMissing, EncoderInvalid
from app.inference.encoder import LoadedEncoder
from app.inference.files import sha256_of, write_json
from app.inference.loading import check_golden, check_weights, describe
from app.inference.manifest import (
    MANIFEST_NAME,
    MODEL_CONFIG_NAME,
    EncoderManifest,
    Golden,
    ModelConfig,
    Preprocessing,
    WeightPrecision,
    Weights,
    golden_picture,
    read_manifest,
    read_model_config,
)
from app.inference.openvino_graph import GRAPH_NAME, INT8_GRAPH_NAME, write_graph
from app.inference.torch_tower import TorchTower, load_tower, torch_dtype

WEIGHTS_NAME = "visual.safetensors"
_VISUAL_PREFIX = "visual."
_GOLDEN_SEED = "binderlens golden 1"


@dataclass(frozen=True, slots=True)
class EncoderDescription:
    """What a manifest says that cannot be worked out from the weights. Fields as in ``EncoderManifest``."""

    name: str
    architecture: str
    checkpoint: str | None
    preprocessing: Preprocessing
    licence: str
    source: str
    needs_fp32: bool = False
    whitening_exponent: float = 0.0


def write_encoder(
    folder: Path,
    description: EncoderDescription,
    config: ModelConfig,
    state: Mapping[str, torch.Tensor],
    precision: WeightPrecision,
    *,
    graph: bool = False,
) -> EncoderManifest:
    """Writes ``model.json``, the weights and, last, ``manifest.json``.

    Args:
        folder: Made where it is missing.
        description: For the manifest.
        config: The open_clip model config.
        state: Exactly the image tower's tensors, named as in the tower (no ``visual.`` prefix).
        precision: Format on disk. A format the CPU computes in is mapped as it is; another is cast at every
            start.
        graph: Whether to write the tower for OpenVINO as well, so that it serves without torch.

    Returns:
        The manifest as written.

    Raises:
        EncoderInvalid: the tensors do not fit the config, or are not finite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tower, manifest = _write_weights(folder, description, config, state, precision)
    if graph:
        manifest = manifest.model_copy(
            update={"graph": write_graph(tower, description.preprocessing, folder)}
        )
    write_json(folder / MODEL_CONFIG_NAME, config.model_dump(mode="json"))
    write_json(folder / MANIFEST_NAME, manifest.model_dump(mode="json"))
    return manifest


def _write_weights(
    folder: Path,
    description: EncoderDescription,
    config: ModelConfig,
    state: Mapping[str, torch.Tensor],
    precision: WeightPrecision,
) -> tuple[nn.Module, EncoderManifest]:
    """Puts the weights in place once they load; returns the tower that they gave (fp32), and its manifest."""
    partial_path = folder / f".{WEIGHTS_NAME}.partial"
    try:
        save_file(_cast(state, precision), partial_path)
        partial_path.chmod(0o644)  # safetensors writes for the owner alone; a service may run as another user
        tower = load_tower(partial_path, config).to(torch.float32)
        manifest = _describe_weights(tower, partial_path, description, config, precision)
        (folder / MANIFEST_NAME).unlink(missing_ok=True)  # it speaks of the weights that are about to go
        for graph in (GRAPH_NAME, INT8_GRAPH_NAME):  # of those too: megabytes that no manifest would name
            for suffix in (".xml", ".bin"):
                (folder / graph).with_suffix(suffix).unlink(missing_ok=True)
        partial_path.replace(folder / WEIGHTS_NAME)
    finally:
        partial_path.unlink(missing_ok=True)
    return tower, manifest


def add_graph(folder: Path) -> EncoderManifest:
    """Writes an encoder's OpenVINO graph anew from its weights, and states it in the manifest.

    Raises:
        EncoderFileMissing: a file is not there.
        EncoderInvalid: a file is not what the manifest states.
    """
    manifest = read_manifest(folder)
    check_weights(folder, manifest.weights)
    tower = load_tower(folder / manifest.weights.file, read_model_config(folder)).to(torch.float32)
    graph = write_graph(tower, manifest.preprocessing, folder)
    manifest = manifest.model_copy(update={"graph": graph})
    write_json(folder / MANIFEST_NAME, manifest.model_dump(mode="json"))
    return manifest


def _cast(state: Mapping[str, torch.Tensor], precision: WeightPrecision) -> dict[str, torch.Tensor]:
    dtype = torch_dtype(precision)
    cast: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        cast[name] = (tensor.to(dtype) if tensor.is_floating_point() else tensor).contiguous()
        if cast[name].is_floating_point() and not bool(torch.isfinite(cast[name]).all()):
            raise EncoderInvalid(f"{name} holds values that are not finite in {precision}")
    return cast


def _describe_weights(
    tower: nn.Module,
    path: Path,
    description: EncoderDescription,
    config: ModelConfig,
    precision: WeightPrecision,
) -> EncoderManifest:
    """Describes what was written, loaded again as ``tower`` (fp32), with the golden vector it gives."""
    weights = Weights(
        file=WEIGHTS_NAME, precision=precision, sha256=sha256_of(path), size_bytes=path.stat().st_size
    )
    draft = EncoderManifest(
        name=description.name,
        architecture=description.architecture,
        checkpoint=description.checkpoint,
        dimension=config.embed_dim,
        preprocessing=description.preprocessing,
        weights=weights,
        licence=description.licence,
        source=description.source,
        needs_fp32=description.needs_fp32,
        whitening_exponent=description.whitening_exponent,
        golden=Golden(seed=_GOLDEN_SEED, vector=(0.0,) * config.embed_dim),
    )
    encoder = LoadedEncoder(
        TorchTower(tower, "fp32"), description.preprocessing, describe(draft, config, "fp32")
    )
    vector = encoder.encode_batch([golden_picture(_GOLDEN_SEED)])[0]
    golden = Golden(seed=_GOLDEN_SEED, vector=tuple(round(float(value), 7) for value in vector))
    manifest = draft.model_copy(update={"golden": golden})
    check_golden(encoder, manifest, least_cosine=0.999999)
    return manifest


def read_visual_state(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Reads the image tower's tensors out of a full open_clip checkpoint; the rest stays on disk.

    Args:
        checkpoint: ``.safetensors``, ``.pt``, ``.pth`` or ``.bin``; a plain state, or one under
            ``state_dict``, with or without the ``module.`` prefix of distributed training. Pickles are read
            with ``weights_only``.

    Returns:
        Tensors by their names inside the tower.

    Raises:
        EncoderFileMissing: there is no such file.
        EncoderInvalid: not a checkpoint that can be read safely, or one without an image tower.
    """
    if not checkpoint.is_file():
        raise EncoderFileMissing(f"{checkpoint} is missing")
    read = _read_safetensors if checkpoint.suffix == ".safetensors" else _read_pickle
    state = read(checkpoint)
    if not state:
        raise EncoderInvalid(f"{checkpoint} holds no image tower: no tensor is named {_VISUAL_PREFIX}*")
    return state


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(_VISUAL_PREFIX)]  # noqa: SIM118
            return {name.removeprefix(_VISUAL_PREFIX): file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise EncoderInvalid(f"{path} is no readable safetensors file: {error}") from error


def _read_pickle(path: Path) -> dict[str, torch.Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise EncoderInvalid(f"{path} is no checkpoint that can be read safely: {reason}") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else {}
    visual: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        inner = str(name).removeprefix("module.")
        if inner.startswith(_VISUAL_PREFIX) and isinstance(tensor, torch.Tensor):
            visual[inner.removeprefix(_VISUAL_PREFIX)] = tensor
    return visual
