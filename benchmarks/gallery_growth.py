"""What a growing gallery costs: ``python -m benchmarks.gallery_growth``.

The same photos are searched for among 50,000, 200,000 and 1,000,000 templates. The first 46,512 are compact's
embeddings of invented cards; the others are derived from them (``benchmarks.derived_vectors.grow``): convex
mixes of three cards with the measured differences between a card's views.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from app.cli.wiring import table_console
from app.domain.types import Vectors
from benchmarks.derived_vectors import grow
from benchmarks.embedded_cards import CACHE_DIR, CARDS_A_PAGE, VIEWS_A_CARD, photo_vectors, template_vectors
from benchmarks.results import write_result
from benchmarks.vector_gallery import (
    fiftieth_similarities,
    measure_searches,
    open_vector_gallery,
    product_search,
    relation_bytes,
    server_memory_bytes,
)

SIZES = (50_000, 200_000, 1_000_000)


async def measure(work: Path, templates: Vectors, photos: Vectors) -> dict[str, float]:
    """Fills a gallery, builds its index and searches it."""
    fiftieth = await asyncio.to_thread(fiftieth_similarities, photos, templates)
    started = time.perf_counter()
    async with open_vector_gallery(work, templates) as opened:
        filled_s = time.perf_counter() - started - opened.index_s
        pages = len(photos) // CARDS_A_PAGE
        found = await measure_searches(
            {"product": product_search(opened.gallery)}, photos, fiftieth, {"product": pages}
        )
        sizes = await relation_bytes(opened.database)
        return {
            **found["product"],
            "fill_s": filled_s,
            "index_build_s": opened.index_s,
            "templates_mb": sizes["templates"] / 1e6,
            "index_mb": sizes["index"] / 1e6,
            "server_memory_mb": server_memory_bytes(opened.server_dir) / 1e6,
        }


def print_figures(figures: dict[int, dict[str, float]]) -> None:
    """One column a size."""
    table = Table("figure", *(f"{size:,} templates" for size in figures))
    for name in next(iter(figures.values())):
        table.add_row(name, *(f"{values[name]:,.4g}" for values in figures.values()))
    table_console().print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="templates")
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--seed", type=int, default=90661)
    parser.add_argument("--cache", type=Path, default=CACHE_DIR)
    parser.add_argument("--work", type=Path, help="folder for the databases: the largest takes 3 GB")
    parser.add_argument("--json", type=Path, help="write the results here as well")
    options = parser.parse_args(arguments)
    embedded = template_vectors(cache=options.cache)
    photos = photo_vectors(options.pages, options.seed, cache=options.cache)
    figures: dict[int, dict[str, float]] = {}
    for size in options.sizes:
        cards = -(-size // VIEWS_A_CARD)
        known = embedded[: VIEWS_A_CARD * cards]
        with tempfile.TemporaryDirectory(dir=options.work) as scratch:
            templates = grow(known, cards, options.seed)
            figures[size] = asyncio.run(measure(Path(scratch), templates, photos))
        values, least = figures[size], figures[options.sizes[0]]
        values["times_the_smallest"] = values["p50_ms"] / least["p50_ms"]
    print_figures(figures)
    write_result("gallery_growth", {str(size): values for size, values in figures.items()}, options.json)


if __name__ == "__main__":
    main()
