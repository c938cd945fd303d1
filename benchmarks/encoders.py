"""Encoders to measure: those of folders, an untrained one, and the compact one of an older revision."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import torch

from app.domain.types import EncoderInfo
from app.inference.encoder import LoadedEncoder
from app.inference.loading import load_encoder
from app.inference.manifest import Preprocessing
from app.inference.torch_tower import TorchTower
from app.inference.towers.compact import COMPACT_DIMENSION, COMPACT_INPUT_PX, CompactTower
from app.settings import PROJECT_ROOT
from benchmarks.retrieval import Method, vector_method

_COMPACT = "models/compact"


def encoder_method(encoder: LoadedEncoder, name: str | None = None) -> Method:
    """Finds cards by an encoder's vectors; ``name`` is reported in place of its own."""
    return vector_method(name or encoder.info.name, encoder.encode_now)


def untrained_compact(seed: int = 0) -> LoadedEncoder:
    """Builds the compact net with untrained weights: what the architecture alone is worth."""
    torch.manual_seed(seed)
    height, width = COMPACT_INPUT_PX
    info = EncoderInfo("compact, untrained", "fp32", "untrained", COMPACT_DIMENSION)
    return LoadedEncoder(
        TorchTower(CompactTower(folded=False), "fp32"), Preprocessing(height_px=height, width_px=width), info
    )


def compact_of_revision(revision: str, threads: int) -> LoadedEncoder:
    """Loads the compact encoder that a git revision had; its graph needs none of the code of then.

    Raises:
        ValueError: git does not know the revision, or it has no such encoder.
    """
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "compact.tar"
        command = ["git", "-C", str(PROJECT_ROOT), "archive", f"--output={archive}", revision, _COMPACT]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
        if done.returncode:
            raise ValueError(f"no compact encoder of revision {revision}: {done.stderr.strip()}")
        subprocess.run(["tar", "-xf", str(archive), "-C", scratch], check=True)  # noqa: S603, S607 - our own archive
        return load_encoder(Path(scratch) / _COMPACT, threads=threads, runtime="openvino")
