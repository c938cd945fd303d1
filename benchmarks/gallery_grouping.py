"""What grouping costs an import: ``python -m benchmarks.gallery_grouping``.

Invented cards are imported, then a few more, then the same again; then all that was compared is forgotten and
grouped at once. Told is what each spends from the last card's features to the new groups, and how many pairs
of pictures it compares. Before that, pairs are chosen among as many vectors as ``--asked`` says, and as many
cards without pictures are read and regrouped, for a first import and for a few cards more: what does not grow
with the new cards alone.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import resource
import tempfile
import time
from pathlib import Path
from typing import cast

import asyncpg
import numpy as np
from rich.table import Table

from app.cli.wiring import table_console
from app.db.connect import running_server
from app.db.gallery import PostgresGallery
from app.db.migrate import migrate
from app.db.pool import Database
from app.domain.gallery_types import (
    CardUpdate,
    PictureComparison,
    PictureToCompare,
    ReferenceTemplates,
)
from app.domain.ports import Gallery
from app.domain.types import Card, EncoderInfo, StoredImage, TemplateSource, Vectors
from app.main import open_runtime
from app.services.asked_pairs import pairs_to_ask
from app.services.gallery_import import GalleryImporter
from app.services.manifest import read_manifest
from app.services.runtime import Runtime
from app.synthesis.folder import write_gallery
from benchmarks.galleries import benchmark_settings, invented_cards
from benchmarks.results import write_result

DIMENSION = 256
#: Deviation of invented vectors from one direction, as a share of its length: they are about 0.6 alike.
NOISE = 0.8
CARDS_A_BATCH = 500

Figures = dict[str, float]


class TimedGallery:
    """A gallery that times the grouping at the end of an import, and does all else as the one it wraps."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._started = 0.0
        self.figures: Figures = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._gallery, name)

    async def pictures_to_compare(self) -> tuple[list[PictureToCompare], Vectors]:
        """As the gallery does; starts the clock."""
        self._started = time.perf_counter()
        cards = await self._gallery.pictures_to_compare()
        self.figures = {"seconds_reading": time.perf_counter() - self._started}
        return cards

    async def refresh_artwork_groups(self, comparison: PictureComparison) -> int:
        """As the gallery does; stops the clock."""
        compared = time.perf_counter()
        groups = await self._gallery.refresh_artwork_groups(comparison)
        done = time.perf_counter()
        self.figures |= {
            "cards_compared": float(len(comparison.asked_from)),
            "pairs_compared": float(comparison.asked),
            "seconds_comparing": compared - self._started - self.figures["seconds_reading"],
            "seconds_regrouping": done - compared,
            "seconds": done - self._started,
            "groups": float(groups),
        }
        return groups


async def grouping(runtime: Runtime, manifest: Path) -> Figures:
    """What the import of a manifest spends on grouping."""
    gallery = TimedGallery(runtime.gallery)
    importer = GalleryImporter(runtime.settings, runtime.encoder, cast(Gallery, gallery), runtime.references)
    await importer.run(read_manifest(manifest, manifest.parent))
    return gallery.figures


async def measure(cards: int, more: int, work: Path) -> dict[str, Figures]:
    """Imports, imports more, imports again."""
    catalogue = invented_cards(cards + more)[: cards + more]
    # The later cards are printings of pictures that are there, and new ones, as the catalogue mixes them.
    chosen = np.random.default_rng(cards).permutation(len(catalogue))
    parts = {"first": chosen[:cards], "more": chosen[cards:]}
    manifests = {
        name: write_gallery([catalogue[i] for i in places], work / name) for name, places in parts.items()
    }
    async with open_runtime(benchmark_settings(work)) as runtime:
        first = await grouping(runtime, manifests["first"])
        added = await grouping(runtime, manifests["more"])
        again = await grouping(runtime, manifests["more"])
        await forget(work)
        whole = await grouping(runtime, manifests["more"])
    return {
        f"first {cards:,} cards": first,
        f"{more:,} more": added,
        "the same again": again,
        "all at once": whole,
    }


async def forget(work: Path) -> None:
    """Makes the next import compare every card."""
    async with running_server(benchmark_settings(work)) as dsn:
        connection = await asyncpg.connect(dsn)
        await connection.execute("TRUNCATE compared_cards, same_pictures")
        await connection.close()


