"""Artwork groups as the gallery grows, in a real PostgreSQL: what was compared once is not compared again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace

import cv2
import numpy as np
import pytest

from app.db.gallery import PostgresGallery
from app.db.picture_comparisons import forget_comparisons
from app.db.pool import Database
from app.db.references import PostgresReferences
from app.domain.gallery_types import PictureComparison, ReferenceTemplates
from app.domain.types import Card, EncoderInfo, StoredImage, Vectors
from app.services import same_pictures
from app.services.reference_features import fill_features
from app.services.same_pictures import find_same_pictures
from tests.integration.db.builders import (
    DIMENSION,
    ENCODER,
    OTHER_ENCODER,
    VIEWS,
    sha256,
    unit_vectors,
    update,
)
from tests.integration.db.spaces import fetch, wait_until_blocked


def drawn(picture: int) -> StoredImage:
    """Blots: pictures of two numbers agree nowhere."""
    blots = np.random.default_rng(picture).integers(0, 256, (34, 24, 3), dtype=np.uint8)
    done, data = cv2.imencode(".png", cv2.resize(blots, (192, 268), interpolation=cv2.INTER_CUBIC))
    assert done
    return StoredImage("image/png", data.tobytes())


def vectors_of(card_id: str, dimension: int = DIMENSION) -> Vectors:
    """An official view and another: those of all cards about 0.8 alike, by which nothing is decided."""
    own = unit_vectors(int(sha256(card_id)[:6], 16), 2, dimension)
    vectors = unit_vectors(1, 1, dimension) + 0.5 * own
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


class Binder:
    """A gallery whose cards are told by the number of the picture they show."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = database
        self.gallery = PostgresGallery(database, ENCODER)
        self.references = PostgresReferences(database)
        self.compared = 0
        compare = same_pictures.match_patches

        def counted(*args):
            self.compared += 1
            return compare(*args)

        monkeypatch.setattr(same_pictures, "match_patches", counted)

    async def put(self, game: str = "g", **pictures: int) -> None:
        """Cards by id with the number of their picture, without grouping them."""
        for card_id, picture in pictures.items():
            image = ReferenceTemplates(sha256(f"{picture}"), drawn(picture), vectors_of(card_id), VIEWS[:2])
            await self.gallery.put_cards([update(Card(card_id, f"Name of {card_id}", game=game), image)])

    async def find(self) -> PictureComparison:
        self.compared = 0
        await fill_features(self.references)
        return await find_same_pictures(self.gallery, self.references)

    async def group(self) -> set[frozenset[str]]:
        """Compares and regroups, as the end of an import does; the groups by their cards."""
        await self.gallery.refresh_artwork_groups(await self.find())
        return await self.groups()

    async def groups(self) -> set[frozenset[str]]:
        members = defaultdict(set)
        for card_id, group in (await self.numbers()).items():
            members[group].add(card_id)
        return {frozenset(cards) for cards in members.values()}

    async def numbers(self) -> dict[str, int]:
        return dict(await fetch(self.database, "SELECT card_id, artwork_group_id FROM cards"))

    async def marked(self) -> set[str]:
        rows = await fetch(self.database, "SELECT card_id FROM compared_cards")
        return {row["card_id"] for row in rows}


@pytest.fixture
def binder(database: Database, monkeypatch: pytest.MonkeyPatch) -> Binder:
    return Binder(database, monkeypatch)


def parts(*groups: str) -> set[frozenset[str]]:
    """Cards of one letter each."""
    return {frozenset(group) for group in groups}


async def test_a_new_printing_joins_the_group_of_an_old_card_and_is_all_that_is_compared(
    binder: Binder,
) -> None:
    await binder.put(b=1, c=2, d=3, e=4)
    assert await binder.group() == parts("b", "c", "d", "e")
    assert binder.compared == 6
    before = await binder.numbers()
    await binder.put(z=1, a=2)
    assert await binder.group() == parts("bz", "ac", "d", "e")
    assert binder.compared == 4 + 4 + 1
    after = await binder.numbers()
    assert {card_id: after[card_id] for card_id in "bde"} == {card_id: before[card_id] for card_id in "bde"}


async def test_where_nothing_is_new_nothing_is_compared_and_no_group_changes(binder: Binder) -> None:
    await binder.put(a=1, b=1, c=2)
    await binder.group()
    assert binder.compared == 3
    before = await binder.numbers()
    await binder.group()
    assert binder.compared == 0
    assert await binder.numbers() == before


