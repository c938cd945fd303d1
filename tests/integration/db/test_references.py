"""Reference pictures and their features in a real PostgreSQL; the fake does the same."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import asyncpg
import cv2
import numpy as np
import pytest

from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.db.references import PostgresReferences
from app.domain.ports import Gallery, References
from app.domain.types import Card, StoredImage
from app.services.reference_features import fill_features
from app.vision.local_features import FEATURES_MOST_BYTES, read_features
from tests.fakes.gallery import InMemoryGallery
from tests.fakes.references import InMemoryReferences
from tests.integration.db.builders import ENCODER, reference, unit_vectors, update


@pytest.fixture(params=["postgres", "fake"])
def both(request: pytest.FixtureRequest, database: Database) -> tuple[Gallery, References]:
    if request.param == "postgres":
        return PostgresGallery(database, ENCODER), PostgresReferences(database)
    gallery = InMemoryGallery()
    return gallery, InMemoryReferences(gallery)


async def put(gallery: Gallery, *card_ids: str, pictures: int = 1) -> None:
    for number, card_id in enumerate(card_ids):
        references = [
            reference(f"{card_id} {index}", unit_vectors(10 * number + index, 3)) for index in range(pictures)
        ]
        await gallery.put_cards([update(Card(card_id, card_id), *references)])


async def test_pictures_wait_for_features_until_they_have_them(both: tuple[Gallery, References]) -> None:
    gallery, references = both
    await put(gallery, "a", "b", "c")
    assert await references.count_without_features() == 3
    first = await references.without_features(0, 2)
    assert [image.data for _, image in first] == [b"picture of a 0", b"picture of b 0"]
    await references.put_features([(first[0][0], b"one"), (first[1][0], b"two")])
    ((_, last),) = await references.without_features(0, 10)
    assert last.data == b"picture of c 0"
    assert await references.features_of(["b", "a", "c", "nobody"]) == {"a": (b"one",), "b": (b"two",)}


async def test_a_card_of_two_pictures_has_the_features_of_both_and_shows_the_first(
    both: tuple[Gallery, References],
) -> None:
    gallery, references = both
    await put(gallery, "a", pictures=2)
    numbers = [number for number, _ in await references.without_features(0, 10)]
    await references.put_features([(number, f"{place}".encode()) for place, number in enumerate(numbers)])
    assert await references.features_of(["a"]) == {"a": (b"0", b"1")}
    assert (await references.pictures_of(["a", "b"]))["a"].data == b"picture of a 0"


async def test_features_go_with_their_card_and_a_picture_gone_meanwhile_is_passed_over(
    both: tuple[Gallery, References],
) -> None:
    gallery, references = both
    await put(gallery, "a", "b")
    (a, _), (b, _) = await references.without_features(0, 10)
    await gallery.remove_cards(["b"])
    await references.put_features([(a, b"one"), (b, b"two")])
    assert await references.features_of(["a", "b"]) == {"a": (b"one",)}


async def test_a_picture_that_is_replaced_loses_its_features_and_one_put_again_keeps_them(
    database: Database,
) -> None:
    gallery, references = PostgresGallery(database, ENCODER), PostgresReferences(database)
    await put(gallery, "a")
    ((number, _),) = await references.without_features(0, 1)
    await references.put_features([(number, b"one")])
    await put(gallery, "a")
    assert await references.features_of(["a"]) == {"a": (b"one",)}
    other = replace(reference("a 0", unit_vectors(0, 3)), image=StoredImage("image/png", b"another"))
    await gallery.put_cards([update(Card("a", "a"), other)])
    assert await references.features_of(["a"]) == {}


async def test_features_larger_than_allowed_are_refused(database: Database) -> None:
    gallery, references = PostgresGallery(database, ENCODER), PostgresReferences(database)
    await put(gallery, "a")
    ((number, _),) = await references.without_features(0, 1)
    with pytest.raises(asyncpg.CheckViolationError):
        await references.put_features([(number, bytes(FEATURES_MOST_BYTES + 1))])


async def test_what_is_missing_is_made_once_and_broken_pictures_stop_nothing(
    both: tuple[Gallery, References],
) -> None:
    gallery, references = both
    await put(gallery, "broken")
    drawn = np.random.default_rng(1).integers(0, 255, (280, 200, 3)).astype(np.uint8)
    image = StoredImage("image/png", cv2.imencode(".png", drawn)[1].tobytes())
    given = reference("good", unit_vectors(3, 3))
    good = type(given)(given.source_sha256, image, given.vectors, given.sources)
    await gallery.put_cards([update(Card("good", "good"), good)])
    told: list[tuple[int, int]] = []
    assert await fill_features(references, lambda done, total: told.append((done, total))) == 1
    assert told == [(2, 2)]
    ((features,),) = (await references.features_of(["broken", "good"])).values()
    assert read_features(features).shape == (134, 96)
    assert await fill_features(references) == 0


async def test_a_sample_has_one_picture_of_each_artwork_in_the_order_of_their_hashes(
    database: Database,
) -> None:
    gallery, references = PostgresGallery(database, ENCODER), PostgresReferences(database)
    twin = unit_vectors(99, 3)
    await put(gallery, "a", "b", pictures=2)
    for card_id in ("first printing", "second printing"):
        await gallery.put_cards([update(Card(card_id, "twins"), reference(card_id, twin))])
    await gallery.refresh_artwork_groups()
    sampled = await references.sample(10)
    pictures = [image.data for _, image in sampled]
    assert len(sampled) == 3
    assert {b"picture of a 0", b"picture of b 0"} < set(pictures)
    assert [sha256 for sha256, _ in sampled] == [hashlib.sha256(data).hexdigest() for data in pictures]
    assert sampled == sorted(sampled, key=lambda one: one[0])
    assert await references.sample(2) == sampled[:2]
