"""``binderlens models ...``: the encoders."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.wiring import load_settings

Name = Annotated[str, typer.Argument(help="A folder, or open_clip's ARCHITECTURE/CHECKPOINT.")]


class WeightFormat(enum.StrEnum):
    """Format of exported weights; ``auto`` is the one this machine computes in."""

    AUTO = "auto"
    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"


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
    from app.inference.models_admin import list_encoders

    table = Table()
    for column in ("encoder", "state", "detail"):
        table.add_column(column)
    for entry in list_encoders(load_settings().models_dir):
        table.add_row(entry.name, entry.state, entry.detail)
    Console().print(table)


def fetch(name: Name) -> None:
    """Download a full open_clip checkpoint; resumes where it stopped, checks the hash."""
    from app.inference.models_admin import fetch_encoder

    path = fetch_encoder(load_settings().models_dir, name)
    Console().print(f"fetched {path}; export it with: binderlens models export {name}", soft_wrap=True)


def export(
    name: Name,
    checkpoint: Annotated[Path | None, typer.Option(help="A local full checkpoint.")] = None,
    precision: Annotated[WeightFormat, typer.Option(help="Format on disk.")] = WeightFormat.AUTO,
    graph: Annotated[
        bool, typer.Option("--graph", help="Write it for OpenVINO too: it then serves without torch.")
    ] = False,
) -> None:
    """Write the image tower of a full checkpoint as an encoder that can be served."""
    from app.inference.models_admin import export_encoder

    manifest = export_encoder(
        load_settings().models_dir, name, checkpoint=checkpoint, precision=precision.value, graph=graph
    )
    Console().print(
        f"exported {manifest.name}: {manifest.dimension} dimensions, {manifest.weights.precision}, "
        f"{manifest.weights.size_bytes / 1e6:.1f} MB",
        highlight=False,
    )


def verify(name: Name) -> None:
    """Compare an encoder with the full open_clip model, or its golden vector where that is not here."""
    from app.inference.models_admin import resolve_encoder, verify_encoder

    settings = load_settings()
    folder = resolve_encoder(settings.models_dir, name)
    fidelity = verify_encoder(folder, precision=settings.encoder_precision)
    Console().print(
        f"{name} ({fidelity.precision}) agrees with the {fidelity.against}: least cosine "
        f"{fidelity.least_cosine:.6f} over {fidelity.pictures} pictures",
        highlight=False,
    )
