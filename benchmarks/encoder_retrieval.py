"""Measures an encoder on simulated photos of real cards, beside perceptual hashes and an untrained net.

    python -m benchmarks.encoder_retrieval --galleries FOLDER [--encoder compact] [--json FILE]

The gallery is every picture that the CSV manifests of the folder list. Queries are simulated photos
(``benchmarks.simulator``) of cards drawn from it, at each level. "Group" counts any card of the right one's
near-duplicate group as right.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from app.domain.errors import BinderlensError
from app.domain.types import EncoderInfo
from app.inference.encoder import LoadedEncoder
from app.inference.loading import load_encoder
from app.inference.manifest import Preprocessing
from app.inference.torch_tower import TorchTower
from app.inference.towers.compact import COMPACT_DIMENSION, COMPACT_INPUT_PX, CompactTower
from app.settings import PROJECT_ROOT
from benchmarks.perceptual_hash import near_duplicate_groups
from benchmarks.retrieval import (
    DEPTHS,
    Descriptions,
    Labels,
    Method,
    Recall,
    RgbImage,
    dhash_method,
    phash_method,
    ranks_of_right,
    recalls,
    vector_method,
)
from benchmarks.simulator.levels import LEVELS, Level
from benchmarks.simulator.single import simulate_single

#: Pictures in memory at once.
CHUNK = 64

#: Bits of 256 by which pHashes of one artwork group's references differ at most.
GROUP_DISTANCE_MAX_BITS = 24


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference picture of the gallery."""

    card_id: str
    path: Path


@dataclass(frozen=True, slots=True)
class Result:
    """What one method reached at one level, by the exact card and by its near-duplicate group."""

    method: str
    level: Level
    exact: tuple[Recall, ...]
    group: tuple[Recall, ...]


def read_gallery(folder: Path, games: Sequence[str] | None = None) -> list[Reference]:
    """Reads the CSV manifests of a folder; pictures lie below it.

    Args:
        folder: Holds ``NAME.csv`` files with the columns ``card_id`` and ``image``.
        games: Names of the manifests to read; None reads all.

    Raises:
        ValueError: no manifest, one that is not there, or one without the columns.
    """
    names = list(games) if games else sorted(path.stem for path in folder.glob("*.csv"))
    if not names:
        raise ValueError(f"{folder} holds no CSV manifest")
    references = []
    for name in names:
        manifest = folder / f"{name}.csv"
        if not manifest.is_file():
            raise ValueError(f"{manifest} is missing")
        with manifest.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows or not {"card_id", "image"} <= rows[0].keys():
            raise ValueError(f"{manifest} lists no card_id and image")
        references += [Reference(row["card_id"], folder / row["image"]) for row in rows]
    return references


