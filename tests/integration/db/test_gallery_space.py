"""A gallery moves into a space fitted on its own cards, and loses nothing on the way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.domain.space import Moments, Space, fit_space
from tests.integration.db.builders import (
    ENCODER,
    reference,
    unit_vectors,
)
from tests.integration.db.spaces import (
    EVERYTHING,
    LEAST_CARDS,
    WHITENING,
    fetch,
    found,
    gallery_of,
    learn,
    names,
    put,
    templates,
    vectors_of,
)


@pytest.fixture
def gallery(database: Database) -> PostgresGallery:
    return gallery_of(database)


async def test_a_gallery_of_few_cards_keeps_no_space(database: Database, gallery: PostgresGallery) -> None:
    await put(gallery, 0, LEAST_CARDS - 1)
    assert await gallery.fit_space() is False
    status = await gallery.status()
    assert (status.fingerprint, status.space_cards) == (WHITENING.fingerprint, None)
    assert (await fetch(database, "SELECT count(*) FROM templates WHERE encoded IS NOT NULL"))[0][0] == 0


async def test_an_encoder_without_an_exponent_gets_no_space(database: Database) -> None:
    plain = gallery_of(database, ENCODER)
    await put(plain, 0, 2 * LEAST_CARDS)
    assert await plain.fit_space() is False
    assert (await plain.status()).space_cards is None


async def test_nothing_imported_yet_needs_no_space(gallery: PostgresGallery) -> None:
    assert await gallery.fit_space() is False


async def test_the_space_is_fitted_on_the_official_picture_of_each_card_and_stored_with_the_gallery(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    assert await gallery.fit_space() is True
    row = (await fetch(database, "SELECT space, space_cards, fingerprint FROM galleries"))[0]
    moments = Moments(ENCODER.dimension)
    moments.add(vectors_of(200)[:90:3].astype(np.float16).astype(np.float32))
    expected = fit_space(moments, 0.2)
    assert Space.from_bytes(row["space"], row["space_cards"]).to_bytes() == expected.to_bytes()
    status = await gallery.status()
    assert (status.space_cards, status.encoder_fingerprint) == (30, WHITENING.fingerprint)
    assert status.fingerprint == row["fingerprint"] == expected.fingerprint(WHITENING.fingerprint)
    assert status.other_galleries == ()


async def test_a_moved_gallery_finds_the_same_cards_at_the_similarities_of_the_space(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    assert await found(gallery, 30) == names(30)
    await gallery.fit_space()
    assert await found(gallery, 30) == names(30)
    row = (await fetch(database, "SELECT space, space_cards FROM galleries"))[0]
    space = Space.from_bytes(row["space"], row["space_cards"])
    query = vectors_of(200)[4:5]
    exact = np.sort(space.apply(query) @ space.apply(vectors_of(200)[:90]).T)[0, ::-1][:9]
    hits = await gallery.search(query, 9, EVERYTHING)
    assert all(hit.in_space for hit in hits)
    np.testing.assert_allclose([hit.similarity for hit in hits], exact, atol=4e-3)


async def test_the_space_is_fitted_again_once_the_gallery_has_grown_by_half(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 20)
    assert await gallery.fit_space() is True
    first = await gallery.status()
    await put(gallery, 20, 29)
    assert await gallery.fit_space() is False
    await put(gallery, 29, 30)
    assert await gallery.fit_space() is True
    second = await gallery.status()
    assert (first.space_cards, second.space_cards) == (20, 30)
    assert first.fingerprint != second.fingerprint
    assert await gallery.fit_space() is False
    assert await found(gallery, 30) == names(30)


async def test_cards_that_come_after_a_fit_are_stored_in_the_space_with_the_encoders_own_vector(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 20)
    await gallery.fit_space()
    await put(gallery, 20, 25)
    await gallery.put_templates([("card-000", reference("card-000", vectors_of(200)[:3]))])
    assert await found(gallery, 25) == names(25)
    plain = gallery_of(database, replace(ENCODER, fingerprint="c" * 64))
    await put(plain, 0, 25)
    kept = [row[-1] for row in await templates(database)]
    assert kept == [row[-1] for row in await templates(database, replace(ENCODER, fingerprint="c" * 64))]
    missing = "SELECT count(*) FROM templates JOIN galleries g ON g.id = gallery_id WHERE space IS NOT NULL"
    assert (await fetch(database, f"{missing} AND encoded IS NULL"))[0][0] == 0


async def test_a_gallery_that_lost_its_cards_gives_its_space_up(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    before = await templates(database)
    await gallery.fit_space()
    await gallery.remove_cards(names(30)[10:])
    assert await gallery.fit_space() is True
    status = await gallery.status()
    assert (status.space_cards, status.fingerprint) == (None, WHITENING.fingerprint)
    assert await templates(database) == before[:30]
    assert (await fetch(database, "SELECT count(*) FROM templates WHERE encoded IS NOT NULL"))[0][0] == 0
    assert await found(gallery, 10) == names(10)


async def test_a_move_keeps_every_template_those_of_corrections_and_inactive_ones_too(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    await learn(database, active=True)
    await learn(database, active=False)
    before = await templates(database)
    assert len(before) == 92
    await gallery.fit_space()
    assert await templates(database) == before
    assert (await fetch(database, "SELECT count(*) FROM templates"))[0][0] == 92
    best, *_ = await gallery.search(unit_vectors(9, 1), 1, EVERYTHING)
    assert (best.card.card_id, best.source) == ("card-003", "correction")


async def test_a_move_leaves_the_galleries_of_other_encoders_alone(
    database: Database, gallery: PostgresGallery
) -> None:
    other = replace(ENCODER, fingerprint="c" * 64, name="other")
    await put(gallery, 0, 30)
    await put(gallery_of(database, other), 0, 30)
    before = await templates(database, other)
    await gallery.fit_space()
    assert await templates(database, other) == before
    (listed,) = (await gallery.status()).other_galleries
    assert (listed.fingerprint, listed.encoder_name, listed.templates) == (other.fingerprint, "other", 90)


async def test_a_moved_gallery_has_its_index_at_once_and_the_old_index_is_gone(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 30)
    await gallery.build_index()
    await gallery.fit_space()
    assert (await gallery.status()).index_state == "ready"
    indexes = "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'templates_hnsw%'"
    assert [row[0] for row in await fetch(database, indexes)] == ["templates_hnsw_2"]


async def test_an_index_whose_gallery_is_gone_is_dropped_by_the_next_build(
    database: Database, gallery: PostgresGallery
) -> None:
    await put(gallery, 0, 5)
    await gallery.build_index()
    await fetch(database, "DELETE FROM galleries")
    await put(gallery, 0, 5)
    await gallery.build_index()
    indexes = "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'templates_hnsw%'"
    assert [row[0] for row in await fetch(database, indexes)] == ["templates_hnsw_2"]
