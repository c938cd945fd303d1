"""The encoder that is committed is the one its manifest describes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from app.inference.loading import load_encoder
from app.inference.manifest import read_manifest

FOLDER = Path("models/compact")


def test_the_weights_are_those_of_the_manifest_and_under_25_megabytes():
    manifest = read_manifest(FOLDER)
    content = (FOLDER / manifest.weights.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == manifest.weights.sha256
    assert len(content) < 25e6


def test_the_golden_vector_is_reproduced():
    assert load_encoder(FOLDER, precision="fp32").info.name == "compact"  # refuses where it is not
