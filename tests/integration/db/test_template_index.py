"""The HNSW index: built once, truthfully reported, used, and rebuilt when a build was interrupted."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from pgvector import HalfVector

from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.db.records import hits_from_rows
from app.db.template_search import TemplateSearch
from app.domain.errors import DatabaseUnavailable
from app.domain.types import CardFilter, TemplateHit
from tests.integration.db.builders import DIMENSION, ENCODER, simple_update, unit_vectors

CARDS = 700


@pytest.fixture
def gallery(database: Database) -> PostgresGallery:
    return PostgresGallery(database, ENCODER)


async def fill(gallery: PostgresGallery) -> np.ndarray:
    vectors = unit_vectors(5, 3 * CARDS)
    await gallery.put_cards(
        [
            simple_update(f"{i:04}", vectors[3 * i : 3 * i + 3], game="ab"[i % 2], set_id=f"s{i % 50}")
            for i in range(CARDS)
        ]
    )
    return vectors


async def planned_search(database: Database, vectors: np.ndarray) -> tuple[str, list[TemplateHit]]:
    """The plan and the hits where sorting all templates, which is cheap among so few, is no choice."""
    search = TemplateSearch(database.queries, 1, DIMENSION)
    asked = [HalfVector(vector) for vector in vectors]
    async with database.connection() as connection:
        await connection.execute("SET enable_sort = off")
        plan = await connection.fetch(f"EXPLAIN {search.statement(CardFilter())}", asked, 50)
        rows = await search.run(connection, vectors, 50, CardFilter())
    return "\n".join(row[0] for row in plan), hits_from_rows(rows, in_space=False)


async def test_the_index_is_used_and_finds_nearly_what_an_exact_search_finds(
    database: Database, gallery: PostgresGallery
) -> None:
    vectors = await fill(gallery)
    queries = unit_vectors(6, 9)
    exact = await gallery.search(queries, 50, CardFilter())
    np.testing.assert_allclose(
        [hit.similarity for hit in exact if hit.query_index == 4],
        np.sort(vectors @ queries[4])[::-1][:50],
        atol=2e-3,
    )
    assert "hnsw" not in (await planned_search(database, queries))[0]
    await gallery.build_index()
    plan, approximate = await planned_search(database, queries)
    assert "Index Scan using templates_hnsw_1" in plan
    assert len(approximate) == len(exact) == 450
    found = {(hit.query_index, hit.card.card_id, hit.similarity) for hit in approximate}
    wanted = {(hit.query_index, hit.card.card_id, hit.similarity) for hit in exact}
    assert len(found & wanted) / len(wanted) >= 0.995
    for index in range(9):
        falling = [hit.similarity for hit in approximate if hit.query_index == index]
        assert falling == sorted(falling, reverse=True)


async def test_status_tells_whether_the_index_is_there(database: Database, gallery: PostgresGallery) -> None:
    await gallery.put_cards([simple_update("a", unit_vectors(1, 3))])
    assert (await gallery.status()).index_state == "none"
    await gallery.build_index()
    assert (await gallery.status()).index_state == "ready"
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'templates_hnsw_1'::regclass"
        )
    assert (await gallery.status()).index_state == "invalid"


async def test_a_build_that_was_interrupted_is_done_again(
    database: Database, gallery: PostgresGallery
) -> None:
    await fill(gallery)
    building = asyncio.create_task(gallery.build_index())
    async with database.connection() as connection:
        terminated = False
        while not terminated:
            await asyncio.sleep(0.002)
            terminated = await connection.fetchval(
                "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_progress_create_index"
                " WHERE phase ~ 'loading' AND datname = current_database()"
            )
    with pytest.raises(DatabaseUnavailable):
        await building
    assert (await gallery.status()).index_state == "invalid"
    await gallery.build_index()
    assert (await gallery.status()).index_state == "ready"


async def test_replicas_that_build_at_once_build_one_index(
    database: Database, gallery: PostgresGallery
) -> None:
    await gallery.put_cards([simple_update("a", unit_vectors(1, 3))])
    await asyncio.gather(*(PostgresGallery(database, ENCODER).build_index() for _ in range(3)))
    assert (await gallery.status()).index_state == "ready"


async def test_building_again_keeps_a_valid_index(database: Database, gallery: PostgresGallery) -> None:
    await gallery.put_cards([simple_update("a", unit_vectors(1, 3))])
    oid = "SELECT 'templates_hnsw_1'::regclass::oid"
    await gallery.build_index()
    async with database.connection() as connection:
        before = await connection.fetchval(oid)
        await gallery.build_index()
        assert await connection.fetchval(oid) == before


async def test_an_index_with_the_parameters_of_an_earlier_version_is_built_anew(
    database: Database, gallery: PostgresGallery
) -> None:
    await gallery.put_cards([simple_update("a", unit_vectors(1, 3))])
    parameters = "SELECT reloptions FROM pg_class WHERE oid = 'templates_hnsw_1'::regclass"
    await gallery.build_index()
    async with database.connection() as connection:
        wanted = await connection.fetchval(parameters)
        await connection.execute(
            "DROP INDEX templates_hnsw_1; CREATE INDEX templates_hnsw_1 ON templates USING hnsw"
            f" ((embedding::halfvec({DIMENSION})) halfvec_ip_ops) WHERE gallery_id = 1"
        )
        assert await connection.fetchval(parameters) is None
        await gallery.build_index()
        assert await connection.fetchval(parameters) == wanted == ["m=32", "ef_construction=320"]
