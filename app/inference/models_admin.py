"""What ``binderlens models`` does: list, fetch, export, verify."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from app.domain.errors import EncoderFileMissing
from app.inference.catalogue import (
    EncoderEntry,
    describe_pretrained,
    find_checkpoint,
    folder_name,
    list_encoders,
    resolve_encoder,
    write_description,
)
from app.inference.export import EncoderDescription, add_graph, read_visual_state, write_encoder
from app.inference.fetch import fetch_encoder
from app.inference.files import sha256_of
from app.inference.manifest import (
    MANIFEST_NAME,
    SOURCE_NAME,
    EncoderManifest,
    EncoderSource,
    WeightPrecision,
    read_model_config,
    read_source,
)
from app.inference.precision import fastest_float, read_cpu_flags
from app.inference.verify import Fidelity, verify_encoder

__all__ = [
    "EncoderEntry",
    "Fidelity",
    "export_encoder",
    "fetch_encoder",
    "list_encoders",
    "resolve_encoder",
    "verify_encoder",
]


def export_encoder(
    models_dir: Path,
    name: str,
    *,
    checkpoint: Path | None = None,
    precision: WeightPrecision | Literal["auto"] = "auto",
    graph: bool = False,
) -> EncoderManifest:
    """Writes the image tower of a full checkpoint as an encoder that can be served.

    Args:
        models_dir: Folder of the encoders.
        name: open_clip's ``architecture/checkpoint``: tells the architecture and the preprocessing.
        checkpoint: A local full checkpoint; None takes the one that ``fetch_encoder`` left.
        precision: Format on disk; ``auto`` is the one this machine computes in, which is then mapped uncast.
        graph: Whether to write the tower for OpenVINO too, which then serves it without torch. For an encoder
            that is no open_clip checkpoint, such as ``compact``, the graph alone is written anew.

    Returns:
        The manifest as written.

    Raises:
        EncoderNotFound: open_clip does not know the name.
        EncoderFileMissing: there is no checkpoint.
        EncoderInvalid: it cannot be read safely, or does not fit the architecture.
    """
    folder = models_dir / folder_name(name)
    if graph and (folder / MANIFEST_NAME).is_file() and not (folder / SOURCE_NAME).is_file():
        return add_graph(folder)
    described = None if (folder / SOURCE_NAME).is_file() else describe_pretrained(name)
    chosen = checkpoint or find_checkpoint(folder)
    if chosen is None:
        raise EncoderFileMissing(f"no checkpoint of {name} here; `binderlens models fetch {name}` gets it")
    if described is not None:
        write_description(folder, *described)
    source, config = read_source(folder), read_model_config(folder)
    state = read_visual_state(chosen)
    on_disk = fastest_float(read_cpu_flags()) if precision == "auto" else precision
    return write_encoder(folder, _describe(source, chosen), config, state, on_disk, graph=graph)


def _describe(source: EncoderSource, checkpoint: Path) -> EncoderDescription:
    return EncoderDescription(
        name=source.name,
        architecture=source.architecture,
        checkpoint=source.checkpoint,
        preprocessing=source.preprocessing,
        licence=source.licence,
        source=f"https://huggingface.co/{source.repository}, {checkpoint.name}, "
        f"SHA-256 {sha256_of(checkpoint)}",
    )
