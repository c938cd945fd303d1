"""The command line: thin commands that parse, call a service and print."""

from app.cli.application import main

__all__ = ["main"]
