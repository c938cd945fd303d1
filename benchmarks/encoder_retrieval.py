"""Measures an encoder on simulated photos of real cards, beside perceptual hashes and other networks.

    make eval-encoder GALLERIES=FOLDER
    python -m benchmarks.encoder_retrieval --galleries FOLDER [--encoder compact] [--invented 16000]

The gallery is every picture that the CSV manifests of the folder list, and with ``--invented`` as many
invented cards as distractors; figures are given with them and without. Queries are simulated photos
(``benchmarks.simulator``) of the real cards, at each level, and with ``--photos`` also the cards on labelled
real photos, as a level of its own. An encoder that asks for a space of the gallery is measured without it
and with it. "Group" counts any card of the right one's near-duplicate group as right.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import track

from app.domain.errors import BinderlensError
from app.domain.types import RgbImage
from app.inference.loading import load_encoder
from app.settings import PROJECT_ROOT
from benchmarks.encoders import compact_of_revision, encoder_method, untrained_compact
from benchmarks.perceptual_hash import near_duplicate_groups
from benchmarks.photos import known_crops
from benchmarks.references import Reference, invented_distractors, read_gallery
from benchmarks.retrieval import (
    DEPTHS,
    Descriptions,
    Labels,
    Method,
    Recall,
    dhash_method,
    in_gallery_space,
    phash_method,
    ranks_of_right,
    recalls,
)
from benchmarks.simulator.levels import LEVELS, Level
from benchmarks.simulator.single import simulate_single

#: Pictures in memory at once.
CHUNK = 64

#: Bits of 256 by which pHashes of one artwork group's references differ at most.
GROUP_DISTANCE_MAX_BITS = 24


@dataclass(frozen=True, slots=True)
class Result:
    """What one method reached at one level among so many references, by the exact card and by its group."""

    method: str
    level: str
    references: int
    exact: tuple[Recall, ...]
    group: tuple[Recall, ...]


def measure(
    references: Sequence[Reference],
    methods: Sequence[Method],
    levels: Sequence[Level],
    queries: int,
    seed: int,
    *,
    corner_error: bool = True,
    photos: Path | None = None,
) -> Iterator[Result]:
    """Measures every method at every level; the same seed gives the same queries.

    Args:
        references: The gallery, distractors last.
        methods: Ways of finding cards.
        levels: Levels of the simulator.
        queries: Photos at each level, of different references that are no distractors.
        seed: Of the choice of cards and of the simulator.
        corner_error: False rectifies photos by their true corners.
        photos: Folder of labelled real photos, for one level more.

    Yields:
        One result for each method and level; where there are distractors, one without and one with them.
    """
    grouping = phash_method(256)
    gallery = _describe(
        (one.picture() for one in references), len(references), [*methods, grouping], "gallery"
    )
    card_of = {name: index for index, name in enumerate(dict.fromkeys(one.card_id for one in references))}
    cards = np.array([card_of[one.card_id] for one in references], dtype=np.int64)
    groups = near_duplicate_groups(gallery.pop().astype(np.uint8), GROUP_DISTANCE_MAX_BITS)
    asked = sum(not one.is_distractor for one in references)
    for level, chosen, pictures in _queries(references[:asked], levels, queries, seed, corner_error, photos):
        described = _describe(pictures, len(chosen), methods, level)
        for method, queried, stored in zip(methods, described, gallery, strict=True):
            for size in sorted({asked, len(references)}):
                similarities = method.similarities(queried, stored[:size])
                exact = recalls(ranks_of_right(similarities, cards[:size], cards[chosen]))
                group = recalls(ranks_of_right(similarities, groups[:size], groups[chosen]))
                yield Result(method.name, level, size, exact, group)


def _queries(
    references: Sequence[Reference],
    levels: Sequence[Level],
    queries: int,
    seed: int,
    corner_error: bool,
    photos: Path | None,
) -> Iterator[tuple[str, Labels, Iterable[RgbImage]]]:
    """Of each level its name, the references that are asked for, and their photos."""
    for number, level in enumerate(levels):
        rng = np.random.default_rng([seed, number])
        chosen = rng.choice(len(references), min(queries, len(references)), replace=False)
        yield (
            level,
            chosen,
            _photographs([references[i] for i in chosen], level, (seed, number), corner_error),
        )
    if photos is not None:
        place_of = {one.card_id: place for place, one in enumerate(references)}
        known = [(card_id, crop) for card_id, crop in known_crops(photos) if card_id in place_of]
        yield (
            "real photos",
            np.array([place_of[card_id] for card_id, _ in known]),
            [crop for _, crop in known],
        )


def format_table(results: Sequence[Result]) -> str:
    """Returns a Markdown table: recall at each depth in %, with the Wilson 95 % interval."""
    depths = " | ".join(f"R@{depth}" for depth in DEPTHS)
    lines = [
        f"| level | among | method | {depths} | group R@1 |",
        "| --- | --- | --- " + "| --- " * (len(DEPTHS) + 1) + "|",
    ]
    for result in results:
        cells = " | ".join(_format_recall(recall) for recall in (*result.exact, result.group[0]))
        lines.append(f"| {result.level} | {result.references:,} | {result.method} | {cells} |")
    return "\n".join(lines)


def _format_recall(recall: Recall) -> str:
    low, high = recall.interval
    return f"{100 * recall.share:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def _photographs(
    chosen: Sequence[Reference], level: Level, seed: tuple[int, int], corner_error: bool
) -> Iterator[RgbImage]:
    """One simulated photo of each reference; each depends on the seed and its place alone."""
    for place, one in enumerate(chosen):
        rng = np.random.default_rng([*seed, place])
        yield simulate_single(one.picture(), level, rng, corner_error=corner_error)


def _describe(
    pictures: Iterable[RgbImage], count: int, methods: Sequence[Method], title: str
) -> list[Descriptions]:
    """Describes every picture by every method; methods that describe in the same way share the work."""
    ways = list(dict.fromkeys(method.describe for method in methods))
    parts: dict[object, list[Descriptions]] = {way: [] for way in ways}
    chunk: list[RgbImage] = []
    for place, picture in enumerate(track(pictures, title, total=count, transient=True), 1):
        chunk.append(picture)
        if len(chunk) == CHUNK or place == count:
            for way in ways:
                parts[way].append(way(chunk))
            chunk = []
    joined = {way: np.concatenate(part) for way, part in parts.items()}
    return [joined[method.describe] for method in methods]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--galleries", type=Path, required=True, help="folder of CSV manifests and pictures")
    parser.add_argument("--encoder", default="compact", help="folder of the encoder in --models")
    parser.add_argument("--models", type=Path, default=PROJECT_ROOT / "models", help="folder of the encoders")
    parser.add_argument("--previous", help="git revision whose compact encoder is measured as well")
    parser.add_argument(
        "--whiten",
        type=float,
        help="exponent of the gallery's space, 0 for none; without it the encoder's own",
    )
    parser.add_argument(
        "--invented", type=int, default=0, help="invented cards in the gallery as distractors"
    )
    parser.add_argument("--photos", type=Path, help="folder of real photos that benchmarks/labels describes")
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
    methods = [phash_method(64), phash_method(256), dhash_method(64), dhash_method(256)]
    methods.append(encoder_method(untrained_compact()))
    if options.previous:
        older = compact_of_revision(options.previous, options.threads)
        methods.append(encoder_method(older, f"{older.info.name} of {options.previous[:8]}"))
    if not options.baselines_only:
        encoder = load_encoder(options.models / options.encoder, threads=options.threads)
        methods.append(encoder_method(encoder))
        exponent = encoder.info.whitening_exponent if options.whiten is None else options.whiten
        if exponent:
            methods.append(in_gallery_space(methods[-1], exponent))
    return methods


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns 0 when done, 1 when something it needs is missing or broken."""
    options = _parse(arguments)
    try:
        references = read_gallery(options.galleries, options.games.split(",") if options.games else None)
        references += invented_distractors(options.invented)
        results = list(
            measure(
                references,
                _methods(options),
                options.levels.split(","),
                options.queries,
                options.seed,
                corner_error=not options.no_corner_error,
                photos=options.photos,
            )
        )
    except (BinderlensError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(references)} references, {options.queries} photos at each level\n")
    print(format_table(results))
    if options.json:
        options.json.write_text(json.dumps(_report(options, results), indent=2) + "\n")
    return 0


def _report(options: argparse.Namespace, results: Sequence[Result]) -> dict[str, object]:
    return {
        "seed": options.seed,
        "corner_error": not options.no_corner_error,
        "group_distance_max_bits": GROUP_DISTANCE_MAX_BITS,
        "results": [
            {
                "method": result.method,
                "level": result.level,
                "references": result.references,
                "exact": [recall.as_json() for recall in result.exact],
                "group": [recall.as_json() for recall in result.group],
            }
            for result in results
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
