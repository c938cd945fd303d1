"""Proves that an exported encoder computes what the full open_clip model computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from app.domain.errors import EncoderInvalid
from app.domain.types import RgbImage, Vectors
from app.inference.catalogue import find_checkpoint
from app.inference.loading import GOLDEN_LEAST_COSINE, load_encoder
from app.inference.manifest import (
    ModelConfig,
    Preprocessing,
    golden_picture,
    read_manifest,
    read_model_config,
)
from app.inference.precision import FloatPrecision
from app.inference.preprocessing import preprocess
from app.inference.torchvision_compat import import_open_clip

#: Pictures compared. A wrong tensor shows in every one; eight make the least cosine mean something.
PICTURES = 8


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What a verification found.

    Attributes:
        against: What the encoder was compared with.
        pictures: How many pictures were embedded by both.
        least_cosine: The worst agreement, 1 is the best.
        precision: Format the encoder computed in.
    """

    against: Literal["full model", "golden vector"]
    pictures: int
    least_cosine: float
    precision: str


def verify_encoder(folder: Path, *, precision: FloatPrecision) -> Fidelity:
    """Compares with the full model where its checkpoint is in the folder, else with the golden vector alone.

    The full model with its text tower is built here, in fp32, and gone again before the encoder is loaded.
    int8 has a proof of its own: ``app.inference.int8_export.repeat_proof``.

    Raises:
        EncoderFileMissing: a file is not there.
        EncoderInvalid: the encoder does not load, or disagrees.
    """
    manifest, config = read_manifest(folder), read_model_config(folder)
    least_allowed = GOLDEN_LEAST_COSINE[precision]
    checkpoint = find_checkpoint(folder)
    if checkpoint is None:
        encoder = load_encoder(folder, precision=precision)  # compares the golden vector itself
        vector = encoder.encode_batch([golden_picture(manifest.golden.seed)])
        cosine = float(vector[0] @ np.asarray(manifest.golden.vector, dtype=np.float32))
        return Fidelity("golden vector", 1, cosine, encoder.info.precision)
    pictures = [golden_picture(f"verify {index}") for index in range(PICTURES)]
    expected = _encode_with_full_model(checkpoint, config, manifest.preprocessing, pictures)
    encoder = load_encoder(folder, precision=precision)
    cosine = float((encoder.encode_now(pictures) * expected).sum(axis=1).min())
    if not cosine >= least_allowed:
        raise EncoderInvalid(
            f"{folder} disagrees with {checkpoint.name}: least cosine {cosine:.5f}, allowed {least_allowed}"
        )
    return Fidelity("full model", PICTURES, cosine, encoder.info.precision)


def _encode_with_full_model(
    checkpoint: Path, config: ModelConfig, preprocessing: Preprocessing, pictures: Sequence[RgbImage]
) -> Vectors:
    """Embeds by open_clip's own class, loader and ``encode_image``."""
    open_clip = import_open_clip()
    arguments = config.model_dump()
    kind = open_clip.CustomTextCLIP if arguments.pop("custom_text", False) else open_clip.CLIP
    try:
        model = kind(**arguments).eval()
        open_clip.load_checkpoint(model, str(checkpoint), strict=True)
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise EncoderInvalid(f"open_clip cannot load {checkpoint}: {reason}") from error
    pixels = torch.from_numpy(preprocess(pictures, preprocessing)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        vectors: Vectors = model.encode_image(pixels, normalize=True).numpy().copy()
    return vectors
