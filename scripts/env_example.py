"""Writes ``.env.example`` from the settings themselves: ``python -m scripts.env_example``."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.settings import PROJECT_ROOT, Settings

HEADER = """\
# Every setting of Binderlens with its default. Copy to .env and change what you need; what is empty or
# commented out keeps its default. Made by `make env-example`; do not edit by hand.
"""


def render() -> str:
    """The whole file."""
    lines = [HEADER]
    for name, field in Settings.model_fields.items():
        lines.append(f"# {describe(field)}")
        lines.append(f"# {name.upper()}={default_text(field)}\n")
    return "\n".join(lines)


def describe(field: FieldInfo) -> str:
    """What a setting means, and what it may be where there are only a few choices."""
    description = field.description or ""
    choices = _choices(field.annotation)
    return f"{description} ({' | '.join(choices)})" if choices else description


def _choices(annotation: object) -> list[str]:
    if typing.get_origin(annotation) is Literal:
        return [str(choice) for choice in typing.get_args(annotation)]
    if isinstance(annotation, types.UnionType):
        return [choice for part in typing.get_args(annotation) for choice in _choices(part)]
    return []


def default_text(field: FieldInfo) -> str:
    """The default as it would be written into a file; empty where there is none."""
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path) and value.is_absolute():
        value = value.relative_to(PROJECT_ROOT)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


if __name__ == "__main__":
    (PROJECT_ROOT / ".env.example").write_text(render(), encoding="utf-8")
