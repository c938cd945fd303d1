"""Builds the image tower of an open_clip model config, and nothing else of the model."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from app.domain.errors import EncoderInvalid
from app.inference.manifest import ModelConfig
from app.inference.torchvision_compat import import_open_clip

_OWN_TOWERS_PREFIX = "binderlens_"


def build_image_tower(config: ModelConfig, device: str = "meta") -> nn.Module:
    """Builds a tower by the function that open_clip itself builds one with.

    Args:
        config: An open_clip model config. Its text part is not looked at, so no text tower ever exists.
        device: ``meta`` allocates nothing: shapes wait for real weights. ``cpu`` gives random weights, for
            tests.

    Raises:
        EncoderInvalid: open_clip cannot build this config.
    """
    open_clip = import_open_clip()
    build = open_clip.model._build_vision_tower  # private, but open_clip has no public way
    vision_config = dict(config.vision_cfg)
    if vision_config.get("timm_model_name"):
        vision_config["timm_model_pretrained"] = False  # weights come from our file or not at all
        if str(vision_config["timm_model_name"]).startswith(_OWN_TOWERS_PREFIX):
            _register_own_towers()
    try:
        with torch.device(device):
            tower = build(config.embed_dim, vision_config, config.quick_gelu)
    except (TypeError, ValueError, AssertionError, RuntimeError, AttributeError) as error:
        raise EncoderInvalid(f"open_clip cannot build this image tower: {error}") from error
    return cast(nn.Module, tower).eval().requires_grad_(requires_grad=False)


def _register_own_towers() -> None:
    from app.inference.towers.compact import register_towers  # loads timm: only for those who need it

    register_towers()
