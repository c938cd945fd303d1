"""A gallery of the first schema goes on as it was after the migration that brought spaces."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app.db.backup import back_up, restore
from app.db.gallery import PostgresGallery
from app.db.migrate import MIGRATIONS_DIR, migrate
from app.db.pool import Database
from app.domain.types import CardFilter, Vectors
from app.settings import Settings
from tests.integration.db.builders import ENCODER, simple_update, unit_vectors

WHITENING = replace(ENCODER, whitening_exponent=0.2)
CARDS = 30
#: A gallery as the first schema has it, of cards with one official picture each, and an empty one.
FILL = """
INSERT INTO galleries (encoder_fingerprint, encoder_name, encoder_precision, dimension)
VALUES ($1, 'test', 'fp32', 16), ('another', 'other', 'bf16', 8)"""
ADD_CARD = """
WITH picture AS (
    INSERT INTO blobs (sha256, media_type, data) VALUES (md5($1) || md5($1), 'image/png', '') RETURNING sha256
), art AS (INSERT INTO artwork_groups DEFAULT VALUES RETURNING id
), card AS (
    INSERT INTO cards (card_id, artwork_group_id, name, search_words) SELECT $1, id, $1, '' FROM art
    RETURNING card_id
), reference AS (
    INSERT INTO reference_images (card_id, source_sha256, blob_sha256)
    SELECT card_id, 'file', sha256 FROM card, picture RETURNING id
)
INSERT INTO templates (gallery_id, card_id, source, reference_image_id, view_index, embedding)
SELECT 1, card_id, 'official', reference.id, 0, $2::text::halfvec FROM card, reference"""
INDEX = """
CREATE INDEX templates_hnsw_1 ON templates USING hnsw ((embedding::halfvec(16)) halfvec_ip_ops)
WHERE gallery_id = 1"""


@pytest.fixture
async def old(empty_database_url: str, tmp_path: Path) -> str:
    """DSN of a database of the first schema with a gallery."""
    folder = tmp_path / "first"
    folder.mkdir()
    shutil.copy(MIGRATIONS_DIR / "0001_first_schema.sql", folder)
    await migrate(empty_database_url, folder)
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute(FILL, ENCODER.fingerprint)
    for number, vector in enumerate(unit_vectors(1, CARDS)):
        await connection.execute(ADD_CARD, f"card-{number:02}", str(vector.tolist()))
    await connection.execute(INDEX)
    await connection.close()
    return empty_database_url


async def open_at(dsn: str, settings: Settings) -> Database:
    return await Database.open(dsn, settings.model_copy(update={"database_url": SecretStr(dsn)}))


async def found(gallery: PostgresGallery, vectors: Vectors) -> list[str]:
    return [hit.card.card_id for hit in await gallery.search(vectors, 1, CardFilter())]


async def test_a_gallery_of_the_first_schema_is_searched_and_then_moved(old: str, settings: Settings) -> None:
    assert await migrate(old) == [
        "0002 gallery_spaces",
        "0003 reference_features",
        "0004 picture_comparisons",
        "0005 card_filters",
        "0006 learning",
        "0007 learnt_corrections",
        "0008 counted_answers",
        "0009 login_secret",
        "0010 stale_studies",
        "0011 counted_times",
    ]
    database = await open_at(old, settings)
    names = [f"card-{number:02}" for number in range(CARDS)]
    gallery = PostgresGallery(database, WHITENING, least_cards=CARDS)
    status = await gallery.status()
    assert (status.cards, status.templates, status.index_state) == (CARDS, CARDS, "ready")
    assert (status.fingerprint, status.space_cards) == (ENCODER.fingerprint, None)
    assert [(one.fingerprint, one.templates) for one in status.other_galleries] == [("another", 0)]
    assert await found(gallery, unit_vectors(1, CARDS)) == names
    assert await gallery.fit_space() is True
    assert await found(gallery, unit_vectors(1, CARDS)) == names
    await database.close()


@pytest.fixture
async def third(old: str, tmp_path: Path) -> str:
    """DSN of the same gallery at the schema before comparisons were kept."""
    folder = Path(shutil.copytree(MIGRATIONS_DIR, tmp_path / "third"))
    for path in sorted(folder.glob("*.sql"))[3:]:
        path.unlink()
    await migrate(old, folder)
    return old


async def test_a_gallery_from_before_comparisons_were_kept_keeps_its_groups_until_it_is_compared(
    third: str, settings: Settings
) -> None:
    connection = await asyncpg.connect(third)
    await connection.execute("UPDATE cards SET artwork_group_id = 1, name = 'One' WHERE card_id < 'card-02'")
    await connection.execute(
        "UPDATE templates SET embedding = (SELECT embedding FROM templates WHERE id = 1)"
    )
    everything = "SELECT c.*, t.* FROM cards c JOIN templates t USING (card_id) ORDER BY c.card_id"
    before = await connection.fetch(everything)
    assert (await migrate(third))[0] == "0004 picture_comparisons"
    assert await connection.fetch(everything) == before
    await connection.close()
    database = await open_at(third, settings)
    gallery = PostgresGallery(database, ENCODER)
    cards, vectors = await gallery.pictures_to_compare()
    assert [card.card_id for card in cards if card.asked_from is None] == [
        f"card-{i:02}" for i in range(CARDS)
    ]
    assert vectors.shape == (CARDS, ENCODER.dimension)
    assert await gallery.refresh_artwork_groups() == CARDS - 1
    assert await gallery.artwork_groups_of(["card-00", "card-01"]) == {"card-00": 1, "card-01": 1}
    await database.close()


async def test_a_backup_carries_the_space_and_the_encoders_own_vectors(
    database_url: str, settings: Settings, tmp_path: Path
) -> None:
    database = await open_at(database_url, settings)
    gallery = PostgresGallery(database, WHITENING, least_cards=CARDS)
    vectors = unit_vectors(1, CARDS)
    await gallery.put_cards([simple_update(f"card-{i:02}", vectors[i : i + 1]) for i in range(CARDS)])
    await gallery.fit_space()
    content = """SELECT g.fingerprint, g.space, g.space_cards, t.card_id, t.embedding::text, t.encoded::text
                 FROM templates t JOIN galleries g ON g.id = t.gallery_id ORDER BY t.card_id"""
    async with database.connection() as connection:
        before = await connection.fetch(content)
        await back_up(database_url, tmp_path / "cards.backup")
        await connection.execute("DELETE FROM galleries")
    await database.close()
    assert await restore(database_url, tmp_path / "cards.backup", replace=True) == CARDS
    database = await open_at(database_url, settings)
    async with database.connection() as connection:
        assert await connection.fetch(content) == before
    gallery = PostgresGallery(database, WHITENING, least_cards=CARDS)
    assert await found(gallery, vectors) == [f"card-{i:02}" for i in range(CARDS)]
    assert (await gallery.status()).index_state == "ready"
    await database.close()


async def test_a_backup_of_the_first_schema_is_restored_with_its_gallery(
    old: str, database_url: str, settings: Settings, tmp_path: Path
) -> None:
    await back_up(old, tmp_path / "old.backup")
    database = await open_at(database_url, settings)
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO compared_cards VALUES ('card-00', $1, 0.6)", ENCODER.fingerprint
        )
    await database.close()
    assert await restore(database_url, tmp_path / "old.backup", replace=False) == CARDS
    database = await open_at(database_url, settings)
    gallery = PostgresGallery(database, WHITENING, least_cards=CARDS)
    assert len(await found(gallery, unit_vectors(1, CARDS))) == CARDS
    assert {card.asked_from for card in (await gallery.pictures_to_compare())[0]} == {None}
    await database.close()
