"""Constants of confidences as a JSON file, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from app.domain.calibration import PICTURES_ALONE, UNCALIBRATED, Calibration, Calibrations
from app.domain.errors import ConfigurationError
from app.domain.types import AnswerKind

CALIBRATION_FILE = "calibration.json"
#: What the file has under a name of its own; the constants of plain answers stand at its top.
_NAMED = (AnswerKind.IN_SPACE, AnswerKind.VERIFIED, AnswerKind.VERIFIED_IN_SPACE)


def load_calibrations(folder: Path) -> Calibrations:
    """Reads an encoder folder's calibrations; ``UNCALIBRATED`` stands in for what it has not.

    Where nobody has fitted anything, pictures that are compared with a crop speak for themselves.

    Raises:
        ConfigurationError: the file is there but does not say what is needed.
    """
    path = folder / CALIBRATION_FILE
    if not path.exists():
        return Calibrations(UNCALIBRATED, UNCALIBRATED, PICTURES_ALONE, PICTURES_ALONE)
    try:
        return calibrations_from_json(json.loads(path.read_text()))
    except (ValueError, ConfigurationError) as error:
        raise ConfigurationError(f"{path} is not a calibration: {error}") from error


def save_calibrations(calibrations: Calibrations, folder: Path) -> None:
    """Writes an encoder folder's calibrations; what is missing or nobody's is left out."""
    text = json.dumps(calibrations_as_json(calibrations), indent=2) + "\n"
    (folder / CALIBRATION_FILE).write_text(text)


def calibrations_as_json(calibrations: Calibrations) -> dict[str, object]:
    """What a calibration file holds; what is missing or nobody's is left out."""
    values: dict[str, object] = asdict(calibrations.plain)
    for kind in _NAMED:
        part = calibrations.of_kind(kind)
        if part is not None and part != UNCALIBRATED:
            values[kind.value] = asdict(part)
    return values


def calibrations_from_json(values: Mapping[str, Any]) -> Calibrations:
    """The calibrations that a file holds.

    Raises:
        ConfigurationError: it does not say what is needed.
    """
    try:
        parts = {
            kind.value: None if values.get(kind.value) is None else _read(values[kind.value])
            for kind in _NAMED
        }
        in_space = parts.pop(AnswerKind.IN_SPACE.value)
        return Calibrations(_read(values), UNCALIBRATED if in_space is None else in_space, **parts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"not constants of confidences: {error}") from error


def _read(values: Mapping[str, float]) -> Calibration:
    """Numbers by name; those of verification may be missing.

    Names that are not known belong to another form of the model, whose numbers mean something else here.
    """
    unknown = values.keys() - {spec.name for spec in fields(Calibration)} - {kind.value for kind in _NAMED}
    if unknown:
        raise ConfigurationError(
            f"{', '.join(sorted(unknown))}: of another version of the model, fit it again"
        )
    required = [spec.name for spec in fields(Calibration) if spec.default is MISSING]
    optional = [spec.name for spec in fields(Calibration) if spec.name in values]
    return Calibration(**{name: float(values[name]) for name in dict.fromkeys((*required, *optional))})
