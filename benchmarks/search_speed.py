"""Search for the nine cards of a page in 46,512 templates: ``python -m benchmarks.search_speed``.

Templates are compact's embeddings of 15,504 invented cards in three views, kept in ``benchmarks/cache`` (see
``benchmarks.prepare``); queries are photos by the simulator, all in one statement a page.
For 768 dimensions the vectors are turned into a longer space, which keeps their cosines, and noise is added
there as long as a template's own distance from the middle of its card's. Compared with that: exact searches
as pgvector's documentation shows them, of ``vector`` and of ``halfvec``, in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from pgvector import HalfVector, Vector
from rich.table import Table

from app.cli.wiring import table_console
from app.domain.types import Vectors
from benchmarks.derived_vectors import lengthen, noise_of_templates
from benchmarks.embedded_cards import CACHE_DIR, CARDS, photo_vectors, template_vectors
from benchmarks.results import write_result
from benchmarks.vector_gallery import (
    TOP_K,
    Search,
    fiftieth_similarities,
    measure_searches,
    open_vector_gallery,
    product_search,
    relation_bytes,
    server_memory_bytes,
)

#: Pages of nine photos that are searched for, and what chooses their cards.
PAGES, SEED = 60, 90661

EXACT = """
SELECT query.index - 1 AS query_index, hit.similarity
FROM unnest($1::{kind}[]) WITH ORDINALITY AS query (embedding, index)
CROSS JOIN LATERAL (
    SELECT id, -(embedding <#> query.embedding) AS similarity FROM exact_{kind}
    ORDER BY embedding <#> query.embedding
    LIMIT {top_k}
) AS hit
ORDER BY query_index, similarity DESC
"""

Figures = dict[str, dict[str, float]]


async def exact_search(connection: asyncpg.Connection, kind: str, templates: Vectors) -> Search:
    """Makes a table of vectors without an index; returns the search of it.

    Args:
        connection: Without a statement timeout.
        kind: ``vector`` or ``halfvec``.
        templates: float32 (n, dimension).
    """
    make = {"vector": Vector, "halfvec": HalfVector}[kind]
    await connection.execute(
        f"CREATE TABLE exact_{kind} (id bigint GENERATED ALWAYS AS IDENTITY,"
        f" embedding {kind}({templates.shape[1]}))"
    )
    rows = ((make(one),) for one in templates)
    await connection.copy_records_to_table(f"exact_{kind}", records=rows, columns=["embedding"])
    await connection.execute(f"VACUUM ANALYZE exact_{kind}")
    statement = EXACT.format(kind=kind, top_k=TOP_K)

    async def search(page: Vectors) -> list[list[float]]:
        found: list[list[float]] = [[] for _ in page]
        for row in await connection.fetch(statement, [make(one) for one in page]):
            found[row["query_index"]].append(row["similarity"])
        return found

    return search


async def measure(
    work: Path, templates: Vectors, photos: Vectors, exact_pages: int
) -> tuple[Figures, dict[str, float]]:
    """Searches one gallery in the three ways; also tells what it takes to have it."""
    fiftieth = await asyncio.to_thread(fiftieth_similarities, photos, templates)
    async with open_vector_gallery(work, templates) as opened, opened.database.maintenance() as connection:
        ways = {
            "exact vector": await exact_search(connection, "vector", templates),
            "exact halfvec": await exact_search(connection, "halfvec", templates),
            "product": product_search(opened.gallery),
        }
        pages = len(photos) // 9
        rounds = {"exact vector": exact_pages, "exact halfvec": exact_pages, "product": pages}
        figures = await measure_searches(ways, photos, fiftieth, rounds)
        sizes = await relation_bytes(opened.database)
        cost = {
            "index_build_s": opened.index_s,
            "templates_mb": sizes["templates"] / 1e6,
            "index_mb": sizes["index"] / 1e6,
            "server_memory_mb": server_memory_bytes(opened.server_dir) / 1e6,
        }
    slowest = figures["exact vector"]["p50_ms"]
    for values in figures.values():
        values["share_of_exact_vector"] = values["p50_ms"] / slowest
    return figures, cost


def print_figures(dimension: int, figures: Figures, cost: dict[str, float]) -> None:
    """One row a way to search."""
    title = f"nine cards, {dimension} dimensions"
    table = Table("search", "p50 ms", "p95 ms", "of exact vector", "recall@50", title=title)
    for name, values in figures.items():
        table.add_row(
            name,
            f"{values['p50_ms']:.0f}",
            f"{values['p95_ms']:.0f}",
            f"{values['share_of_exact_vector']:.3f}",
            f"{values['recall_at_50']:.4f}",
        )
    console = table_console()
    console.print(table)
    console.print(", ".join(f"{name} {value:.1f}" for name, value in cost.items()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints tables and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=CARDS, help="three templates each")
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--exact-pages", type=int, default=10, help="pages that the exact searches get")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[256, 768])
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--cache", type=Path, default=CACHE_DIR)
    parser.add_argument("--json", type=Path, help="write the results here as well")
    options = parser.parse_args(arguments)
    templates = template_vectors(options.cards, options.cache)
    photos = photo_vectors(options.pages, options.seed, options.cards, options.cache)
    noise = noise_of_templates(templates)
    results: dict[str, object] = {"templates": len(templates), "noise": noise, "pages": options.pages}
    for dimension in options.dimensions:
        stored, asked = templates, photos
        if dimension != templates.shape[1]:
            stored = lengthen(templates, dimension, noise, options.seed)
            asked = lengthen(photos, dimension, noise, options.seed + 1)
        with tempfile.TemporaryDirectory() as scratch:
            figures, cost = asyncio.run(measure(Path(scratch), stored, asked, options.exact_pages))
        print_figures(dimension, figures, cost)
        results[f"{dimension} dimensions"] = {"searches": figures, **cost}
    write_result("search_speed", results, options.json)


if __name__ == "__main__":
    main()
