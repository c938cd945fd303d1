"""Writes small encoders with random weights: real files of real open_clip models, of no use beyond tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from app.domain.types import RgbImage
from app.inference.export import EncoderDescription, write_encoder
from app.inference.manifest import EncoderManifest, ModelConfig, Preprocessing, WeightPrecision
from app.inference.torchvision_compat import import_open_clip
from app.inference.tower import build_image_tower

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 32, "heads": 2, "layers": 2},
}
TINY_PREPROCESSING = Preprocessing(height_px=32, width_px=32, mean=(0.5, 0.45, 0.4), std=(0.25, 0.26, 0.27))


def describe_tiny(name: str = "tiny") -> EncoderDescription:
    return EncoderDescription(
        name=name,
        architecture="tiny",
        checkpoint=None,
        preprocessing=TINY_PREPROCESSING,
        licence="CC0-1.0",
        source="random weights",
    )


def seeded_state(config: dict[str, Any] = TINY, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights of the image tower alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_image_tower(ModelConfig.model_validate(config), device="cpu").state_dict()


def write_tiny_encoder(folder: Path, precision: WeightPrecision = "fp32", seed: int = 0) -> EncoderManifest:
    """Writes a complete encoder folder of 0.1 M weights."""
    config = ModelConfig.model_validate(TINY)
    return write_encoder(folder, describe_tiny(), config, seeded_state(seed=seed), precision)


def build_full_model(config: dict[str, Any] = TINY, seed: int = 0) -> torch.nn.Module:
    """A full open_clip model, text tower and all, with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: torch.nn.Module = import_open_clip().CLIP(**config)
    return model.eval()


def draw_crops(count: int, seed: int = 0) -> list[RgbImage]:
    """Soft random pictures of the size of a rectified card."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 11, 8, 3), dtype=np.uint8)
    return [np.asarray(cv2.resize(picture, (378, 528), interpolation=cv2.INTER_CUBIC)) for picture in coarse]
