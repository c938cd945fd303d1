"""Which encoder a benchmark serves: a folder of encoders, a name in it, a number format."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from app.settings import PROJECT_ROOT
from benchmarks.random_clip import QUANTISED, quantised_models


@dataclass(frozen=True, slots=True)
class ServedEncoder:
    """The settings that choose an encoder.

    Attributes:
        folder: Its name in ``models``.
        models: ``MODELS_DIR``.
        precision: ``ENCODER_PRECISION``.
    """

    folder: str = "compact"
    models: Path = PROJECT_ROOT / "models"
    precision: str = "auto"

    @property
    def name(self) -> str:
        """As it is reported."""
        return self.folder if self.precision == "auto" else f"{self.folder} {self.precision}"

    @property
    def settings(self) -> dict[str, object]:
        """For ``benchmark_settings``."""
        return {
            "encoder": self.folder,
            "models_dir": self.models.resolve(),
            "encoder_precision": self.precision,
        }

    @property
    def environment(self) -> dict[str, str]:
        """For a service in a process of its own."""
        return {name.upper(): str(value) for name, value in self.settings.items()}


COMPACT = ServedEncoder()


def add_encoder_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds ``--encoder``, ``--models``, ``--precision`` and ``--random-weights``."""
    parser.add_argument("--encoder", default=COMPACT.folder, help="folder of the encoder in --models")
    parser.add_argument("--models", type=Path, default=COMPACT.models, help="folder of the encoders")
    parser.add_argument(
        "--random-weights",
        action="store_true",
        help=f"of {QUANTISED}, in fp32 and int8: what embedding takes does not depend on them",
    )
    parser.add_argument("--precision", default=COMPACT.precision, choices=["auto", "fp32", "bf16", "int8"])


def served_encoder(options: argparse.Namespace) -> ServedEncoder:
    """What those arguments say."""
    if options.random_weights:
        return ServedEncoder(QUANTISED, quantised_models(), options.precision)
    return ServedEncoder(options.encoder, options.models, options.precision)
