"""Time and memory of nine cards, by encoder: ``python -m benchmarks.encoder_speed``.

Every encoder is loaded and run in a process of its own, in turn and round after round, so that all of them
meet the same noise. The CLIP towers have random weights: time and memory do not depend on them. ``open_clip``
is the whole model in fp32, as that library's README shows it, nine cards at once; ours embeds them in the
batches that it serves with. A cosine to fp32 of random weights is a check of the arithmetic, not a measure of
what answers lose: see ``models export``. The int8 graph is kept in ``benchmarks/cache``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.domain.types import RgbImage, Vectors
from app.inference.precision import BF16_CPU_FLAGS, FloatPrecision, read_cpu_flags
from app.inference.process_memory import read_process_memory
from app.synthesis.cards import draw_card
from benchmarks.galleries import invented_cards
from benchmarks.random_clip import MODELS, QUANTISED, can_quantise, quantised_models, write_random_clip
from benchmarks.references import INVENTED_HEIGHT_PX
from benchmarks.results import write_result

CARDS = 9
#: Folders whose weights are not in the repository get random ones.
CLIP_FOLDERS = ("vit-b-32--laion2b_s34b_b79k", QUANTISED)
FOLDERS = {folder.partition("--")[0]: folder for folder in ("compact", *CLIP_FOLDERS)}

Encode = Callable[[Sequence[RgbImage]], Vectors]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run one encoder: folder, ``ENCODER_PRECISION`` and ``ENCODER_RUNTIME``, or ``open_clip``."""

    folder: str
    precision: str
    runtime: str

    @property
    def name(self) -> str:
        """As it is reported."""
        return f"{self.folder.partition('--')[0]} {self.precision} {self.runtime}"

    @property
    def original(self) -> str | None:
        """The way that its vectors are compared with: the same weights in fp32. None where there is none."""
        if self.runtime == "open_clip":
            return None
        runtime = "openvino" if self.folder == "compact" else "torch"
        return Way(self.folder, "fp32", runtime).name


def precisions() -> tuple[FloatPrecision, ...]:
    """Those in floating point that this machine computes at full speed."""
    return ("fp32", "bf16") if read_cpu_flags() & BF16_CPU_FLAGS else ("fp32",)


def ways(folders: Sequence[str]) -> list[Way]:
    """Those encoders in every way that this machine computes at full speed, and open_clip's ViT-L-14."""
    floats = precisions()
    found = [Way("compact", precision, runtime) for runtime in ("openvino", "torch") for precision in floats]
    found += [Way(folder, precision, "torch") for folder in CLIP_FOLDERS for precision in floats]
    found += [Way(QUANTISED, "int8", "openvino")] * can_quantise()
    return [way for way in found if way.folder in folders] + [Way(QUANTISED, "fp32", "open_clip")]


def as_open_clip_shows(folder: Path) -> Encode:
    """The whole model by open_clip's README, with random weights of its own: its vectors are no others'."""
    import torch

    from app.inference.manifest import read_source
    from app.inference.torchvision_compat import import_open_clip

    architecture = read_source(MODELS / folder.name).architecture
    model, _, preprocess = import_open_clip().create_model_and_transforms(architecture, pretrained=None)
    model.eval()

    def encode(crops: Sequence[RgbImage]) -> Vectors:
        pictures = torch.stack([preprocess(Image.fromarray(crop)) for crop in crops])
        with torch.no_grad():
            features = model.encode_image(pictures)
            features /= features.norm(dim=-1, keepdim=True)
        return np.asarray(features.numpy(), np.float32)

    return encode


def load(folder: Path, precision: str, runtime: str) -> Encode:
    """What embeds any number of cards in that way."""
    if runtime == "open_clip":
        return as_open_clip_shows(folder)
    from app.inference.loading import load_encoder

    encoder = load_encoder(folder, precision=precision, runtime=runtime)  # type: ignore[arg-type]
    return encoder.encode_now


