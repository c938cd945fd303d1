from __future__ import annotations

import pytest

from app.db.search_words import words_of_card, words_of_text
from app.domain.types import Card


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  --  ", []),
        ("sv5 131", ["sv5", "131"]),
        ("sv5-131", ["sv5", "131"]),
        ("131/162", ["131"]),
        ("TG05/TG30", ["tg05"]),
        ("007", ["7"]),
        ("000", ["0"]),
        ("Flabébé", ["flabebe"]),
        ("Farfetch'd Farfetch’d", ["farfetchd"]),
        ("N's Zorua", ["ns", "zorua"]),
        ("Ho-Oh ho-oh", ["ho", "oh"]),
        ("STRASSE straße", ["strasse"]),
        ("ピカチュウ", ["ヒカチュウ"]),
        ("a_b", ["a", "b"]),
        ("x" * 3000, ["x" * 64]),
    ],
)
def test_words_are_folded_and_split(text: str, words: list[str]) -> None:
    assert words_of_text(text) == words


def test_a_card_is_found_by_name_set_number_and_id() -> None:
    card = Card("sv5-131", "Drowzee", "sv5", "Temporal Forces", "131/162", "Common", "en", "pokemon")
    assert words_of_card(card) == ["131", "drowzee", "forces", "sv5", "temporal"]
    assert words_of_card(Card("x", "Y")) == ["x", "y"]
