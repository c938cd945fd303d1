"""A search within a game, sets or a language finds what an exact search of that part finds."""

from __future__ import annotations

import numpy as np
import pytest
from pgvector import HalfVector

from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.db.template_search import TemplateSearch
from app.domain.types import CardFilter, TemplateHit
from tests.integration.db.builders import DIMENSION, ENCODER, simple_update, unit_vectors

CARDS, QUERIES, TOP_K = 700, 9, 50
FILTERS = {
    "a half": CardFilter(game="a"),
    "a seventh": CardFilter(language="ja"),
    "two sets": CardFilter(set_ids=("s3", "s7")),
    "a set, fewer than asked for": CardFilter(set_ids=("s7",)),
    "a game in a language": CardFilter(game="b", language="ja"),
    "nothing": CardFilter(game="c"),
}


def belongs(card: int, card_filter: CardFilter) -> bool:
    return (
        card_filter.game in (None, "ab"[card % 2])
        and (not card_filter.set_ids or f"s{card % 50}" in card_filter.set_ids)
        and card_filter.language in (None, "ja" if card % 7 == 0 else "en")
    )


async def fill(database: Database) -> np.ndarray:
    """Cards whose templates lie near each other, indexed."""
    middles = unit_vectors(5, CARDS).repeat(3, axis=0)
    vectors = middles + 0.2 * unit_vectors(6, 3 * CARDS)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gallery = PostgresGallery(database, ENCODER)
    await gallery.put_cards(
        [
            simple_update(
                f"{i:04}",
                vectors[3 * i : 3 * i + 3],
                game="ab"[i % 2],
                set_id=f"s{i % 50}",
                language="ja" if i % 7 == 0 else "en",
            )
            for i in range(CARDS)
        ]
    )
    await gallery.build_index()
    return vectors


def exact(vectors: np.ndarray, queries: np.ndarray, card_filter: CardFilter) -> list[np.ndarray]:
    """Similarities of the nearest templates of each query, best first."""
    inside = [belongs(i // 3, card_filter) for i in range(len(vectors))]
    return [np.sort(vectors[inside] @ query)[::-1][:TOP_K] for query in queries]


def similarities(hits: list[TemplateHit], query: int) -> list[float]:
    return [hit.similarity for hit in hits if hit.query_index == query]


@pytest.mark.parametrize("most_cards_exact", [0, CARDS], ids=["by the index", "exactly"])
async def test_a_filter_loses_no_template_however_it_is_answered(
    database: Database, most_cards_exact: int
) -> None:
    vectors, queries = await fill(database), unit_vectors(7, QUERIES)
    gallery = PostgresGallery(database, ENCODER, most_cards_exact=most_cards_exact)
    for name, card_filter in FILTERS.items():
        hits = await gallery.search(queries, TOP_K, card_filter)
        assert all(belongs(int(hit.card.card_id), card_filter) for hit in hits), name
        for query, wanted in enumerate(exact(vectors, queries, card_filter)):
            np.testing.assert_allclose(similarities(hits, query), wanted, atol=2e-3, err_msg=name)


async def filtered(
    database: Database, queries: np.ndarray, most_cards: int, *before: str
) -> tuple[str, list]:
    """The plan as it was run and the rows for one game, after statements that set up the session."""
    search = TemplateSearch(database.queries, 1, DIMENSION, most_cards)
    statement = search.statement(CardFilter(game="a"))
    arguments = ([HalfVector(vector) for vector in queries], TOP_K, "a", None, None)
    async with database.connection() as connection:
        for setting in before:
            await connection.execute(setting)
        plan = await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {statement}", *arguments)
        rows = await connection.fetch(statement, *arguments)
    return "\n".join(row[0] for row in plan), rows


async def test_few_cards_are_read_once_and_the_index_is_left_alone(database: Database) -> None:
    await fill(database)
    plan, _ = await filtered(database, unit_vectors(7, QUERIES), CARDS)
    for line in plan.splitlines():
        if "templates_hnsw_1" in line:
            assert "never executed" in line


async def test_a_query_that_the_index_gives_too_little_is_answered_exactly(database: Database) -> None:
    vectors, queries = await fill(database), unit_vectors(7, QUERIES)
    starved = ("SET hnsw.ef_search = 40", "SET hnsw.iterative_scan = off", "SET enable_sort = off")
    plan, rows = await filtered(database, queries, 0, *starved)
    brought = [line for line in plan.splitlines() if "Index Scan using templates_hnsw_1" in line]
    assert any("never executed" not in line for line in brought), plan
    assert len(rows) == QUERIES * TOP_K
    for query, wanted in enumerate(exact(vectors, queries, CardFilter(game="a"))):
        found = [row["similarity"] for row in rows if row["query_index"] == query]
        np.testing.assert_allclose(found, wanted, atol=2e-3)
