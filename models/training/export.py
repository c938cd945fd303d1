"""Writes what a run learnt as an encoder folder that the service loads."""

from __future__ import annotations

from pathlib import Path

from app.inference.export import EncoderDescription, write_encoder
from app.inference.manifest import EncoderManifest, ModelConfig, Preprocessing
from app.inference.towers.compact import COMPACT_INPUT_PX, COMPACT_MODEL_NAME, CompactTower


def export(
    served: CompactTower, folder: Path, whitening_exponent: float, name: str = "compact"
) -> EncoderManifest:
    """Writes weights (fp16), the OpenVINO graph, ``model.json`` and ``manifest.json``.

    Args:
        served: A tower built with ``folded=True``.
        folder: Made where it is missing; files of the same names are replaced.
        whitening_exponent: Of the space that large galleries get; 0 for none.
        name: What people call the encoder.

    Returns:
        The manifest as written.
    """
    height_px, width_px = COMPACT_INPUT_PX
    description = EncoderDescription(
        name=name,
        architecture=COMPACT_MODEL_NAME,
        checkpoint=None,
        preprocessing=Preprocessing(height_px=height_px, width_px=width_px),
        licence="Apache-2.0",
        source="trained from nothing by models/training on invented cards",
        whitening_exponent=whitening_exponent,
        needs_fp32=True,  # what all cards share outweighs what tells them apart (docs/experiments.md)
    )
    state = {f"trunk.{key}": value for key, value in served.state_dict().items()}
    return write_encoder(folder, description, _model_config(served.num_classes), state, "fp16", graph=True)


def _model_config(dimension: int) -> ModelConfig:
    """open_clip's description; its text tower is never built, but open_clip wants a size for one."""
    vision: dict[str, object] = {
        "timm_model_name": COMPACT_MODEL_NAME,
        "timm_model_pretrained": False,
        "timm_pool": "",
        "timm_proj": "",
        "image_size": list(COMPACT_INPUT_PX),
    }
    text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}
    return ModelConfig.model_validate({"embed_dim": dimension, "vision_cfg": vision, "text_cfg": text})
