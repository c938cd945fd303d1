"""How many cards of whole scans are found and named rightly: ``python -m benchmarks.scan_accuracy``.

Scans come from ``benchmarks.simulator``, cards from a catalogue that no training has seen. A share of the
cards is left out of the gallery, with every printing of their picture: for them ``unknown`` is right.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from app.cli.commands.evaluate import print_report
from app.domain.labels import LabelledCard, LabelledScan, write_labels
from app.services.evaluate import EvaluateService, EvaluationReport
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard
from app.vision.decode import encode_jpeg
from benchmarks.galleries import benchmark_settings, invented_cards, open_gallery
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
UNKNOWN_SHARE = 0.15
CARD_HEIGHT_PX = 640
JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True)
class CardPool:
    """Cards in the gallery, and cards that are in none."""

    known: list[InventedCard]
    unknown: list[InventedCard]


def split_cards(cards: Sequence[InventedCard], gallery_size: int) -> CardPool:
    """Leaves whole artworks out, evenly spread over the sets, so that ``gallery_size`` cards stay."""
    artworks = list(dict.fromkeys(card.artwork_id for card in cards))
    left_out = set(artworks[:: round(1 / UNKNOWN_SHARE)])
    known = [card for card in cards if card.artwork_id not in left_out]
    if len(known) < gallery_size:
        raise ValueError(f"{len(known)} cards are too few for a gallery of {gallery_size}")
    return CardPool(known[:gallery_size], [card for card in cards if card.artwork_id in left_out])


def printings_of(pool: CardPool) -> dict[str, frozenset[str]]:
    """For each card the printings of its picture, as the catalogue knows it."""
    by_artwork: dict[str, set[str]] = {}
    for card in [*pool.known, *pool.unknown]:
        by_artwork.setdefault(card.artwork_id, set()).add(card.card.card_id)
    return {card_id: frozenset(ids) for ids in by_artwork.values() for card_id in ids}


def write_scans(pool: CardPool, folder: Path, levels: Sequence[Level], scans: int, seed: int) -> list[Path]:
    """Photographs ``scans`` scenes, all kinds and levels in turn; returns their label files."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(scans):
        kind = list(KINDS)[number % len(KINDS)]
        level = levels[(number // len(KINDS)) % len(levels)]
        paths.append(_write_scan(pool, folder / f"{number:03d}_{kind}_{level}", kind, level, rng))
    return paths


def _write_scan(pool: CardPool, stem: Path, kind: SceneKind, level: Level, rng: np.random.Generator) -> Path:
    is_known = rng.random(KINDS[kind]) >= UNKNOWN_SHARE
    shown = [
        (pool.known if known else pool.unknown)[int(rng.integers(len(pool.known if known else pool.unknown)))]
        for known in is_known
    ]
    scene = simulate_scene([draw_card(card, CARD_HEIGHT_PX) for card in shown], kind, level, rng)
    picture = stem.with_suffix(".jpg")
    picture.write_bytes(encode_jpeg(scene.image, JPEG_QUALITY))
    labels = [
        LabelledCard(
            card_id=shown[placed.card_index].card.card_id,
            name=shown[placed.card_index].card.name,
            quad_px=placed.quad_px,
            in_gallery=bool(is_known[placed.card_index]),
        )
        for placed in scene.cards
    ]
    path = stem.with_suffix(".json")
    write_labels(path, LabelledScan(picture.name, tuple(labels)))
    return path


async def measure(
    gallery_size: int, scans: int, levels: Sequence[Level], seed: int, work: Path
) -> EvaluationReport:
    """Builds the gallery, takes the photos and scores them."""
    pool = split_cards(invented_cards(artworks=gallery_size), gallery_size)
    settings = benchmark_settings(work)
    async with open_gallery(settings, pool.known, work / "cards") as runtime:
        labels = write_scans(pool, work / "scans", levels, scans, seed)
        service = EvaluateService(runtime.identify, runtime.gallery, runtime.guard)
        return await service.run(labels, same_picture=printings_of(pool))


def main() -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gallery", type=int, default=1000, help="cards in the gallery")
    parser.add_argument("--scans", type=int, default=40)
    parser.add_argument("--levels", default="easy,medium")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--keep", type=Path, help="folder to keep scans and labels in")
    arguments = parser.parse_args()
    levels: list[Level] = arguments.levels.split(",")
    with tempfile.TemporaryDirectory() as scratch:
        work = arguments.keep or Path(scratch)
        report = asyncio.run(measure(arguments.gallery, arguments.scans, levels, arguments.seed, work))
    print_report(report, Console())
    name = "scan_accuracy_" + "_".join(levels)
    write_result(name, {"gallery_cards": arguments.gallery, "seed": arguments.seed, **report.as_json()})


if __name__ == "__main__":
    main()
