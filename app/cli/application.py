"""The command ``binderlens``: its commands, and what its exit status means.

0: done. 1: failed, with one clear line on standard error. 2: wrong usage.
"""

from __future__ import annotations

import os
import sys

import typer

from app.cli.commands import demo, evaluate, gallery, identify, learn, migrate, models, serve
from app.domain.errors import BinderlensError, DatabaseUnavailable
from app.inference.clip_extra import clip_extra


def build_cli() -> typer.Typer:
    """All commands."""
    cli = typer.Typer(
        name="binderlens",
        help="Finds every trading card in a picture and says exactly which printing each one is.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    cli.command("serve")(serve.serve)
    cli.command("demo")(demo.demo)
    cli.command("identify")(identify.identify)
    cli.command("explain")(identify.explain)
    cli.command("evaluate")(evaluate.evaluate)
    cli.command("learn")(learn.learn)
    cli.command("migrate")(migrate.migrate)
    cli.add_typer(gallery.build(), name="gallery")
    cli.add_typer(models.build(), name="models")
    return cli


def main() -> None:
    """Runs the command line and exits."""
    try:
        with clip_extra():
            build_cli()()
    except BinderlensError as error:
        print(f"binderlens: {error}{_reason(error)}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        if os.environ.get("LOG_LEVEL", "").lower() == "debug":
            raise
        print(
            f"binderlens: unexpected {type(error).__name__}: {error}; LOG_LEVEL=debug shows where",
            file=sys.stderr,
        )
        sys.exit(1)


def _reason(error: BinderlensError) -> str:
    """The first line of what the driver said: kept from callers over HTTP, not from who runs commands."""
    cause = error.__cause__ if isinstance(error, DatabaseUnavailable) else None
    lines = str(cause).splitlines() if cause is not None else []
    return f": {lines[0]}" if lines else ""