def read_picture(path: Path) -> RgbImage:
    """Reads a picture as RGB uint8 (height, width, 3).

    Raises:
        ValueError: it is missing or broken.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{path} cannot be read as a picture")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def measure(
    references: Sequence[Reference],
    methods: Sequence[Method],
    levels: Sequence[Level],
    queries: int,
    seed: int,
    *,
    corner_error: bool = True,
) -> Iterator[Result]:
    """Measures every method at every level; the same seed gives the same queries.

    Args:
        references: The gallery.
        methods: Ways of finding cards.
        levels: Levels of the simulator.
        queries: Photos at each level, of different references.
        seed: Of the choice of cards and of the simulator.
        corner_error: False rectifies photos by their true corners.

    Yields:
        One result for each method and level.
    """
    gallery = _describe_gallery(references, [*methods, phash_method(256)])
    card_of = {
        card_id: index for index, card_id in enumerate(dict.fromkeys(one.card_id for one in references))
    }
    cards = np.array([card_of[one.card_id] for one in references], dtype=np.int64)
    groups = near_duplicate_groups(gallery.pop().astype(np.uint8), GROUP_DISTANCE_MAX_BITS)
    for number, level in enumerate(levels):
        rng = np.random.default_rng([seed, number])
        chosen = rng.choice(len(references), min(queries, len(references)), replace=False)
        described = _describe_queries(references, chosen, methods, level, (seed, number), corner_error)
        for method, asked, stored in zip(methods, described, gallery, strict=True):
            similarities = method.similarities(asked, stored)
            exact = recalls(ranks_of_right(similarities, cards, cards[chosen]))
            group = recalls(ranks_of_right(similarities, groups, groups[chosen]))
            yield Result(method.name, level, exact, group)


def random_compact(seed: int = 0) -> LoadedEncoder:
    """Builds the compact net with untrained weights: what the architecture alone is worth."""
    torch.manual_seed(seed)
    height, width = COMPACT_INPUT_PX
    info = EncoderInfo("untrained compact", "fp32", "untrained", COMPACT_DIMENSION)
    return LoadedEncoder(
        TorchTower(CompactTower(folded=False), "fp32"), Preprocessing(height_px=height, width_px=width), info
    )


def format_table(results: Sequence[Result]) -> str:
    """Returns a Markdown table: recall at each depth in %, with the Wilson 95 % interval."""
    depths = " | ".join(f"R@{depth}" for depth in DEPTHS)
    lines = [
        f"| level | method | {depths} | group R@1 |",
        "| --- | --- " * 2 + "| --- " * (len(DEPTHS) - 1) + "|",
    ]
    for result in results:
        cells = " | ".join(_format_recall(recall) for recall in (*result.exact, result.group[0]))
        lines.append(f"| {result.level} | {result.method} | {cells} |")
    return "\n".join(lines)


def _format_recall(recall: Recall) -> str:
    low, high = recall.interval
    return f"{100 * recall.share:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def _describe_gallery(references: Sequence[Reference], methods: Sequence[Method]) -> list[Descriptions]:
    """Describes every reference once by every method, reading each picture once."""
    parts: list[list[Descriptions]] = [[] for _ in methods]
    for start in range(0, len(references), CHUNK):
        pictures = [read_picture(one.path) for one in references[start : start + CHUNK]]
        for method, part in zip(methods, parts, strict=True):
            part.append(method.describe(pictures))
    return [np.concatenate(part) for part in parts]


def _describe_queries(
    references: Sequence[Reference],
    chosen: Labels,
    methods: Sequence[Method],
    level: Level,
    seed: tuple[int, int],
    corner_error: bool,
) -> list[Descriptions]:
    """Photographs the chosen references and describes the photos by every method."""
    parts: list[list[Descriptions]] = [[] for _ in methods]
    for start in range(0, len(chosen), CHUNK):
        photos = [
            simulate_single(
                read_picture(references[index].path),
                level,
                np.random.default_rng([*seed, place]),
                corner_error=corner_error,
            )
            for place, index in enumerate(chosen[start : start + CHUNK], start)
        ]
        for method, part in zip(methods, parts, strict=True):
            part.append(method.describe(photos))
    return [np.concatenate(part) for part in parts]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--galleries", type=Path, required=True, help="folder of CSV manifests and pictures")
    parser.add_argument("--encoder", default="compact", help="folder of the encoder in --models")
    parser.add_argument("--models", type=Path, default=PROJECT_ROOT / "models", help="folder of the encoders")
    parser.add_argument("--baselines-only", action="store_true", help="measure no trained encoder")
    parser.add_argument("--queries", type=int, default=250, help="photos at each level")
    parser.add_argument("--games", help="manifests to read, separated by commas; all without it")
    parser.add_argument("--levels", default=",".join(LEVELS), help="levels, separated by commas")
    parser.add_argument("--no-corner-error", action="store_true", help="rectify photos by their true corners")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of cards and of the photos")
    parser.add_argument("--threads", type=int, default=0, help="threads of the encoder; 0: one a core")
    parser.add_argument("--json", type=Path, help="write the results here as well")
    options = parser.parse_args(arguments)
    unknown = [level for level in options.levels.split(",") if level not in LEVELS]
    if unknown or options.queries < 1:
        parser.error(f"no level {unknown[0]!r}" if unknown else "--queries must be at least 1")
    return options


def _methods(options: argparse.Namespace) -> list[Method]:
    methods = [phash_method(64), phash_method(256), dhash_method(256)]
    methods.append(vector_method("compact, untrained", random_compact().encode_now))
    if not options.baselines_only:
        encoder = load_encoder(options.models / options.encoder, threads=options.threads)
        methods.append(vector_method(encoder.info.name, encoder.encode_now))
    return methods


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns 0 when done, 1 when something it needs is missing or broken."""
    options = _parse(arguments)
    try:
        references = read_gallery(options.galleries, options.games.split(",") if options.games else None)
        results = list(
            measure(
                references,
                _methods(options),
                options.levels.split(","),
                options.queries,
                options.seed,
                corner_error=not options.no_corner_error,
            )
        )
    except (BinderlensError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(references)} references, {options.queries} photos at each level\n")
    print(format_table(results))
    if options.json:
        options.json.write_text(json.dumps(_report(references, options, results), indent=2) + "\n")
    return 0


def _report(
    references: Sequence[Reference], options: argparse.Namespace, results: Sequence[Result]
) -> dict[str, object]:
    return {
        "references": len(references),
        "seed": options.seed,
        "corner_error": not options.no_corner_error,
        "group_distance_max_bits": GROUP_DISTANCE_MAX_BITS,
        "results": [
            {
                "method": result.method,
                "level": result.level,
                "exact": [recall.as_json() for recall in result.exact],
                "group": [recall.as_json() for recall in result.group],
            }
            for result in results
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
