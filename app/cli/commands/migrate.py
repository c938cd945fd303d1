"""``binderlens migrate``."""

from __future__ import annotations

import asyncio

from rich.console import Console

from app.cli.wiring import load_settings


def migrate() -> None:
    """Apply the SQL migrations to the database."""
    from app.main import migrate_database

    applied = asyncio.run(migrate_database(load_settings()))
    console = Console()
    for name in applied:
        console.print(f"applied {name}")
    if not applied:
        console.print("nothing to apply: the database is up to date")
