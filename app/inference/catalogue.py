"""The encoders that there are: folders in ``MODELS_DIR``, and the checkpoints that open_clip knows.

``compact`` names a folder. ``ViT-L-14/laion400m_e32`` names open_clip's architecture and checkpoint, and
always means the folder ``vit-l-14--laion400m_e32``.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.domain.errors import EncoderError, EncoderNotFound
from app.inference.manifest import (
    MANIFEST_NAME,
    MODEL_CONFIG_NAME,
    SOURCE_NAME,
    EncoderSource,
    ModelConfig,
    Preprocessing,
    read_manifest,
    read_source,
)
from app.inference.torchvision_compat import import_open_clip

_NAME_PART = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
_NAME_PATTERN = re.compile(rf"{_NAME_PART}(/{_NAME_PART})?")
_CHECKPOINT_PATTERN = "full_checkpoint.*"
_CHECKPOINT_SUFFIXES = frozenset({".safetensors", ".bin", ".pt", ".pth"})

EncoderState = Literal["ready", "broken", "fetched", "described"]


@dataclass(frozen=True, slots=True)
class EncoderEntry:
    """One folder of ``MODELS_DIR``.

    Attributes:
        name: As ``ENCODER`` takes it.
        folder: Where it lies.
        state: ``ready``: manifest and weights are here. ``broken``: they are not what the manifest says.
            ``fetched``: the full checkpoint is here but not exported. ``described``: nothing to load yet.
        detail: One line for people.
    """

    name: str
    folder: Path
    state: EncoderState
    detail: str


def folder_name(name: str) -> str:
    """The folder of an encoder's name.

    Raises:
        EncoderNotFound: neither a folder's name nor ``architecture/checkpoint``.
    """
    if not _NAME_PATTERN.fullmatch(name):
        raise EncoderNotFound(f"{name!r} is no encoder: use a folder's name or architecture/checkpoint")
    architecture, slash, checkpoint = name.partition("/")
    if not slash:
        return name
    return f"{architecture.lower()}--{_clean_tag(checkpoint)}"


def resolve_encoder(models_dir: Path, name: str) -> Path:
    """The folder that ``ENCODER`` means.

    Args:
        models_dir: Folder of the encoders.
        name: A folder's name, or an open_clip ``architecture/checkpoint``.

    Raises:
        EncoderNotFound: there is no such folder; the message lists those that are there.
    """
    folder = models_dir / folder_name(name)
    if _is_encoder(folder):
        return folder
    here = ", ".join(entry.name for entry in list_encoders(models_dir)) or "none"
    hint = f"; get it with `binderlens models fetch {name}`" if "/" in name else ""
    raise EncoderNotFound(f"no encoder {name!r} in {models_dir}; here: {here}{hint}")


def list_encoders(models_dir: Path) -> list[EncoderEntry]:
    """Every encoder folder, by name. Weights are judged by their size: only loading checks hashes."""
    folders = sorted(models_dir.iterdir()) if models_dir.is_dir() else []
    return [_describe(folder) for folder in folders if _is_encoder(folder)]


def find_checkpoint(folder: Path) -> Path | None:
    """The full checkpoint that ``fetch`` left in a folder."""
    found = (path for path in sorted(folder.glob(_CHECKPOINT_PATTERN)) if path.suffix in _CHECKPOINT_SUFFIXES)
    return next(found, None)


def describe_pretrained(name: str) -> tuple[EncoderSource, ModelConfig]:
    """What open_clip's tables say about an ``architecture/checkpoint``.

    Raises:
        EncoderNotFound: open_clip does not know it; the message names what comes close.
    """
    open_clip = import_open_clip()
    architecture, _, checkpoint = name.partition("/")
    pretrained = open_clip.get_pretrained_cfg(architecture, checkpoint) if checkpoint else {}
    if not pretrained.get("hf_hub"):
        known = [f"{model}/{tag}" for model, tag in open_clip.list_pretrained()]
        close = ", ".join(difflib.get_close_matches(name, known, n=4, cutoff=0.3))
        raise EncoderNotFound(f"open_clip knows no checkpoint {name!r}; close to it: {close or 'none'}")
    repository, _, file = str(pretrained["hf_hub"]).rpartition("/")
    source = EncoderSource(
        architecture=architecture,
        checkpoint=_clean_tag(checkpoint),
        repository=repository,
        file=file or None,
        preprocessing=_preprocessing(open_clip.get_model_config(architecture), pretrained),
        licence=f"see https://huggingface.co/{repository}",
    )
    return source, _model_config(architecture, quick_gelu=bool(pretrained.get("quick_gelu")))


def write_description(folder: Path, source: EncoderSource, config: ModelConfig) -> None:
    """Writes ``source.json`` and ``model.json`` of an encoder whose weights are still to come."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((SOURCE_NAME, source), (MODEL_CONFIG_NAME, config)):
        (folder / name).write_text(
            json.dumps(content.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8"
        )


def _clean_tag(checkpoint: str) -> str:
    return checkpoint.lower().replace("-", "_")  # as open_clip compares its tags


def _model_config(architecture: str, *, quick_gelu: bool) -> ModelConfig:
    """open_clip's config; weights that learnt with QuickGELU are only right with it, which the tag knows."""
    config = ModelConfig.model_validate(import_open_clip().get_model_config(architecture))
    return config.model_copy(update={"quick_gelu": config.quick_gelu or quick_gelu})


def _preprocessing(config: Mapping[str, object], pretrained: Mapping[str, object]) -> Preprocessing:
    vision_config = config["vision_cfg"]
    size = vision_config.get("image_size", 224) if isinstance(vision_config, dict) else 224
    height_px, width_px = size if isinstance(size, list | tuple) else (size, size)
    return Preprocessing.model_validate(
        {"height_px": height_px, "width_px": width_px, "mean": pretrained["mean"], "std": pretrained["std"]}
    )


def _is_encoder(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (MODEL_CONFIG_NAME, MANIFEST_NAME, SOURCE_NAME))


def _describe(folder: Path) -> EncoderEntry:
    name = folder.name
    try:
        if (folder / SOURCE_NAME).is_file():
            name = read_source(folder).name
        if (folder / MANIFEST_NAME).is_file():
            return _describe_manifest(name, folder)
    except EncoderError as error:
        return EncoderEntry(name, folder, "broken", str(error))
    checkpoint = find_checkpoint(folder)
    if checkpoint is not None:
        return EncoderEntry(name, folder, "fetched", f"{checkpoint.name} waits for `models export`")
    return EncoderEntry(name, folder, "described", "no weights yet: `models fetch` gets them")


def _describe_manifest(name: str, folder: Path) -> EncoderEntry:
    manifest = read_manifest(folder)
    weights = folder / manifest.weights.file
    if not weights.is_file():
        return EncoderEntry(name, folder, "broken", f"{weights.name} is missing")
    if weights.stat().st_size != manifest.weights.size_bytes:
        return EncoderEntry(name, folder, "broken", f"{weights.name} is truncated or foreign")
    size_mb = manifest.weights.size_bytes / 1e6
    detail = f"{manifest.dimension} values, {manifest.weights.precision}, {size_mb:.1f} MB"
    if manifest.int8 is not None:
        detail += f"; int8, {manifest.int8.graph.weights.size_bytes / 1e6:.1f} MB"
    return EncoderEntry(name, folder, "ready", detail)
