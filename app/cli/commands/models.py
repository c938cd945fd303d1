"""``binderlens models ...``: the encoders."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer
from rich.console import Console
from rich.table import Table

from app.cli.commands.models_int8 import export_int8, repeat_int8_proof
from app.cli.wiring import load_settings
from app.domain.errors import ConfigurationError
from app.settings import Settings

if TYPE_CHECKING:
    from app.inference.manifest import WeightPrecision

Name = Annotated[str, typer.Argument(help="A folder, or open_clip's ARCHITECTURE/CHECKPOINT.")]
Gallery = Annotated[
    str,
    typer.Option(
        help="Pictures for int8: `database`, `invented`, or a manifest or folder of cards; "
        "`auto` takes the database where there is one."
    ),
]

_EXAMPLE = "ViT-L-14/laion400m_e32"


class ExportFormat(enum.StrEnum):
    """Format of exported weights; ``auto`` is the one this machine computes in, int8 a graph beside them."""

    AUTO = "auto"
    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    INT8 = "int8"


def build() -> typer.Typer:
    """The commands below ``models``."""
    commands = typer.Typer(help="The encoders.", no_args_is_help=True)
    commands.command("list")(list_models)
    commands.command("fetch")(fetch)
    commands.command("export")(export)
    commands.command("verify")(verify)
    return commands


def list_models() -> None:
    """Which encoders are here, and in what state."""
    from app.inference.catalogue import list_encoders  # not by way of what needs torch

    models_dir = load_settings().models_dir
    entries = list_encoders(models_dir)
    if not entries:
        Console(highlight=False, soft_wrap=True).print(_nothing_in(models_dir), markup=False)
        return
    table = Table()
    for column in ("encoder", "state", "detail"):
        table.add_column(column)
    for entry in entries:
        table.add_row(entry.name, entry.state, entry.detail)
    Console().print(table)


def _nothing_in(models_dir: Path) -> str:
    own = Settings.model_fields["models_dir"].default
    return (
        f"no encoders in MODELS_DIR, {models_dir}{'' if models_dir.is_dir() else ', which is not there'}\n"
        f"compact lies in {own}, where MODELS_DIR points by itself\n"
        f"others come by: binderlens models fetch {_EXAMPLE}, then: binderlens models export {_EXAMPLE}"
    )


def fetch(name: Name) -> None:
    """Download a full open_clip checkpoint; resumes where it stopped, checks the hash."""
    from app.inference.models_admin import fetch_encoder

    path = fetch_encoder(load_settings().models_dir, name)
    Console().print(f"fetched {path}; export it with: binderlens models export {name}", soft_wrap=True)


def export(
    name: Name,
    checkpoint: Annotated[Path | None, typer.Option(help="A local full checkpoint.")] = None,
    precision: Annotated[
        ExportFormat, typer.Option(help="Format on disk; int8 quantises what has been exported.")
    ] = ExportFormat.AUTO,
    graph: Annotated[
        bool, typer.Option("--graph", help="Write it for OpenVINO too: it then serves without torch.")
    ] = False,
    gallery: Gallery = "auto",
) -> None:
    """Write the image tower of a full checkpoint as an encoder that can be served.

    With --precision int8: quantise that encoder, and prove by pictures of cards that it finds what fp32
    finds; nothing is written where it does not.
    """
    if precision is ExportFormat.INT8:
        if graph:
            raise ConfigurationError("--precision int8 writes a graph anyway; leave --graph away")
        export_int8(name, checkpoint, gallery)
        return
    from app.inference.models_admin import export_encoder

    on_disk = cast('WeightPrecision | Literal["auto"]', precision.value)
    manifest = export_encoder(
        load_settings().models_dir, name, checkpoint=checkpoint, precision=on_disk, graph=graph
    )
    Console().print(
        f"exported {manifest.name}: {manifest.dimension} dimensions, {manifest.weights.precision}, "
        f"{manifest.weights.size_bytes / 1e6:.1f} MB",
        highlight=False,
    )


def verify(name: Name, gallery: Gallery = "auto") -> None:
    """Compare an encoder with the full open_clip model, or its golden vector where that is not here.

    Where it has been quantised to int8, the proof of that is repeated too.
    """
    from app.inference.models_admin import resolve_encoder, verify_encoder
    from app.inference.precision import fastest_float, read_cpu_flags

    settings = load_settings()
    folder = resolve_encoder(settings.models_dir, name)
    asked = settings.encoder_precision
    fidelity = verify_encoder(
        folder, precision=asked if asked in ("fp32", "bf16") else fastest_float(read_cpu_flags())
    )
    Console().print(
        f"{name} ({fidelity.precision}) agrees with the {fidelity.against}: least cosine "
        f"{fidelity.least_cosine:.6f} over {fidelity.pictures} pictures",
        highlight=False,
    )
    repeat_int8_proof(folder, name, gallery)
