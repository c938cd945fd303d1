"""The compact encoder where oneDNN has only AVX2 to convolve with, and fp32 is chosen for the flags."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from app.synthesis.cards import draw_card
from app.synthesis.catalogue import invent_catalogue

COMPACT = Path(__file__).parents[3] / "models" / "compact"
CARDS = 4

#: oneDNN, which computes OpenVINO's kernels, reads ``ONEDNN_MAX_CPU_ISA`` when it is loaded.
_EMBED = """
import json, sys
import numpy as np
import app.inference.loading as loading
flags = sys.argv[3].split()
if flags:
    loading.read_cpu_flags = lambda: frozenset(flags)
encoder = loading.load_encoder(__import__("pathlib").Path(sys.argv[1]))
vectors = encoder.encode_now(list(np.load(sys.argv[2])))
print(json.dumps([encoder.info.precision, vectors.tolist()]))
"""


def embed(crops: Path, flags: str = "", **environment: str) -> tuple[str, np.ndarray]:
    command = [sys.executable, "-c", _EMBED, str(COMPACT), str(crops), flags]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    precision, vectors = json.loads(done.stdout.splitlines()[-1])
    return precision, np.array(vectors)


def test_an_older_processor_computes_fp32_and_its_vectors_agree(tmp_path: Path) -> None:
    cards = invent_catalogue(seed=71, artworks=CARDS)[:CARDS]
    np.save(tmp_path / "crops.npy", np.stack([draw_card(card, 528) for card in cards]))
    _, here = embed(tmp_path / "crops.npy")
    precision, older = embed(tmp_path / "crops.npy", flags="avx2 fma", ONEDNN_MAX_CPU_ISA="AVX2")
    assert precision == "fp32"
    assert (here * older).sum(axis=1).min() > 0.999
    strangers = (older[0] * older[1:]).sum(axis=1)
    assert strangers.max() < 0.9, "vectors that always agree prove nothing"
