"""CLIP towers with random weights: what embedding takes does not depend on them; one in int8 as well."""

from __future__ import annotations

import hashlib
import importlib.util
import math
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.card_sample import CardSample
from app.inference.precision import INT8_CPU_FLAGS, FloatPrecision, read_cpu_flags
from app.settings import PROJECT_ROOT
from app.synthesis.cards import draw_card
from benchmarks.embedded_cards import CACHE_DIR
from benchmarks.galleries import invented_cards
from benchmarks.references import INVENTED_HEIGHT_PX

if TYPE_CHECKING:
    import torch

MODELS = PROJECT_ROOT / "models"
#: The encoder that is quantised.
QUANTISED = "vit-l-14--laion400m_e32"
#: Fewer pictures than an export takes: time and memory do not depend on them.
_JUDGED_CARDS = 9
#: Channels that are larger, and how many times: trained towers of this size have some half a dozen.
OUTLIER_CHANNELS, OUTLIER_LEAST, OUTLIER_MOST = 6, 20.0, 100.0


def write_random_clip(folder: Path, precision: FloatPrecision, *, outliers: bool = False) -> None:
    """Writes a CLIP image tower with random weights by the repository's description, as an export would.

    Args:
        folder: To be written; its name is that of a described encoder in ``models``.
        precision: Of the weights on disk.
        outliers: Whether a few channels are much larger than the others in front of every matrix product.
    """
    import torch

    from app.inference.export import EncoderDescription, write_encoder
    from app.inference.manifest import read_model_config, read_source
    from app.inference.tower import build_image_tower

    described = MODELS / folder.name
    config, source = read_model_config(described), read_source(described)
    torch.manual_seed(0)
    state = build_image_tower(config, device="cpu").state_dict()
    if outliers:
        _make_outliers(state)
    description = EncoderDescription(
        folder.name,
        source.architecture,
        source.checkpoint,
        source.preprocessing,
        source.licence,
        "random weights",
    )
    write_encoder(folder, description, config, state, precision)


def _make_outliers(state: dict[str, torch.Tensor]) -> None:
    """Makes channels of every layer's normalised input larger, and weights for them smaller by as much."""
    import torch

    width = state["transformer.resblocks.0.ln_1.weight"].numel()
    channels = torch.randperm(width, generator=torch.Generator().manual_seed(5))[:OUTLIER_CHANNELS]
    factors = torch.logspace(math.log10(OUTLIER_LEAST), math.log10(OUTLIER_MOST), OUTLIER_CHANNELS)
    blocks = {name.partition("ln_1.")[0] for name in state if name.endswith("ln_1.weight")}
    for block in sorted(blocks):
        for norm, product in (("ln_1", "attn.in_proj_weight"), ("ln_2", "mlp.c_fc.weight")):
            for part in ("weight", "bias"):
                state[f"{block}{norm}.{part}"][channels] *= factors
            state[f"{block}{product}"][:, channels] /= factors


def obstacle_to_int8() -> str | None:
    """Why ViT-L-14 cannot be quantised and served here; None where it can."""
    if not read_cpu_flags() & INT8_CPU_FLAGS:
        return "the processor has no instruction for int8"
    return None if importlib.util.find_spec("nncf") else "the extra `quantise` is not installed"


def can_quantise() -> bool:
    """Whether it can."""
    return obstacle_to_int8() is None


def quantised_models(cache: Path = CACHE_DIR) -> Path:
    """A folder of encoders with ``QUANTISED`` in it, random weights in fp32 and in int8; made once and kept.

    What is kept is made anew where the tower's description, this module or how graphs are quantised changes.
    Its proof is of so few pictures that it holds for nobody: serve it with ``ENCODER_PRECISION=int8``.
    """
    from app.inference import quantise, smooth
    from app.inference.int8_export import export_int8
    from app.inference.manifest import MANIFEST_NAME, MODEL_CONFIG_NAME, read_manifest

    code = (Path(__file__), Path(quantise.__file__), Path(smooth.__file__))
    recipe = (MODELS / QUANTISED / MODEL_CONFIG_NAME, *code)
    key = hashlib.sha256(b"".join(file.read_bytes() for file in recipe)).hexdigest()[:12]
    models = cache / f"models-{key}"
    folder = models / QUANTISED
    if not (folder / MANIFEST_NAME).exists() or read_manifest(folder).int8 is None:
        print("quantising ViT-L-14: a minute, once", flush=True)
        cards = invented_cards(artworks=_JUDGED_CARDS)[:_JUDGED_CARDS]
        pictures = tuple(draw_card(card, INVENTED_HEIGHT_PX) for card in cards)
        write_random_clip(folder, "fp32")
        export_int8(folder, CardSample("invented", pictures), must_hold=False)
    return models
