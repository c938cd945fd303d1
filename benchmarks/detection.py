"""How many cards of whole pictures are found, and how tightly: ``python -m benchmarks.detection``.

Scenes come from ``benchmarks.simulator``, which nothing is tuned on; ``--scenes synthesis`` takes those of
``app.synthesis`` instead, for developing, and ``--photos FOLDER`` the real photos whose corners are labelled
in ``benchmarks/labels``. A card is found where a detection matches it one to one at IoU 0.7. ``--detectors``
compares the product's detector with others on the same pictures.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from app.domain.geometry import quad_iou
from app.domain.scoring import IOU_FOUND
from app.domain.statistics import wilson_interval
from app.domain.types import Quad, RgbImage
from app.synthesis import scenes as synthesis
from app.synthesis.cards import draw_card
from app.vision.decode import encode_jpeg
from benchmarks.detectors import Detector, detectors
from benchmarks.galleries import invented_cards
from benchmarks.photos import read_photos
from benchmarks.results import write_result
from benchmarks.simulator.layouts import SceneKind
from benchmarks.simulator.levels import Level
from benchmarks.simulator.scenes import simulate_scene

KINDS: dict[SceneKind, int] = {
    "page_3x3": 9,
    "page_4x3": 12,
    "page_2x2": 4,
    "flatbed": 9,
    "loose": 7,
    "single": 1,
}
CARD_HEIGHT_PX = 640
CATALOGUE_ARTWORKS = 400
JPEG_QUALITY = 90
_SIMULATED: dict[str, Level] = {"easy": "easy", "medium": "medium", "hard": "hard"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture and where its cards lie: ``image`` RGB uint8, ``quads`` (4, 2) in its pixels."""

    name: str
    kind: str
    level: str
    image: RgbImage
    quads: list[Quad]