def measure_here(folder: Path, precision: str, runtime: str, batches: int, vectors: Path) -> dict[str, float]:
    """Loads an encoder in this process and embeds nine cards again and again; milliseconds and bytes."""
    cards = invented_cards(artworks=CARDS)[:CARDS]
    crops = [draw_card(card, INVENTED_HEIGHT_PX) for card in cards]
    started = time.perf_counter()
    encode = load(folder, precision, runtime)
    load_s = time.perf_counter() - started
    np.save(vectors, encode(crops))
    times_ms = []
    for _ in range(batches):
        started = time.perf_counter()
        encode(crops)
        times_ms.append((time.perf_counter() - started) * 1000)
    memory = read_process_memory()
    return {
        "load_s": load_s,
        "batch_ms": float(np.median(times_ms)),
        "rss_bytes": memory.rss_bytes,
        "anonymous_bytes": memory.anonymous_bytes,
        "peak_rss_bytes": memory.peak_rss_bytes,
    }


def measure_apart(way: Way, models: Path, batches: int) -> tuple[dict[str, float], Vectors]:
    """The same in a process of its own, whose memory nothing else has touched; and the vectors."""
    vectors = models / "vectors.npy"
    command = [sys.executable, "-m", "benchmarks.encoder_speed", "--batches", str(batches), "--here"]
    command += [str(models / way.precision / way.folder), way.precision, way.runtime, str(vectors)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures, np.load(vectors)


def print_table(figures: dict[str, dict[str, float]]) -> None:
    """One row for each way, with its time as a share of open_clip's own ViT-L-14."""
    slowest = figures[Way(QUANTISED, "fp32", "open_clip").name]["batch_ms"]
    columns = ("encoder", "ms for 9 cards", "times as fast as open_clip's ViT-L-14", "least cosine to fp32")
    table = Table(*columns, "load s", "resident MB", "peak MB")
    for name, row in figures.items():
        table.add_row(
            name,
            f"{row['batch_ms']:.0f}",
            f"{slowest / row['batch_ms']:.2f}",
            f"{row['least_cosine_to_fp32']:.5f}" if "least_cosine_to_fp32" in row else "",
            f"{row['load_s']:.2f}",
            f"{row['rss_bytes'] / 1e6:.0f}",
            f"{row['peak_rss_bytes'] / 1e6:.0f}",
        )
    Console().print(table)


def write_models(models: Path, folders: Sequence[str]) -> None:
    """Those encoders in every float format of this machine, and the int8 graph where it can be run."""
    for precision in precisions():
        (models / precision).mkdir()
        for folder in set(CLIP_FOLDERS).intersection(folders):
            write_random_clip(models / precision / folder, precision)
        (models / precision / "compact").symlink_to(MODELS / "compact")
    if can_quantise() and QUANTISED in folders:
        (models / "int8").symlink_to(quantised_models())


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every way in turn, prints the medians and writes them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, default=5)
    parser.add_argument("--encoders", nargs="+", choices=FOLDERS, default=list(FOLDERS))
    here = ("FOLDER", "PRECISION", "RUNTIME", "VECTORS")
    parser.add_argument("--here", nargs=4, metavar=here, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.here:
        folder, precision, runtime, vectors = options.here
        print(json.dumps(measure_here(Path(folder), precision, runtime, options.batches, Path(vectors))))
        return
    folders = [FOLDERS[name] for name in options.encoders]
    measured_ways = ways(folders)
    rows: dict[str, list[dict[str, float]]] = {way.name: [] for way in measured_ways}
    vectors_of: dict[str, Vectors] = {}
    with tempfile.TemporaryDirectory() as scratch:
        write_models(Path(scratch), folders)
        for way in track(measured_ways * options.rounds, "encoders"):
            row, vectors_of[way.name] = measure_apart(way, Path(scratch), options.batches)
            rows[way.name].append(row)
    medians = {
        name: {key: float(np.median([row[key] for row in measured])) for key in measured[0]}
        for name, measured in rows.items()
    }
    for way in measured_ways:
        if way.original is not None:
            cosines = (vectors_of[way.name] * vectors_of[way.original]).sum(axis=1)
            medians[way.name]["least_cosine_to_fp32"] = float(cosines.min())
    print_table(medians)
    write_result(
        "encoder_speed", {"cards": CARDS, "rounds": options.rounds, "medians": medians, "runs": rows}
    )


if __name__ == "__main__":
    main()
