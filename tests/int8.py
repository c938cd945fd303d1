"""What tests of int8 share: pictures that random weights tell apart, and who may quantise."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.domain.card_sample import CardSample
from app.domain.types import RgbImage
from app.inference.int8_proof import LEAST_QUERIES
from app.inference.precision import INT8_CPU_FLAGS, read_cpu_flags

needs_nncf = pytest.mark.skipif(
    importlib.util.find_spec("nncf") is None, reason="the extra `quantise` is not installed"
)
needs_int8_instruction = pytest.mark.skipif(
    not read_cpu_flags() & INT8_CPU_FLAGS, reason="this processor has no instruction for int8"
)


def blocks_of_colour(count: int, seed: int) -> tuple[RgbImage, ...]:
    """Pictures that even an encoder of random weights tells apart."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 4, 3, 3), dtype=np.uint8)
    return tuple(np.asarray(block.repeat(33, axis=0).repeat(33, axis=1)) for block in coarse)


def softened(picture: RgbImage, _number: int) -> RgbImage:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 2.0), dtype=np.uint8)


def sample(judged: int = LEAST_QUERIES) -> CardSample:
    return CardSample("files", blocks_of_colour(judged, seed=2))


def rewrite_manifest(folder: Path, *path: str, value: object) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    target = content
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    (folder / "manifest.json").write_text(json.dumps(content))