async def test_running_an_import_again_compares_nothing(binder: Binder) -> None:
    await binder.put(a=1, b=1, c=2)
    await binder.group()
    known = await binder.gallery.known_references(["a", "b", "c"])
    unchanged = [
        replace(update(Card(card_id, f"Name of {card_id}", game="g")), keep_sha256=tuple(hashes))
        for card_id, hashes in known.items()
    ]
    await binder.gallery.put_cards(unchanged)
    assert (await binder.find()).asked == 0
    assert (await binder.gallery.pictures_to_compare())[0] == []


async def test_a_changed_picture_is_compared_again(binder: Binder) -> None:
    await binder.put(a=1, b=1, c=2)
    assert await binder.group() == parts("ab", "c")
    await binder.put(b=2)
    assert await binder.marked() == {"a", "c"}
    assert await binder.group() == parts("a", "bc")
    assert binder.compared == 2


async def test_a_card_that_loses_one_of_its_pictures_is_compared_again(binder: Binder) -> None:
    both = [
        ReferenceTemplates(sha256(f"{picture}"), drawn(picture), vectors_of("b"), VIEWS[:2])
        for picture in (1, 2)
    ]
    await binder.put(a=1, c=2)
    await binder.gallery.put_cards([update(Card("b", "B", game="g"), *both)])
    assert await binder.group() == parts("ab", "c")
    await binder.gallery.put_cards([replace(update(Card("b", "B", game="g")), keep_sha256=(sha256("2"),))])
    assert await binder.group() == parts("a", "bc")


async def test_a_card_that_gets_a_picture_more_is_compared_again(binder: Binder) -> None:
    """By name, where any picture of a card counts: its second one is as good as that of the other."""
    cards = {card_id: Card(card_id, "One name", game="g") for card_id in "ab"}
    pictures = {
        number: ReferenceTemplates(sha256(f"{number}"), drawn(number), unit_vectors(number, 2), VIEWS[:2])
        for number in (1, 2)
    }
    await binder.gallery.put_cards([update(cards["a"], pictures[1]), update(cards["b"], pictures[2])])
    assert await binder.group() == parts("a", "b")
    keep = (sha256("2"), sha256("1"))
    await binder.gallery.put_cards([replace(update(cards["b"], pictures[1]), keep_sha256=keep)])
    assert await binder.group() == parts("ab")


async def test_a_card_that_moves_to_another_game_leaves_its_group(binder: Binder) -> None:
    await binder.put(a=1, b=1)
    assert await binder.group() == parts("ab")
    known = await binder.gallery.known_references(["b"])
    moved = update(Card("b", "Name of b", game="another"))
    await binder.gallery.put_cards([replace(moved, keep_sha256=tuple(known["b"]))])
    assert await binder.group() == parts("a", "b")


async def test_a_card_that_gets_another_name_is_compared_again_and_one_with_another_rarity_is_not(
    binder: Binder,
) -> None:
    await binder.put(a=1, b=2)
    await binder.group()
    known = tuple((await binder.gallery.known_references(["b"]))["b"])
    rarer = replace(update(Card("b", "Name of b", game="g", rarity="Rare")), keep_sha256=known)
    await binder.gallery.put_cards([rarer])
    assert await binder.marked() == {"a", "b"}
    await binder.gallery.put_cards([replace(rarer, card=replace(rarer.card, name="Another"))])
    assert await binder.marked() == {"a"}


async def test_an_import_that_stopped_before_grouping_is_made_good_by_the_next(binder: Binder) -> None:
    await binder.put(a=1)
    await binder.group()
    await binder.put(b=1, c=3)
    await binder.find()  # and what it found is lost
    assert await binder.marked() == {"a"}
    await binder.put(d=3)
    assert await binder.group() == parts("ab", "cd")
    assert await binder.marked() == {"a", "b", "c", "d"}


async def test_what_was_found_about_a_card_that_changed_meanwhile_counts_nothing(binder: Binder) -> None:
    await binder.put(a=1, b=1, c=2, d=2)
    found = await binder.find()
    assert found.same == (("a", "b"), ("c", "d"))
    await binder.put(b=3)
    await binder.gallery.remove_cards(["d"])
    await binder.gallery.refresh_artwork_groups(found)
    assert await binder.groups() == parts("a", "b", "c")
    assert await binder.marked() == {"a", "c"}


