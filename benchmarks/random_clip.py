"""CLIP towers with random weights, for time and memory, which do not depend on them; quantised ones too."""

from __future__ import annotations

import hashlib
from pathlib import Path

from app.inference.graph_files import Graph
from app.inference.precision import FloatPrecision
from app.settings import PROJECT_ROOT
from app.synthesis.cards import draw_card
from benchmarks.embedded_cards import CACHE_DIR
from benchmarks.galleries import invented_cards
from benchmarks.references import INVENTED_HEIGHT_PX

MODELS = PROJECT_ROOT / "models"
#: Fewer pictures than an export takes: time does not depend on what is learnt from them.
_CALIBRATION_CARDS = 32


def write_random_clip(folder: Path, precision: FloatPrecision) -> None:
    """Writes a CLIP image tower with random weights by the repository's description, as an export would.

    Args:
        folder: To be written; its name is that of a described encoder in ``models``.
        precision: Of the weights on disk.
    """
    import torch

    from app.inference.export import EncoderDescription, write_encoder
    from app.inference.manifest import read_model_config, read_source
    from app.inference.tower import build_image_tower

    described = MODELS / folder.name
    config, source = read_model_config(described), read_source(described)
    torch.manual_seed(0)
    state = build_image_tower(config, device="cpu").state_dict()
    description = EncoderDescription(
        folder.name,
        source.architecture,
        source.checkpoint,
        source.preprocessing,
        source.licence,
        "random weights",
    )
    write_encoder(folder, description, config, state, precision)


def quantised_graph(folder: Path, cache: Path = CACHE_DIR) -> tuple[Path, Graph]:
    """An encoder's int8 graph without the proof that an export would ask of it; made once and kept.

    Args:
        folder: An encoder with weights in fp32.
        cache: Where graphs are kept, by the weights' hash.

    Returns:
        The folder of its files, and what they are.
    """
    from app.inference.int8_evidence import calibration_views
    from app.inference.manifest import read_manifest, read_model_config
    from app.inference.openvino_graph import convert_tower, save_graph
    from app.inference.preprocessing import preprocess
    from app.inference.quantise import import_nncf, quantise_graph
    from app.inference.torch_tower import load_tower

    manifest, config = read_manifest(folder), read_model_config(folder)
    recipe = f"{manifest.weights.sha256} {import_nncf().__version__} {_CALIBRATION_CARDS}"
    kept = cache / f"int8-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    stated = kept / "graph.json"
    if not stated.exists():
        kept.mkdir(parents=True, exist_ok=True)
        cards = invented_cards(artworks=_CALIBRATION_CARDS)[:_CALIBRATION_CARDS]
        views = calibration_views([draw_card(card, INVENTED_HEIGHT_PX) for card in cards])
        model = convert_tower(load_tower(folder / manifest.weights.file, config), manifest.preprocessing)
        inputs = [preprocess([view], manifest.preprocessing) for view in views]
        graph = save_graph(
            quantise_graph(model, inputs, transformer=config.is_transformer), kept / "visual.int8.xml"
        )
        stated.write_text(graph.model_dump_json(), encoding="utf-8")
    return kept, Graph.model_validate_json(stated.read_text(encoding="utf-8"))
