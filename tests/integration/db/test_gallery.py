"""The gallery port against a real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.domain.errors import GalleryEmpty, GalleryMismatch
from app.domain.gallery_types import SetCoverage
from app.domain.types import Card, CardFilter, TemplateSource
from tests.integration.db.builders import (
    DROWZEE,
    ENCODER,
    OTHER_ENCODER,
    picture,
    reference,
    sha256,
    simple_update,
    unit_vectors,
    update,
)

EVERYTHING = CardFilter()


@pytest.fixture
def gallery(database: Database) -> PostgresGallery:
    return PostgresGallery(database, ENCODER)


async def blob_count(database: Database) -> int:
    async with database.connection() as connection:
        return await connection.fetchval("SELECT count(*) FROM blobs")


async def test_each_query_gets_its_nearest_templates_in_falling_similarity(gallery: PostgresGallery) -> None:
    vectors = unit_vectors(1, 60)
    await gallery.put_cards(
        [simple_update(f"set-{i:02}", vectors[3 * i : 3 * i + 3], game="g") for i in range(20)]
    )
    hits = await gallery.search(vectors[[7, 33]], 5, EVERYTHING)
    assert [hit.query_index for hit in hits] == [0] * 5 + [1] * 5
    assert hits[0].card == Card("set-02", "Name of set-02", game="g")
    assert (hits[0].source, hits[5].source) == (TemplateSource.AUGMENTED, TemplateSource.OFFICIAL)
    for query, found in ((7, hits[:5]), (33, hits[5:])):
        exact = np.sort(vectors @ vectors[query])[::-1][:5]
        np.testing.assert_allclose([hit.similarity for hit in found], exact, atol=2e-3)


async def test_a_search_without_queries_or_without_a_gallery_finds_nothing(gallery: PostgresGallery) -> None:
    assert await gallery.search(unit_vectors(1, 2), 5, EVERYTHING) == []
    await gallery.put_cards([simple_update("a", unit_vectors(1, 3))])
    assert await gallery.search(unit_vectors(1, 0), 5, EVERYTHING) == []


@pytest.mark.parametrize(
    ("card_filter", "expected"),
    [
        (CardFilter(game="pokemon"), {"a", "b"}),
        (CardFilter(set_ids=("s2", "s3")), {"b", "c"}),
        (CardFilter(language="ja"), {"b"}),
        (CardFilter(game="magic", set_ids=("s1",)), set()),
    ],
)
async def test_filters_narrow_the_gallery_before_the_top_is_taken(
    gallery: PostgresGallery, card_filter: CardFilter, expected: set[str]
) -> None:
    vectors = unit_vectors(2, 4)
    await gallery.put_cards(
        [
            simple_update("a", vectors[:1], game="pokemon", set_id="s1", language="en"),
            simple_update("b", vectors[1:2], game="pokemon", set_id="s2", language="ja"),
            simple_update("c", vectors[2:3], game="magic", set_id="s3"),
        ]
    )
    hits = await gallery.search(vectors[3:], len(expected) or 1, card_filter)
    assert {hit.card.card_id for hit in hits} == expected


async def test_vectors_of_another_shape_or_length_are_refused(gallery: PostgresGallery) -> None:
    with pytest.raises(ValueError, match="dimension 16"):
        await gallery.search(unit_vectors(1, 2, dimension=8), 5, EVERYTHING)
    with pytest.raises(ValueError, match="unit length"):
        await gallery.search(unit_vectors(1, 2) * 2, 5, EVERYTHING)
    with pytest.raises(ValueError, match="finite"):
        await gallery.put_cards([simple_update("a", unit_vectors(1, 1) * np.float32("nan"))])


async def test_galleries_of_two_encoders_stand_side_by_side(
    database: Database, gallery: PostgresGallery
) -> None:
    other = PostgresGallery(database, OTHER_ENCODER)
    await gallery.put_cards([simple_update("a", unit_vectors(1, 3)), simple_update("b", unit_vectors(2, 3))])
    await other.put_cards([simple_update("a", unit_vectors(3, 2, dimension=8))])
    await gallery.build_index()
    await other.build_index()
    assert {hit.card.card_id for hit in await gallery.search(unit_vectors(1, 1), 9, EVERYTHING)} == {"a", "b"}
    assert len(await other.search(unit_vectors(3, 1, dimension=8), 9, EVERYTHING)) == 2
    assert await gallery.known_references(["a"]) == {"a": {sha256("a"): 3}}
    assert await other.known_references(["a", "b"]) == {"a": {sha256("a"): 2}, "b": {sha256("b"): 0}}
    (listed,) = (await gallery.status()).other_galleries
    assert (listed.fingerprint, listed.templates) == (OTHER_ENCODER.fingerprint, 2)


async def test_an_empty_gallery_is_told_apart_from_one_of_another_encoder(
    database: Database, gallery: PostgresGallery
) -> None:
    with pytest.raises(GalleryEmpty, match="gallery import"):
        await gallery.check()
    other = PostgresGallery(database, OTHER_ENCODER)
    await other.put_cards([simple_update("a", unit_vectors(1, 3, dimension=8))])
    await other.check()
    with pytest.raises(GalleryMismatch) as raised:
        await gallery.check()
    assert ENCODER.fingerprint in str(raised.value)
    assert OTHER_ENCODER.fingerprint in str(raised.value)
    await gallery.put_cards([simple_update("b", unit_vectors(1, 1))])
    await gallery.check()


async def test_an_import_repeated_changes_nothing(database: Database, gallery: PostgresGallery) -> None:
    batch = [simple_update(card_id, unit_vectors(1, 3)) for card_id in ("a", "b")]
    await gallery.put_cards(batch)
    before = await gallery.status(), await blob_count(database)
    await gallery.put_cards(batch[::-1])
    assert (await gallery.status(), await blob_count(database)) == before
    assert before[0].templates == 6


async def test_a_card_is_updated_and_pictures_no_longer_kept_are_dropped(
    database: Database, gallery: PostgresGallery
) -> None:
    old, new = reference("old", unit_vectors(1, 3)), reference("new", unit_vectors(2, 2))
    await gallery.put_cards([update(DROWZEE, old)])
    renamed = replace(DROWZEE, name="Slowpoke")
    await gallery.put_cards([update(renamed, new)])
    assert await gallery.get_card("sv5-131") == renamed
    assert await gallery.known_references(["sv5-131"]) == {"sv5-131": {sha256("new"): 2}}
    assert await gallery.card_image("sv5-131") == picture("new")
    assert await blob_count(database) == 1
    assert [card.name for card in await gallery.find_cards("slowpoke", None, 5)] == ["Slowpoke"]
    assert await gallery.find_cards("drowzee", None, 5) == []


async def test_the_first_reference_image_stands_for_a_card(gallery: PostgresGallery) -> None:
    zebra, ant = reference("zebra", unit_vectors(1, 1)), reference("ant", unit_vectors(2, 1))
    await gallery.put_cards([update(DROWZEE, zebra, ant), update(Card("bare", "No picture"))])
    assert await gallery.card_image("sv5-131") == picture("zebra")
    assert await gallery.card_image("bare") is None


async def test_references_without_templates_of_an_encoder_are_listed_page_by_page_until_they_have_them(
    database: Database, gallery: PostgresGallery
) -> None:
    await gallery.put_cards([simple_update(card_id, unit_vectors(1, 3)) for card_id in ("c", "a", "b")])
    other = PostgresGallery(database, OTHER_ENCODER)
    assert await gallery.count_references_to_embed(3) == 0
    assert await other.count_references_to_embed(3) == 3
    first = await other.references_to_embed(3, ("", ""), 2)
    assert [(one.card_id, one.source_sha256, one.image) for one in first] == [
        (card_id, sha256(card_id), picture(card_id)) for card_id in ("a", "b")
    ]
    rest = await other.references_to_embed(3, (first[-1].card_id, first[-1].source_sha256), 2)
    assert [one.card_id for one in rest] == ["c"]
    await other.put_templates([("a", reference("a", unit_vectors(4, 3, dimension=8)))])
    assert await other.count_references_to_embed(3) == 2
    assert [one.card_id for one in await other.references_to_embed(3, ("", ""), 2)] == ["b", "c"]


async def test_templates_put_for_a_stored_reference_replace_those_of_this_encoder_alone(
    database: Database, gallery: PostgresGallery
) -> None:
    await gallery.put_cards([simple_update("a", unit_vectors(1, 3))])
    other = PostgresGallery(database, OTHER_ENCODER)
    wide, narrow = unit_vectors(2, 3, dimension=8), unit_vectors(3, 2, dimension=8)
    await other.put_templates([("a", reference("a", wide)), ("gone", reference("gone", wide))])
    await other.put_templates([("a", reference("a", narrow))])
    assert await other.known_references(["a", "gone"]) == {"a": {sha256("a"): 2}}
    assert await gallery.known_references(["a"]) == {"a": {sha256("a"): 3}}
    with pytest.raises(ValueError, match="dimension 8"):
        await other.put_templates([("a", reference("a", unit_vectors(2, 3)))])


async def test_the_artwork_group_of_each_known_card_is_told(gallery: PostgresGallery) -> None:
    same = unit_vectors(1, 1)
    await gallery.put_cards(
        [simple_update(card_id, same, name=name) for card_id, name in (("a", "X"), ("b", "X"), ("c", "Y"))]
    )
    await gallery.refresh_artwork_groups()
    groups = await gallery.artwork_groups_of(["a", "b", "c", "unknown"])
    assert groups["a"] == groups["b"] != groups["c"]
    assert set(groups) == {"a", "b", "c"}


async def test_a_bad_card_in_a_batch_leaves_nothing_of_the_batch(gallery: PostgresGallery) -> None:
    good = simple_update("a", unit_vectors(1, 3))
    with pytest.raises(ValueError, match="twice"):
        await gallery.put_cards([good, good])
    correction = replace(good.references[0], sources=(TemplateSource.CORRECTION,) * 3)
    with pytest.raises(ValueError, match="no corrections"):
        await gallery.put_cards([simple_update("b", unit_vectors(1, 3)), update(Card("c", "C"), correction)])
    with pytest.raises(ValueError, match="keep_sha256"):
        await gallery.put_cards([replace(good, keep_sha256=())])
    assert (await gallery.status()).cards == 0


async def test_a_failing_statement_rolls_the_whole_batch_back(gallery: PostgresGallery) -> None:
    nameless = simple_update("", unit_vectors(1, 3), name="no id")
    with pytest.raises(Exception, match="cards_card_id_check"):
        await gallery.put_cards([simple_update("a", unit_vectors(1, 3)), nameless])
    status = await gallery.status()
    assert (status.cards, status.templates) == (0, 0)
    await gallery.put_cards([simple_update("a", unit_vectors(1, 3))])


async def test_removed_cards_take_their_pictures_templates_and_groups_with_them(
    database: Database, gallery: PostgresGallery
) -> None:
    shared = reference("shared", unit_vectors(1, 3))
    await gallery.put_cards(
        [update(Card("a", "A"), shared), update(Card("b", "B"), shared, reference("b", unit_vectors(2, 3)))]
    )
    assert await gallery.remove_cards(["b", "unknown"]) == 1
    status = await gallery.status()
    assert (status.cards, status.templates, status.reference_images, status.artwork_groups) == (1, 3, 1, 1)
    assert await gallery.get_card("b") is None
    assert await gallery.card_image("a") == picture("shared")
    assert await blob_count(database) == 1


async def test_status_counts_what_is_there(gallery: PostgresGallery) -> None:
    await gallery.put_cards(
        [
            simple_update("a", unit_vectors(1, 3), game="g", set_id="s"),
            update(Card("b", "B", game="g", set_id="s")),
            simple_update("c", unit_vectors(2, 1)),
        ]
    )
    status = await gallery.status()
    assert (status.cards, status.cards_with_templates, status.reference_images) == (3, 2, 2)
    assert status.templates_by_source == {"official": 2, "augmented": 2}
    assert (status.templates, status.artwork_groups, status.index_state) == (4, 3, "none")
    assert status.encoder_fingerprint == ENCODER.fingerprint
    assert status.sets == (SetCoverage(None, None, 1, 1), SetCoverage("g", "s", 2, 1))


async def test_reprints_of_one_picture_and_name_share_a_group(gallery: PostgresGallery) -> None:
    one, two = unit_vectors(1, 1), unit_vectors(2, 1)
    await gallery.put_cards(
        [
            simple_update("a-1", one, name="Drowzee", game="g"),
            simple_update("b-1", one, name="DROWZEE", game="g"),
            simple_update("c-1", two, name="Drowzee", game="g"),
            simple_update("d-1", one, name="Hypno", game="g"),
            simple_update("e-1", one, name="Drowzee", game="another"),
        ]
    )
    assert await gallery.refresh_artwork_groups() == 4
    hits = await gallery.search(one, 5, EVERYTHING)
    groups = {hit.card.card_id: hit.artwork_group_id for hit in hits}
    assert groups["a-1"] == groups["b-1"]
    assert len(set(groups.values())) == 4
    members = await gallery.group_members([groups["a-1"], groups["d-1"], 999_999], CardFilter())
    assert members == {groups["a-1"]: ["a-1", "b-1"], groups["d-1"]: ["d-1"]}
    assert await gallery.refresh_artwork_groups() == 4
    again = {hit.card.card_id: hit.artwork_group_id for hit in await gallery.search(one, 5, EVERYTHING)}
    assert again == groups


async def test_a_group_whose_pictures_changed_is_taken_apart(gallery: PostgresGallery) -> None:
    pair = [simple_update(card_id, unit_vectors(1, 1), name="Drowzee") for card_id in ("a", "b")]
    await gallery.put_cards(pair)
    assert await gallery.refresh_artwork_groups() == 1
    await gallery.put_cards([simple_update("b", unit_vectors(2, 1), name="Drowzee")])
    assert await gallery.refresh_artwork_groups() == 2
