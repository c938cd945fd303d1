"""The constants that somebody fitted on labels of their own: one JSON file an encoder, in ``DATA_DIR``.

``{"format": 1, "encoder": "compact", "fingerprint": "...", "fitted_from": "...", "calibrations": {...}}``,
the last as in an encoder's ``calibration.json``. The file holds for one encoder alone, and for the constants
that it was fitted from: after an update that brings others it is left aside until somebody fits again.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.domain.calibration import Calibrations
from app.domain.calibration_file import calibrations_as_json, calibrations_from_json
from app.domain.errors import ConfigurationError

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Chosen:
    """The constants to answer with.

    Attributes:
        calibrations: The constants.
        fitted: Whether they were fitted on somebody's own labels.
        ignored: Why a file that is there is not used; None where it is, or there is none.
    """

    calibrations: Calibrations
    fitted: bool = False
    ignored: str | None = None


def fitted_path(data_dir: Path, encoder_folder: str) -> Path:
    """Where the constants fitted for an encoder lie; it is named by its folder."""
    return data_dir / "calibrations" / f"{encoder_folder}.json"


def fitted_files(data_dir: Path, fingerprint: str) -> list[Path]:
    """The files that were fitted for the encoder of this fingerprint; what cannot be read is none."""
    found = []
    for path in sorted((data_dir / "calibrations").glob("*.json")):
        with suppress(OSError, ValueError, TypeError, KeyError):
            if json.loads(path.read_text(encoding="utf-8"))["fingerprint"] == fingerprint:
                found.append(path)
    return found


def choose_calibrations(shipped: Calibrations, path: Path, fingerprint: str) -> Chosen:
    """The fitted constants, where they are this encoder's; else those that came with it.

    Args:
        shipped: What came with the encoder.
        path: Of the fitted ones.
        fingerprint: Of the encoder.

    Raises:
        ConfigurationError: the file cannot be read or is not of the form above.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Chosen(shipped)
    except (OSError, ValueError) as error:
        raise _broken(path, error) from error
    try:
        if values["format"] != _FORMAT:
            return Chosen(shipped, ignored=f"{path} is of another version")
        if values["fingerprint"] != fingerprint:
            return Chosen(shipped, ignored=f"{path} was fitted for an encoder of another fingerprint")
        if values["fitted_from"] != _digest(shipped):
            return Chosen(
                shipped, ignored=f"{path} was fitted from other constants than this encoder has now"
            )
        return Chosen(calibrations_from_json(values["calibrations"]), fitted=True)
    except (KeyError, TypeError, ConfigurationError) as error:
        raise _broken(path, error) from error


def save_fitted(
    calibrations: Calibrations, shipped: Calibrations, path: Path, encoder: str, fingerprint: str
) -> None:
    """Writes the fitted constants, whole or not at all.

    Args:
        calibrations: What was fitted.
        shipped: What it was fitted from.
        path: Where to; folders are made.
        encoder: Its name, for people.
        fingerprint: Of the encoder.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    document = {
        "format": _FORMAT,
        "encoder": encoder,
        "fingerprint": fingerprint,
        "fitted_from": _digest(shipped),
        "calibrations": calibrations_as_json(calibrations),
    }
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):  # it is gone, or never was
            unfinished.unlink()


def forget_fitted(path: Path) -> bool:
    """Deletes the fitted constants; False where there are none.

    Raises:
        ConfigurationError: the file cannot be deleted.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigurationError(f"cannot delete {path}: {error.strerror}") from error
    return True


def _digest(calibrations: Calibrations) -> str:
    return hashlib.sha256(json.dumps(calibrations_as_json(calibrations), sort_keys=True).encode()).hexdigest()


def _broken(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"{path} holds no fitted confidences ({error}); `binderlens evaluate --forget-fit` deletes it"
    )
