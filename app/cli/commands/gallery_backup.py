"""``binderlens gallery backup`` and ``binderlens gallery restore``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.cli.piped_file import readable_twice
from app.cli.wiring import error_console, load_settings


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; an older file is replaced.")],
) -> None:
    """Write the whole database into one file: cards, pictures, templates, scans, corrections.

    The service may go on meanwhile.
    """
    from app.db.backup import back_up

    size_bytes = _with_server(lambda dsn: back_up(dsn, file), f"backing up into {file}")
    Console(highlight=False).print(f"wrote {file}: {size_bytes / 1e6:.1f} MB", soft_wrap=True)


def restore(
    file: Annotated[Path, typer.Argument(help="What backup wrote; `-` is standard input.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the cards, scans and corrections that are there.")
    ] = False,
) -> None:
    """Put a backup into the database, all of it or nothing; stop the service first."""
    from app.db.backup import restore as restore_database

    with readable_twice(file) as source:
        cards = _with_server(lambda dsn: restore_database(dsn, source, replace=replace), f"restoring {file}")
    Console(highlight=False).print(f"restored {file}: {cards} cards", soft_wrap=True)


def _with_server(work: Callable[[str], Awaitable[int]], what: str) -> int:
    """Runs ``work`` with the DSN of a running server, and a sign of life for people."""
    from app.db.connect import running_server

    settings = load_settings()

    async def run() -> int:
        async with running_server(settings) as dsn:
            return await work(dsn)

    with error_console().status(what):
        return asyncio.run(run())
