"""Finding cards by words, against a real PostgreSQL."""

from __future__ import annotations

import pytest

from app.db.gallery import PostgresGallery
from app.db.pool import Database
from app.domain.types import Card
from tests.integration.db.builders import DROWZEE, ENCODER, update


@pytest.fixture
def gallery(database: Database) -> PostgresGallery:
    return PostgresGallery(database, ENCODER)


@pytest.mark.parametrize(
    ("query", "set_id", "expected"),
    [
        ("sv5 131", None, ["sv5-131"]),
        ("sv5-131", None, ["sv5-131"]),
        ("131/162", None, ["sv5-131", "xy1-131"]),
        ("sv5 7", None, ["sv5-007"]),
        ("007", None, ["sv5-007"]),
        ("drow", None, ["sv5-131", "xy1-131"]),
        ("DROWZEE temporal", None, ["sv5-131"]),
        ("flabebe", None, ["sv5-007"]),
        ("drowzee", "xy1", ["xy1-131"]),
        (None, "sv5", ["sv5-007", "sv5-131"]),
        ("farfetchd", None, ["xy1-9"]),
        ("drowzee 132", None, []),
        ("!!!", None, []),
        ("'; DROP TABLE cards; --", None, []),
    ],
)
async def test_cards_are_found_by_words_of_name_set_and_number(
    gallery: PostgresGallery, query: str | None, set_id: str | None, expected: list[str]
) -> None:
    cards = [
        DROWZEE,
        Card("sv5-007", "Flabébé", "sv5", "Temporal Forces", "007/162", game="pokemon"),
        Card("xy1-131", "Drowzee", "xy1", "XY", "131", game="pokemon"),
        Card("xy1-9", "Farfetch'd", "xy1", "XY", "9", game="pokemon"),
    ]
    await gallery.put_cards([update(card) for card in cards])
    assert [card.card_id for card in await gallery.find_cards(query, set_id, 10)] == expected


async def test_whole_words_rank_before_beginnings_and_numbers_before_names(gallery: PostgresGallery) -> None:
    cards = [
        Card("s1-130", "Mewtwo", "s1", None, "130"),
        Card("s1-13", "Mewtwo", "s1", None, "13"),
        Card("s1-1", "Agent 13", "s1", None, "1"),
        Card("s1-2", "Mew", "s1", None, "2"),
    ]
    await gallery.put_cards([update(card) for card in cards])
    assert [card.card_id for card in await gallery.find_cards("s1 13", None, 9)] == [
        "s1-13",
        "s1-1",
        "s1-130",
    ]
    assert [card.name for card in await gallery.find_cards("mew", None, 9)] == ["Mew", "Mewtwo", "Mewtwo"]
    assert len(await gallery.find_cards(None, None, 2)) == 2