def invented_vectors(cards: int) -> Vectors:
    """Unit vectors around one direction, float32 (cards, DIMENSION)."""
    rng = np.random.default_rng(cards)
    vectors = NOISE / DIMENSION**0.5 * rng.standard_normal((cards, DIMENSION), np.float32)
    vectors[:, 0] += 1.0
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def choosing(vectors: Vectors, more: int) -> Figures:
    """Seconds of choosing the pairs of a first import, and of ``more`` cards that come after it."""
    cards, old = len(vectors), len(vectors) - more
    fresh = [PictureToCompare(f"{i:07}", "g", i, None) for i in range(cards)]
    started = time.perf_counter()
    first = pairs_to_ask(fresh[:old], vectors[:old])
    between = time.perf_counter()
    known = [PictureToCompare(f"{i:07}", "g", i, first.asked_from.get(i)) for i in range(cards)]
    ready = time.perf_counter()
    added = pairs_to_ask(known, vectors)
    return {
        "cards": float(cards),
        "first_seconds": between - started,
        "first_pairs": float(len(first.first)),
        "more_seconds": time.perf_counter() - ready,
        "more_pairs": float(len(added.first)),
        "most_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def updates(vectors: Vectors, places: range) -> list[CardUpdate]:
    """Cards of these vectors, three of a name, all with one picture that is none."""
    made = []
    for place in places:
        sha256 = hashlib.sha256(str(place).encode()).hexdigest()
        reference = ReferenceTemplates(
            sha256,
            StoredImage("image/png", b""),
            vectors[place : place + 1],
            (TemplateSource.OFFICIAL,),
        )
        made.append(CardUpdate(Card(f"{place:07}", f"Card {place // 3}", game="g"), (reference,), (sha256,)))
    return made


async def stored(vectors: Vectors, more: int, work: Path) -> Figures:
    """Seconds of reading and regrouping in the database; each third card shows its neighbour's picture."""
    settings, encoder = benchmark_settings(work), EncoderInfo("invented", "fp32", "0" * 64, DIMENSION)
    figures: Figures = {"cards": float(len(vectors))}
    old = len(vectors) - more
    async with running_server(settings) as dsn:
        await migrate(dsn)
        database = await Database.open(dsn, settings)
        gallery = PostgresGallery(database, encoder)
        for name, start, end in (("first", 0, old), ("more", old, len(vectors)), ("again", 0, 0)):
            for batch in range(start, end, CARDS_A_BATCH):
                await gallery.put_cards(updates(vectors, range(batch, min(end, batch + CARDS_A_BATCH))))
            started = time.perf_counter()
            cards, _ = await gallery.pictures_to_compare()
            between = time.perf_counter()
            comparison = PictureComparison(
                tuple((f"{place - 1:07}", f"{place:07}") for place in range(start, end) if place % 3 == 1),
                {f"{place:07}": 0.7 for place in range(start, end)},
                {card.card_id: card.template_id for card in cards},
            )
            ready = time.perf_counter()
            await gallery.refresh_artwork_groups(comparison)
            figures[f"{name}_seconds_reading"] = between - started
            figures[f"{name}_seconds_regrouping"] = time.perf_counter() - ready
        await database.close()
    return figures


def main() -> None:
    """Measures, prints tables and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=2000)
    parser.add_argument("--more", type=int, default=50)
    parser.add_argument("--asked", type=int, default=50_000)
    arguments = parser.parse_args()
    # Before the encoder is loaded: the memory is that of choosing alone.
    vectors = invented_vectors(arguments.asked)
    figures = {"choosing pairs": choosing(vectors, arguments.more)}
    with tempfile.TemporaryDirectory() as scratch:
        figures["in the database"] = asyncio.run(stored(vectors, arguments.more, Path(scratch)))
    with tempfile.TemporaryDirectory() as scratch:
        figures |= asyncio.run(measure(arguments.cards, arguments.more, Path(scratch)))
    for name, values in figures.items():
        table = Table("figure", "value", title=name, title_justify="left")
        for figure, value in values.items():
            table.add_row(figure, f"{value:,.4g}" if value < 1000 else f"{value:,.0f}")
        table_console().print(table)
    write_result("gallery_grouping", figures)


if __name__ == "__main__":
    main()
