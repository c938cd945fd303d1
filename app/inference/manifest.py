"""What an encoder folder says about itself.

A folder holds ``model.json`` (an open_clip model config), ``manifest.json`` and the weights of
the image tower as safetensors. Both files are read strictly: an unknown or missing field is an error, not a
guess.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.domain.errors import EncoderFileMissing, EncoderInvalid
from app.domain.types import RgbImage
from app.inference.graph_files import Graph, Sha256, StrictModel
from app.inference.int8_proof import Int8Graph

MANIFEST_NAME = "manifest.json"
MODEL_CONFIG_NAME = "model.json"
SOURCE_NAME = "source.json"

WeightPrecision = Literal["fp32", "fp16", "bf16"]
PerChannel = tuple[float, float, float]


class Preprocessing(StrictModel):
    """How a card becomes the tower's input.

    ``squash`` scales the whole card to the input size, whatever that does to its aspect. It is the only mode:
    CLIP's usual centre crop would cut 28 % of a card's height away.
    """

    height_px: int = Field(ge=8, le=1024)
    width_px: int = Field(ge=8, le=1024)
    resize_mode: Literal["squash"] = "squash"
    interpolation: Literal["area", "linear", "cubic"] = "area"
    mean: Annotated[PerChannel, Field(strict=False)] = (0.0, 0.0, 0.0)
    std: Annotated[PerChannel, Field(strict=False)] = (1.0, 1.0, 1.0)
    colour: Literal["rgb"] = "rgb"


class Weights(StrictModel):
    """The safetensors file of the image tower."""

    file: str = Field(pattern=r"^[A-Za-z0-9._-]+\.safetensors$")
    precision: WeightPrecision
    sha256: Sha256
    size_bytes: int = Field(ge=1)


class Golden(StrictModel):
    """A picture that anyone can draw again, and what the encoder makes of it in fp32.

    Attributes:
        seed: Text that ``golden_picture`` draws the picture from.
        vector: The embedding, of unit length.
    """

    seed: str
    vector: Annotated[tuple[float, ...], Field(strict=False, min_length=1)]


class EncoderManifest(StrictModel):
    """All that ``manifest.json`` states.

    Attributes:
        name: What people call the encoder, as in ``ENCODER``.
        architecture: open_clip's name of the model config.
        checkpoint: open_clip's tag of the checkpoint the weights were exported from, where there is one.
        dimension: Length of an embedding.
        licence: SPDX identifier of the weights, or a sentence where there is none.
        source: Where the weights come from.
        graph: The tower for OpenVINO, where there is one: then serving needs no torch.
        int8: The tower quantised to int8 for OpenVINO, with the proof of what that costs, where there is one.
        needs_fp32: Whether bf16 would round away what tells cards apart; then nothing else is computed in.
        whitening_exponent: Of the space that large galleries of this encoder get (``app.domain.space``); 0
            for none. No part of the fingerprint: the vectors are the same.
    """

    format: Literal[1] = 1
    name: str = Field(min_length=1)
    architecture: str = Field(min_length=1)
    checkpoint: str | None = None
    dimension: int = Field(ge=1, le=4096)
    preprocessing: Preprocessing
    weights: Weights
    licence: str = Field(min_length=1)
    source: str = Field(min_length=1)
    golden: Golden
    graph: Graph | None = None
    int8: Int8Graph | None = None
    needs_fp32: bool = False
    whitening_exponent: float = Field(default=0.0, ge=0, le=0.5)


class EncoderSource(StrictModel):
    """Where the weights of an open_clip checkpoint come from: ``source.json``, there before any weights are.

    Attributes:
        architecture: open_clip's name of the model config.
        checkpoint: open_clip's tag.
        repository: ``owner/name`` on the Hugging Face hub.
        file: The checkpoint's file in it; None where open_clip's usual names are to be tried.
        preprocessing: For the manifest.
        licence: SPDX identifier of the weights, or a sentence where it is not known.
    """

    architecture: str = Field(min_length=1)
    checkpoint: str = Field(min_length=1)
    repository: str = Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")
    file: str | None = None
    preprocessing: Preprocessing
    licence: str = Field(min_length=1)

    @property
    def name(self) -> str:
        """``architecture/checkpoint``."""
        return f"{self.architecture}/{self.checkpoint}"


class ModelConfig(BaseModel):
    """An open_clip model config: what describes the image tower; the rest is kept for the full model."""

    model_config = ConfigDict(extra="allow", frozen=True)

    embed_dim: int = Field(ge=1)
    vision_cfg: dict[str, object]
    quick_gelu: bool = False

    @property
    def is_transformer(self) -> bool:
        """Whether the image tower is one: open_clip counts its layers, and gives a ResNet a list of them."""
        timm_name = str(self.vision_cfg.get("timm_model_name") or "")
        return isinstance(self.vision_cfg.get("layers"), int) if not timm_name else "vit" in timm_name


_Model = TypeVar("_Model", bound=BaseModel)


def read_manifest(folder: Path) -> EncoderManifest:
    """Reads ``manifest.json``.

    Raises:
        EncoderFileMissing: there is none.
        EncoderInvalid: it is not what this module describes.
    """
    if (folder / SOURCE_NAME).is_file() and not (folder / MANIFEST_NAME).is_file():
        name = read_source(folder).name
        raise EncoderFileMissing(
            f"{name} has no weights yet: `binderlens models fetch {name}` gets the checkpoint, "
            f"`binderlens models export {name}` makes the encoder"
        )
    return read_json_model(folder / MANIFEST_NAME, EncoderManifest)


def read_model_config(folder: Path) -> ModelConfig:
    """Reads ``model.json``.

    Raises:
        EncoderFileMissing: there is none.
        EncoderInvalid: it is no open_clip model config.
    """
    return read_json_model(folder / MODEL_CONFIG_NAME, ModelConfig)


def read_source(folder: Path) -> EncoderSource:
    """Reads ``source.json``.

    Raises:
        EncoderFileMissing: there is none.
        EncoderInvalid: it is not what this module describes.
    """
    return read_json_model(folder / SOURCE_NAME, EncoderSource)


def read_json_model(path: Path, model: type[_Model]) -> _Model:
    """Reads one JSON file of an encoder folder.

    Raises:
        EncoderFileMissing: there is none.
        EncoderInvalid: it does not fit the model; the message names the first fields that do not.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise EncoderFileMissing(f"{path} is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise EncoderInvalid(f"{path} cannot be read: {error}") from error
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        reasons = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']}" for item in error.errors()[:3]
        )
        raise EncoderInvalid(f"{path} is not valid: {reasons}") from error


