"""``binderlens serve``."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.wiring import load_settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port to listen on (PORT).")] = None,
) -> None:
    """Run the service; with no DATABASE_URL it starts the embedded Postgres in DATA_DIR."""
    from app.cli.server import run_server

    given = {"host": host, "port": port}
    run_server(load_settings(**{name: value for name, value in given.items() if value is not None}))
