"""Time and memory of nine cards in one batch, by encoder: ``python -m benchmarks.encoder_speed``.

Every encoder is loaded and run in a process of its own, in turn and round after round, so that all of them
meet the same noise. The CLIP towers have random weights: time and memory do not depend on them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.inference.precision import BF16_CPU_FLAGS, FloatPrecision, read_cpu_flags
from app.inference.process_memory import read_process_memory
from app.settings import PROJECT_ROOT
from benchmarks.results import write_result

CARDS = 9
MODELS = PROJECT_ROOT / "models"
#: Folders whose weights are not in the repository get random ones.
CLIP_FOLDERS = ("vit-b-32--laion2b_s34b_b79k", "vit-l-14--laion400m_e32")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run one encoder: folder, ``ENCODER_PRECISION`` and ``ENCODER_RUNTIME``."""

    folder: str
    precision: str
    runtime: str

    @property
    def name(self) -> str:
        """As it is reported."""
        return f"{self.folder.partition('--')[0]} {self.precision} {self.runtime}"


def precisions() -> tuple[FloatPrecision, ...]:
    """Those that this machine computes at full speed."""
    return ("fp32", "bf16") if read_cpu_flags() & BF16_CPU_FLAGS else ("fp32",)


def ways() -> list[Way]:
    """Every encoder in every way that this machine computes at full speed."""
    compact = [
        Way("compact", precision, runtime) for runtime in ("openvino", "torch") for precision in precisions()
    ]
    return compact + [
        Way(folder, precision, "torch") for folder in CLIP_FOLDERS for precision in precisions()
    ]


def write_random_clip(folder: Path, precision: FloatPrecision) -> None:
    """Writes a CLIP image tower with random weights by the repository's description, as an export would."""
    import torch

    from app.inference.export import EncoderDescription, write_encoder
    from app.inference.manifest import read_model_config, read_source
    from app.inference.tower import build_image_tower

    described = MODELS / folder.name
    config, source = read_model_config(described), read_source(described)
    torch.manual_seed(0)
    state = build_image_tower(config, device="cpu").state_dict()
    description = EncoderDescription(
        folder.name,
        source.architecture,
        source.checkpoint,
        source.preprocessing,
        source.licence,
        "random weights",
    )
    write_encoder(folder, description, config, state, precision)


def measure_here(folder: Path, precision: str, runtime: str, batches: int) -> dict[str, float]:
    """Loads an encoder in this process and embeds batches of nine; milliseconds and bytes."""
    from app.inference.loading import load_encoder

    started = time.perf_counter()
    encoder = load_encoder(folder, precision=precision, runtime=runtime)  # type: ignore[arg-type]
    load_s = time.perf_counter() - started
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (528, 378, 3), dtype=np.uint8) for _ in range(CARDS)]
    encoder.encode_batch(crops)
    times_ms = []
    for _ in range(batches):
        started = time.perf_counter()
        encoder.encode_batch(crops)
        times_ms.append((time.perf_counter() - started) * 1000)
    memory = read_process_memory()
    return {
        "load_s": load_s,
        "batch_ms": float(np.median(times_ms)),
        "rss_bytes": memory.rss_bytes,
        "anonymous_bytes": memory.anonymous_bytes,
        "peak_rss_bytes": memory.peak_rss_bytes,
    }


def measure_apart(way: Way, models: Path, batches: int) -> dict[str, float]:
    """The same in a process of its own, whose memory nothing else has touched."""
    command = [sys.executable, "-m", "benchmarks.encoder_speed", "--batches", str(batches)]
    command += ["--here", str(models / way.precision / way.folder), way.precision, way.runtime]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def print_table(figures: dict[str, dict[str, float]]) -> None:
    """One row for each way, with its time as a share of ViT-L-14's at the best precision measured."""
    slowest = min(row["batch_ms"] for name, row in figures.items() if name.startswith("vit-l-14"))
    table = Table(
        "encoder", "ms for 9 cards", "times as fast as ViT-L-14", "load s", "resident MB", "peak MB"
    )
    for name, row in figures.items():
        table.add_row(
            name,
            f"{row['batch_ms']:.0f}",
            f"{slowest / row['batch_ms']:.1f}",
            f"{row['load_s']:.2f}",
            f"{row['rss_bytes'] / 1e6:.0f}",
            f"{row['peak_rss_bytes'] / 1e6:.0f}",
        )
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every way in turn, prints the medians and writes them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, default=5)
    parser.add_argument("--here", nargs=3, metavar=("FOLDER", "PRECISION", "RUNTIME"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.here:
        folder, precision, runtime = options.here
        print(json.dumps(measure_here(Path(folder), precision, runtime, options.batches)))
        return
    rows: dict[str, list[dict[str, float]]] = {way.name: [] for way in ways()}
    with tempfile.TemporaryDirectory() as scratch:
        models = Path(scratch)
        for precision in precisions():
            for folder in CLIP_FOLDERS:
                write_random_clip(models / precision / folder, precision)
            (models / precision / "compact").symlink_to(MODELS / "compact")
        for way in track(ways() * options.rounds, "encoders"):
            rows[way.name].append(measure_apart(way, models, options.batches))
    medians = {
        name: {key: float(np.median([row[key] for row in measured])) for key in measured[0]}
        for name, measured in rows.items()
    }
    print_table(medians)
    write_result(
        "encoder_speed", {"cards": CARDS, "rounds": options.rounds, "medians": medians, "runs": rows}
    )


if __name__ == "__main__":
    main()