@dataclass(slots=True)
class Tally:
    """What was found in pictures of one kind."""

    cards: int = 0
    found: int = 0
    extra: int = 0
    overlaps: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Counts another tally in."""
        self.cards += other.cards
        self.found += other.found
        self.extra += other.extra
        self.overlaps += other.overlaps
        self.seconds += other.seconds

    def as_json(self) -> dict[str, object]:
        """Shares with their Wilson 95 % intervals."""
        detections = self.found + self.extra
        return {
            "cards": self.cards,
            "found": self.found,
            "extra": self.extra,
            "recall": [self.found / max(self.cards, 1), *wilson_interval(self.found, self.cards)],
            "precision": [self.found / max(detections, 1), *wilson_interval(self.found, detections)],
            "mean_iou": float(np.mean(self.overlaps)) if self.overlaps else None,
            "median_ms": float(np.median(self.seconds) * 1000),
        }


def samples(source: str, levels: Sequence[str], pictures: int, seed: int) -> Iterator[Sample]:
    """Draws pictures of all kinds and levels in turn; each depends on the seed and its number alone."""
    cards = invented_cards(CATALOGUE_ARTWORKS)
    kinds = list(KINDS)
    for number in range(pictures):
        rng = np.random.default_rng((seed, number))
        kind, level = kinds[number % len(kinds)], levels[(number // len(kinds)) % len(levels)]
        count = KINDS[kind]
        if kind.startswith("page") and rng.random() < 0.3:  # some pockets empty
            count = int(rng.integers(max(1, count // 2), count + 1))
        chosen = rng.choice(len(cards), count, replace=False)
        faces = [draw_card(cards[index], CARD_HEIGHT_PX) for index in chosen]
        image, quads = _photograph(source, faces, kind, level, rng)
        yield Sample(f"{number:03d}_{kind}_{level}", kind, level, _as_uploaded(image), quads)


def _as_uploaded(drawn: RgbImage) -> RgbImage:
    """A drawn picture as it comes from a camera; real photos have been through that already."""
    image = cv2.imdecode(np.frombuffer(encode_jpeg(drawn, JPEG_QUALITY), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert image is not None  # it was written a line ago
    return np.asarray(image, np.uint8)


def labelled_photos(folder: Path) -> Iterator[Sample]:
    """The real photos below a folder that have labels; each is a kind of its own.

    Raises:
        ValueError: a photo is missing.
    """
    for photo in read_photos(folder):
        quads = [card.quad_px for card in photo.labels.cards if card.quad_px is not None]
        yield Sample(f"{photo.folder}_{photo.name}", photo.name, photo.folder, photo.image, quads)


def _photograph(
    source: str, faces: list[RgbImage], kind: SceneKind, level: str, rng: np.random.Generator
) -> tuple[RgbImage, list[Quad]]:
    if source == "simulator":
        scene = simulate_scene(faces, kind, _SIMULATED[level], rng)
        return scene.image, [card.quad_px for card in scene.cards]
    invented = synthesis.photograph_scene(
        synthesis.SceneKind("table" if kind == "loose" else kind),
        synthesis.Level(level),
        [synthesis.SceneCard(face) for face in faces],
        rng,
    )
    return invented.image, [card.quad_px for card in invented.cards]


def match(found: Sequence[Quad], truth: Sequence[Quad]) -> list[tuple[int, int, float]]:
    """One-to-one pairs (detection, card, IoU) at IoU 0.7 and more, the closest first."""
    pairs = [(quad_iou(one, card), i, j) for i, one in enumerate(found) for j, card in enumerate(truth)]
    taken: list[tuple[int, int, float]] = []
    for iou, i, j in sorted(pairs, reverse=True):
        if iou >= IOU_FOUND and all(i != a and j != b for a, b, _ in taken):
            taken.append((i, j, iou))
    return taken


def measure(sample: Sample, detect: Detector, keep: Path | None) -> Tally:
    """Detects in one picture; with ``keep``, draws those with anything missed or extra."""
    started = time.perf_counter()
    found = detect(sample.image)
    seconds = time.perf_counter() - started
    pairs = match(found, sample.quads)
    if keep is not None and (len(pairs) < len(sample.quads) or len(pairs) < len(found)):
        _draw(sample, found, pairs, keep)
    overlaps = [iou for _, _, iou in pairs]
    return Tally(len(sample.quads), len(pairs), len(found) - len(pairs), overlaps, [seconds])


def _draw(sample: Sample, found: list[Quad], pairs: list[tuple[int, int, float]], folder: Path) -> None:
    """Found cards green, missed ones red, detections that are no card blue."""
    folder.mkdir(parents=True, exist_ok=True)
    canvas = sample.image.copy()
    hits, seen = {i for i, _, _ in pairs}, {j for _, j, _ in pairs}
    outlines = [(quad, (0, 200, 0) if i in hits else (40, 80, 255)) for i, quad in enumerate(found)]
    outlines += [(quad, (255, 0, 0)) for j, quad in enumerate(sample.quads) if j not in seen]
    width = max(2, max(canvas.shape) // 400)
    for quad, color in outlines:
        cv2.polylines(canvas, [np.round(quad).astype(np.int32)], isClosed=True, color=color, thickness=width)
    (folder / f"{sample.name}.jpg").write_bytes(encode_jpeg(canvas, JPEG_QUALITY))


def print_tallies(tallies: dict[tuple[str, str, str], Tally]) -> None:
    """One row for each detector, level and kind."""
    table = Table(
        "detector", "level", "kind", "cards", "found", "extra", "recall", "precision", "mean IoU", "median ms"
    )
    for (name, level, kind), tally in tallies.items():
        recall = tally.found / max(tally.cards, 1)
        precision = tally.found / max(tally.found + tally.extra, 1)
        table.add_row(
            name,
            level,
            kind,
            str(tally.cards),
            str(tally.found),
            str(tally.extra),
            f"{recall:.1%}",
            f"{precision:.1%}",
            f"{np.mean(tally.overlaps) if tally.overlaps else 0.0:.3f}",
            f"{np.median(tally.seconds) * 1000:.0f}",
        )
    Console().print(table)


def main() -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=96)
    parser.add_argument("--levels", default="easy,medium")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenes", choices=("simulator", "synthesis"), default="simulator")
    parser.add_argument("--photos", type=Path, help="folder of real photos, measured in place of scenes")
    parser.add_argument("--detectors", default="product", help="of: product, outlines, naive, contours")
    parser.add_argument("--keep", type=Path, help="folder for drawings of what went wrong")
    arguments = parser.parse_args()
    levels: list[str] = arguments.levels.split(",")
    tallies: dict[tuple[str, str, str], Tally] = {}
    known = detectors()
    names: list[str] = arguments.detectors.split(",")
    source = "photos" if arguments.photos else arguments.scenes
    pictures = (
        labelled_photos(arguments.photos)
        if arguments.photos
        else samples(source, levels, arguments.pictures, arguments.seed)
    )
    for sample in pictures:
        for name in names:
            tally = measure(sample, known[name], arguments.keep / name if arguments.keep else None)
            for kind in (sample.kind, "all"):
                tallies.setdefault((name, sample.level, kind), Tally()).add(tally)
    print_tallies(dict(sorted(tallies.items())))
    figures = {"/".join(key): tally.as_json() for key, tally in sorted(tallies.items())}
    write_result(f"detection_{source}", {"seed": arguments.seed, "tallies": figures})


if __name__ == "__main__":
    main()
