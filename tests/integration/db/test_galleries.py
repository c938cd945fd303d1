"""A gallery of another encoder goes, and nothing else."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest

from app.db.galleries import drop_gallery, list_galleries
from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.domain.errors import BinderlensError
from app.domain.gallery_types import PictureComparison
from tests.integration.db.builders import ENCODER, OTHER_ENCODER, simple_update, unit_vectors

#: All that hangs on an encoder or its gallery, and what hangs on none.
ROWS = """
SELECT 'template', t.card_id, g.encoder_name FROM templates t JOIN galleries g ON g.id = t.gallery_id
UNION ALL SELECT 'learnt', t.card_id, g.encoder_name FROM templates t JOIN galleries g ON g.id = t.gallery_id
          WHERE t.correction_id IS NOT NULL
UNION ALL SELECT 'gallery', '', encoder_name FROM galleries
UNION ALL SELECT 'study', '', g.encoder_name
          FROM correction_studies s LEFT JOIN galleries g ON g.id = s.gallery_id
UNION ALL SELECT 'compared', card_id, encoder_fingerprint FROM compared_cards
UNION ALL SELECT 'same', first_card_id, encoder_fingerprint FROM same_pictures
UNION ALL SELECT 'correction', card_id, status FROM corrections
UNION ALL SELECT 'card', card_id, '' FROM cards
UNION ALL SELECT 'picture', card_id, '' FROM reference_images
ORDER BY 1, 2, 3
"""
REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no'; END$$
"""
INDEXES = "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'templates\\_hnsw\\_%'"


async def fetch(database: Database, sql: str, *args: object) -> list[tuple]:
    async with database.connection() as connection:
        return [tuple(row) for row in await connection.fetch(sql, *args)]


@pytest.fixture
async def galleries(database: Database) -> None:
    """Two cards in the galleries of two encoders; each has learnt from one correction, and has its index."""
    stored = (
        "INSERT INTO corrections (id, status, verdict, card_id, body_sha256) VALUES ($1, $2, 'card', 'a', '')"
    )
    learnt = """
    INSERT INTO templates (gallery_id, card_id, source, correction_id, embedding)
    SELECT gallery_id, 'a', 'correction', $1, embedding FROM templates
    WHERE gallery_id = (SELECT id FROM galleries WHERE encoder_name = $2) LIMIT 1
    """
    studied = """
    INSERT INTO correction_studies (correction_id, gallery_id, encoded, findings)
    SELECT $1, id, '[1]', '{}' FROM galleries WHERE encoder_name = $2
    """
    correction_id = uuid4()
    for encoder in (ENCODER, OTHER_ENCODER):
        gallery = PostgresGallery(database, encoder)
        vectors = unit_vectors(1, 4, encoder.dimension)
        await gallery.put_cards([simple_update("a", vectors[:2]), simple_update("b", vectors[2:])])
        cards, _ = await gallery.pictures_to_compare()
        templates = {one.card_id: one.template_id for one in cards}
        same = PictureComparison((("a", "b"),), {"a": 0.5, "b": 0.5}, templates)
        await gallery.refresh_artwork_groups(same)
        await gallery.build_index()
    await fetch(database, stored, correction_id, "learned")
    for encoder in (ENCODER, OTHER_ENCODER):
        await fetch(database, learnt, correction_id, encoder.name)
        await fetch(database, studied, correction_id, encoder.name)


@pytest.mark.usefixtures("galleries")
async def test_a_dropped_gallery_takes_all_of_its_own_along_and_nothing_of_others(database: Database) -> None:
    before = await fetch(database, ROWS)
    of_other = [row for row in before if row[2] in (OTHER_ENCODER.name, OTHER_ENCODER.fingerprint)]
    assert {kind for kind, *_ in of_other} == {"template", "learnt", "gallery", "study", "compared", "same"}
    assert len(await fetch(database, INDEXES)) == 2
    await drop_gallery(database, OTHER_ENCODER.fingerprint)
    assert await fetch(database, ROWS) == [row for row in before if row not in of_other]
    assert len(await fetch(database, INDEXES)) == 1
    assert [one.fingerprint for one in await list_galleries(database)] == [ENCODER.fingerprint]
    assert (await PostgresGallery(database, ENCODER).status()).index_state == "ready"


@pytest.mark.usefixtures("galleries")
async def test_a_drop_that_fails_leaves_everything(database: Database) -> None:
    before = await fetch(database, ROWS)
    await fetch(database, REFUSING)
    await fetch(
        database, "CREATE TRIGGER refuse BEFORE DELETE ON galleries FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    with pytest.raises((BinderlensError, asyncpg.PostgresError)):
        await drop_gallery(database, OTHER_ENCODER.fingerprint)
    assert await fetch(database, ROWS) == before
    assert len(await fetch(database, INDEXES)) == 2


@pytest.mark.usefixtures("galleries")
async def test_galleries_are_listed_with_what_they_learnt(database: Database) -> None:
    listed = await list_galleries(database)
    assert [(one.fingerprint, one.encoder_name, one.templates, one.learnt) for one in listed] == [
        (encoder.fingerprint, encoder.name, 5, 1) for encoder in (ENCODER, OTHER_ENCODER)
    ]
    assert {one.last_scan_at for one in listed} == {None}
