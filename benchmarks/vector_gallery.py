"""A gallery of given vectors in a database of its own, and how well and how fast it is searched."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.db.connect import open_database
from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.domain.gallery_types import CardUpdate, ReferenceTemplates
from app.domain.types import Card, CardFilter, EncoderInfo, StoredImage, Vectors
from app.services.gallery_import import TEMPLATE_SOURCES
from benchmarks.embedded_cards import CARDS_A_PAGE, VIEWS_A_CARD
from benchmarks.galleries import benchmark_settings
from benchmarks.results import quantiles

TOP_K = 50
CARDS_A_BATCH = 1000
#: How far two ways of adding up the products of float16 may differ.
SIMILARITY_TOLERANCE = 1e-4

#: Similarities of what was found for each of nine queries, best first.
Search = Callable[[Vectors], Awaitable[list[list[float]]]]


@dataclass(frozen=True, slots=True)
class VectorGallery:
    """An open gallery.

    Attributes:
        database: Where it lies.
        gallery: To be searched.
        index_s: Seconds that building the index took.
        server_dir: Folder of the embedded server.
    """

    database: Database
    gallery: PostgresGallery
    index_s: float
    server_dir: Path


@dataclass(slots=True)
class SearchFigures:
    """What one way to search took and found, page by page."""

    milliseconds: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Median and 95th percentile of the time of nine cards; mean and least recall of one query."""
        times = quantiles(self.milliseconds)
        return {
            "p50_ms": times["p50"],
            "p95_ms": times["p95"],
            "recall_at_50": float(np.mean(self.recall)),
            "recall_at_50_least": float(np.min(self.recall)),
        }


@asynccontextmanager
async def open_vector_gallery(work: Path, templates: Vectors) -> AsyncIterator[VectorGallery]:
    """Fills a database with cards of three templates each and builds the index."""
    dimension = templates.shape[1]
    settings = benchmark_settings(work)
    async with open_database(settings) as database:
        gallery = PostgresGallery(database, EncoderInfo("vectors", "fp32", "f" * 32, dimension))
        for start in range(0, len(templates) // VIEWS_A_CARD, CARDS_A_BATCH):
            stop = min(start + CARDS_A_BATCH, len(templates) // VIEWS_A_CARD)
            await gallery.put_cards([_card(number, templates) for number in range(start, stop)])
        started = time.perf_counter()
        await gallery.build_index()
        index_s = time.perf_counter() - started
        yield VectorGallery(database, gallery, index_s, settings.data_dir / "postgres")


def _card(number: int, templates: Vectors) -> CardUpdate:
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    own = templates[VIEWS_A_CARD * number : VIEWS_A_CARD * (number + 1)]
    reference = ReferenceTemplates(sha256, StoredImage("image/png", b"none"), own, TEMPLATE_SOURCES)
    return CardUpdate(Card(f"card-{number:07}", f"Card {number}"), (reference,), (sha256,))


def fiftieth_similarities(photos: Vectors, templates: Vectors) -> NDArray[np.float32]:
    """How alike the last of each photo's exact top 50 is, by vectors as they are stored: (photos,)."""
    queries = photos.astype(np.float16).astype(np.float32)
    best = np.full((len(photos), TOP_K), -1.0, np.float32)
    for start in range(0, len(templates), 20_000):
        part = templates[start : start + 20_000].astype(np.float16).astype(np.float32)
        both = np.concatenate([best, queries @ part.T], axis=1)
        best = -np.partition(-both, TOP_K - 1, axis=1)[:, :TOP_K]
    return np.asarray(best.min(axis=1))


async def measure_searches(
    ways: dict[str, Search], photos: Vectors, fiftieth: NDArray[np.float32], rounds: dict[str, int]
) -> dict[str, dict[str, float]]:
    """Searches page after page, each way in turn so that all meet the same noise.

    Args:
        ways: By name.
        photos: float32 (9 * pages, dimension).
        fiftieth: See ``fiftieth_similarities``.
        rounds: How many pages each way is given, at most all; the first one more, as a warm-up.
    """
    figures = {name: SearchFigures() for name in ways}
    pages = photos.reshape(-1, CARDS_A_PAGE, photos.shape[1])
    least = fiftieth.reshape(-1, CARDS_A_PAGE)
    for search in ways.values():
        await search(pages[0])
    for place, (page, wanted) in enumerate(zip(pages, least, strict=True)):
        for name, search in ways.items():
            if place >= rounds[name]:
                continue
            started = time.perf_counter()
            found = await search(page)
            figures[name].milliseconds.append((time.perf_counter() - started) * 1000.0)
            figures[name].recall += [share_found(one, float(w)) for one, w in zip(found, wanted, strict=True)]
    return {name: one.summary() for name, one in figures.items()}


def share_found(similarities: Sequence[float], fiftieth: float) -> float:
    """The share of an exact top 50 among what was found, by the similarity of its last."""
    return min(1.0, sum(one >= fiftieth - SIMILARITY_TOLERANCE for one in similarities) / TOP_K)


def product_search(gallery: PostgresGallery) -> Search:
    """What a scan runs."""

    async def search(page: Vectors) -> list[list[float]]:
        found: list[list[float]] = [[] for _ in page]
        for hit in await gallery.search(page, TOP_K, CardFilter()):
            found[hit.query_index].append(hit.similarity)
        return found

    return search


def server_memory_bytes(server_dir: Path) -> int:
    """Memory of the server's processes, pages that they share counted once (proc_pid_smaps(5), ``Pss``)."""
    postmaster = (server_dir / "postmaster.pid").read_text().splitlines()[0]
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    total = 0
    for process in (postmaster, *children):
        with suppress(OSError):  # one that ended meanwhile
            [line] = re.findall(r"^Pss: +(\d+) kB$", Path(f"/proc/{process}/smaps_rollup").read_text(), re.M)
            total += 1024 * int(line)
    return total


async def relation_bytes(database: Database) -> dict[str, int]:
    """Sizes on disk: templates with all their indexes, and of that the HNSW index."""
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT pg_total_relation_size('templates') AS templates,"
            " pg_relation_size('templates_hnsw_1') AS index"
        )
    return dict(row)
