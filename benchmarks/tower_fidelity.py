"""What a CLIP tower's vectors lose in bf16 and int8: ``python -m benchmarks.tower_fidelity --pictures FILE``.

The tower is ViT-L-14 with random weights, once as they are and once with a few channels made 20 to 100 times
as large in front of the two products of each block that read a normalised input, and the products' weights
for them smaller by as much: the same function in fp32, with outliers as trained towers can have (Dettmers et
al. 2022, "LLM.int8()"). Such towers see through blur, noise and compression, hardly through light: of photos
they find one in a hundred, and the first card is a stranger's in any format. Each of ``--pictures`` is
searched for by a bad copy of it; the cosine says more than the first card then. ``--encoder`` measures
trained weights of another folder, by photos in medium and hard light as their export does.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from rich.progress import track
from rich.table import Table

from app.cli.wiring import table_console
from app.domain.types import RECTIFIED_HEIGHT_PX, RECTIFIED_WIDTH_PX, RgbImage, Vectors
from app.inference.encoder import LoadedEncoder
from app.inference.graph_files import Graph
from app.inference.int8_evidence import View, measure_int8
from app.inference.int8_proof import Int8Figures, shortfalls
from app.inference.loading import describe
from app.inference.manifest import read_manifest, read_model_config
from app.inference.openvino_graph import (
    GRAPH_NAME,
    INT8_GRAPH_NAME,
    GraphTower,
    convert_tower,
    describe_file,
    import_openvino,
    save_graph,
)
from app.inference.precision import BF16_CPU_FLAGS, read_cpu_flags
from app.inference.quantise import quantise_tower
from app.inference.torch_tower import TorchTower, load_tower
from app.services.card_samples import sample_of_files
from app.settings import Settings
from app.vision.decode import encode_jpeg
from app.vision.stored import decode_reference
from benchmarks.random_clip import QUANTISED, can_quantise, write_random_clip
from benchmarks.results import write_result

if TYPE_CHECKING:
    import openvino

#: What a bad copy has lost; even random weights find the first card of all of 120 such copies.
COPY_BLUR_SIGMA_PX, COPY_NOISE_SIGMA, COPY_JPEG_QUALITY = 2.0, 6.0, 30


@dataclass
class _Remembered:
    """Does not embed a batch twice: fp32 is what all others are compared with, and the slowest."""

    encoder: LoadedEncoder
    known: dict[bytes, Vectors] = field(default_factory=dict)

    def encode_now(self, crops: Sequence[RgbImage]) -> Vectors:
        key = b"".join(crop[::16, ::16].tobytes() for crop in crops)
        if key not in self.known:
            self.known[key] = self.encoder.encode_now(crops)
        return self.known[key]


def copied(picture: RgbImage, number: int) -> RgbImage:
    """A bad copy of a picture: blurred, noisy, compressed."""
    card = cv2.resize(picture, (RECTIFIED_WIDTH_PX, RECTIFIED_HEIGHT_PX), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng([number, 9]).normal(0.0, COPY_NOISE_SIGMA, card.shape)
    noisy = np.clip(cv2.GaussianBlur(card, (0, 0), COPY_BLUR_SIGMA_PX) + noise, 0, 255).astype(np.uint8)
    return decode_reference(encode_jpeg(noisy, COPY_JPEG_QUALITY), RECTIFIED_HEIGHT_PX)


def measure(folder: Path, pictures: Sequence[RgbImage], view: View | None = None) -> dict[str, Int8Figures]:
    """Each number format against fp32 of the same weights; ``view`` as for ``measure_int8``."""
    manifest, config = read_manifest(folder), read_model_config(folder)

    def loaded(tower: TorchTower | GraphTower) -> LoadedEncoder:
        return LoadedEncoder(tower, manifest.preprocessing, describe(manifest, config, "fp32"))

    def weights() -> torch.nn.Module:
        return load_tower(folder / manifest.weights.file, config)

    found: dict[str, Int8Figures] = {}
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        model = convert_tower(weights().to(torch.float32), manifest.preprocessing)
        fp32 = _Remembered(loaded(_fp32_tower(model, work)))
        del model
        gc.collect()
        others: dict[str, Callable[[], TorchTower | GraphTower]] = {}
        if can_quantise():
            quantised = quantise_tower(weights().to(torch.float32), manifest.preprocessing)
            graph = save_graph(quantised, work / INT8_GRAPH_NAME)
            del quantised
            gc.collect()
            others["int8"] = lambda: GraphTower(work, graph, "int8", 0)
        if read_cpu_flags() & BF16_CPU_FLAGS:
            others["bf16"] = lambda: TorchTower(weights(), "bf16")
        for name, other in others.items():
            found[name] = _compared(fp32, loaded(other()), pictures, name, view)
    return found


def _fp32_tower(model: openvino.Model, work: Path) -> GraphTower:
    """The unchanged weights by OpenVINO, which computes fp32 in half of torch's time."""
    path = work / GRAPH_NAME
    import_openvino().save_model(model, path, compress_to_fp16=False)
    graph = Graph(model=describe_file(path), weights=describe_file(path.with_suffix(".bin")))
    return GraphTower(work, graph, "fp32", 0)


def _compared(
    fp32: _Remembered, other: LoadedEncoder, pictures: Sequence[RgbImage], name: str, view: View | None
) -> Int8Figures:
    started = time.perf_counter()

    def tell(done: int, of: int) -> None:
        if done == of or done % 90 == 0:
            print(f"{name}: {done} of {of}, {time.perf_counter() - started:.0f} s", flush=True)

    return measure_int8(fp32, other, pictures, tell, view)


def main() -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, required=True, help="a manifest, or a folder of pictures")
    parser.add_argument("--cards", type=int, default=400)
    parser.add_argument("--encoder", type=Path, help="folder with fp32 weights, in place of random ones")
    options = parser.parse_args()
    if not can_quantise() and not read_cpu_flags() & BF16_CPU_FLAGS:
        parser.error("this processor computes neither bf16 nor int8: there is nothing to compare with fp32")
    sample = sample_of_files(options.pictures, Settings(_env_file=None))
    pictures = sample.pictures[: options.cards]
    figures: dict[str, dict[str, Int8Figures]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        if options.encoder:
            figures[options.encoder.name] = measure(options.encoder, pictures)
        else:
            for name in track(("random", "random with outliers"), "towers", transient=True):
                folder = Path(scratch) / name / QUANTISED
                write_random_clip(folder, "fp32", outliers="outliers" in name)
                figures[name] = measure(folder, pictures, copied)
    _print(figures)
    written = {
        name: {precision: one.model_dump(mode="json") for precision, one in found.items()}
        for name, found in figures.items()
    }
    write_result("tower_fidelity", {"cards": len(pictures), "source": sample.source, "towers": written})


def _print(figures: dict[str, dict[str, Int8Figures]]) -> None:
    table = Table("tower", "format", "cosine, least", "mean", "same first card, lower of both galleries")
    for column in ("recall@1 fp32", "own gallery", "in that of fp32", "recall@50 fp32", "own", "missed"):
        table.add_column(column)
    for name, found in figures.items():
        for precision, one in found.items():
            table.add_row(
                name,
                precision,
                f"{one.least_cosine:.5f}",
                f"{one.mean_cosine:.6f}",
                f"{one.top1_agreement:.2%}",
                *(f"{recall.at_1:.2%}" for recall in (one.fp32, one.int8, one.int8_in_fp32)),
                *(f"{recall.at_50:.2%}" for recall in (one.fp32, one.int8)),
                "; ".join(shortfalls(one)),
            )
    table_console().print(table)


if __name__ == "__main__":
    main()