async def test_a_mark_waits_for_whoever_changes_the_card(binder: Binder) -> None:
    await binder.put(a=1, b=1)
    found = await binder.find()
    async with binder.database.transaction(limit_statements=False) as connection:
        await forget_comparisons(connection, binder.database.queries, ["b"])
        await connection.execute("DELETE FROM templates WHERE card_id = 'b'")
        refreshing = asyncio.create_task(binder.gallery.refresh_artwork_groups(found))
        await wait_until_blocked(binder.database)
    await refreshing
    assert await binder.marked() == {"a"}
    assert await binder.groups() == parts("a", "b")


async def test_a_picture_without_features_is_compared_once_it_has_some(binder: Binder) -> None:
    await binder.put(a=1, b=1, c=2)
    found = await find_same_pictures(binder.gallery, binder.references)
    assert (binder.compared, found.asked_from) == (0, {})
    await binder.gallery.refresh_artwork_groups(found)
    assert await binder.groups() == parts("a", "b", "c")
    assert await binder.group() == parts("ab", "c")


async def test_a_gallery_that_comes_in_two_halves_has_the_groups_of_one_that_comes_at_once(
    binder: Binder,
) -> None:
    first, second = dict(b=1, d=2, f=3, h=1, k=4), dict(a=3, c=1, e=2, g=5, i=4, j=5)
    await binder.put(**first)
    await binder.group()
    await binder.put(**second)
    halves = await binder.group()
    await binder.gallery.remove_cards([*first, *second])
    await binder.put(**first, **second)
    assert await binder.group() == halves == parts("bch", "de", "af", "ik", "gj")


async def test_cards_whose_leader_is_removed_stay_together_only_if_they_are_alike_themselves(
    binder: Binder,
) -> None:
    await binder.put(a=1, b=2, c=3, d=4, e=4, f=4)
    found = await binder.find()
    assert found.same == (("d", "e"), ("d", "f"), ("e", "f"))
    await binder.gallery.refresh_artwork_groups(replace(found, same=(("a", "b"), ("a", "c"), *found.same)))
    assert await binder.groups() == parts("abc", "def")
    assert await binder.gallery.remove_cards(["a", "d"]) == 2
    assert await binder.marked() == {"b", "c", "e", "f"}
    assert await binder.group() == parts("b", "c", "ef")
    assert binder.compared == 0
    await binder.put(a=1, d=9)
    assert await binder.group() == parts("a", "b", "c", "d", "ef")


async def embed_beside(binder: Binder, encoder: EncoderInfo) -> PostgresGallery:
    """Another encoder's gallery of all cards, to which no two of them are alike."""
    other = PostgresGallery(binder.database, encoder)
    for number, reference in enumerate(await other.references_to_embed(1, ("", ""), 100)):
        vector = np.eye(encoder.dimension, dtype=np.float32)[number : number + 1]
        templates = ReferenceTemplates(reference.source_sha256, reference.image, vector, VIEWS[:1])
        await other.put_templates([(reference.card_id, templates)])
    return other


async def test_another_encoder_groups_by_its_own_pairs_and_leaves_those_of_the_first(binder: Binder) -> None:
    await binder.put(a=1, b=1, c=2)
    assert await binder.group() == parts("ab", "c")
    other = await embed_beside(binder, OTHER_ENCODER)
    await other.refresh_artwork_groups(await find_same_pictures(other, binder.references))
    assert await binder.groups() == parts("a", "b", "c")
    assert await binder.group() == parts("ab", "c")
    assert binder.compared == 0


async def test_templates_embedded_anew_are_compared_again_by_their_encoder_alone(binder: Binder) -> None:
    await binder.put(a=1, b=1)
    await binder.group()
    other = await embed_beside(binder, OTHER_ENCODER)
    await other.refresh_artwork_groups(await find_same_pictures(other, binder.references))
    reference = ReferenceTemplates(sha256("1"), drawn(1), vectors_of("b", 8), VIEWS[:2])
    await other.put_templates([("b", reference)])
    assert {card.card_id: card.asked_from is None for card in (await other.pictures_to_compare())[0]} == {
        "a": False,
        "b": True,
    }
    assert (await binder.gallery.pictures_to_compare())[0] == []


async def test_a_gallery_that_moves_into_a_space_is_not_compared_again(binder: Binder) -> None:
    binder.gallery = PostgresGallery(binder.database, replace(ENCODER, whitening_exponent=0.2), least_cards=4)
    await binder.put(a=1, b=1, c=2, d=3)
    await binder.group()
    assert await binder.gallery.fit_space() is True
    assert await binder.group() == parts("ab", "c", "d")
    assert binder.compared == 0
    await binder.put(e=2)
    assert await binder.group() == parts("ab", "ce", "d")