def golden_picture(seed: str) -> RgbImage:
    """Draws the picture of a golden vector: 12 x 9 blocks of colour, 528 x 378 px.

    Blocks survive every resize, where noise would average out to grey. SHAKE-128 gives the same bytes in
    every version of every library, which NumPy does not promise of its generators.

    Args:
        seed: Any text.

    Returns:
        RGB uint8 (528, 378, 3).
    """
    colours = np.frombuffer(hashlib.shake_128(seed.encode()).digest(12 * 9 * 3), dtype=np.uint8)
    return np.ascontiguousarray(colours.reshape(12, 9, 3).repeat(44, axis=0).repeat(42, axis=1))


def fingerprint(
    manifest: EncoderManifest, config: ModelConfig, precision_class: str, code_version: int
) -> str:
    """Names the space that embeddings live in: equal fingerprints mean vectors that can be compared.

    Args:
        manifest: Gives weights, dimension and preprocessing.
        config: Gives the architecture.
        precision_class: Number formats whose results agree share a class.
        code_version: Version of the preprocessing code.

    Returns:
        32 hex digits.
    """
    parts = {
        "weights": manifest.weights.sha256,
        "preprocessing": manifest.preprocessing.model_dump(mode="json"),
        "embed_dim": config.embed_dim,
        "vision_cfg": config.vision_cfg,
        "quick_gelu": config.quick_gelu,
        "precision_class": precision_class,
        "code_version": code_version,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
