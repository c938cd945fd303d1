"""Splits cards and queries into the words they are found by. Both sides must use the same rules."""

from __future__ import annotations

import re
import unicodedata

from app.domain.types import Card

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = re.compile(r"['’`´]")
#: "131/162": the number of a card and how many its set has.
_NUMBER_OF_TOTAL = re.compile(r"(?<![^\s])(\w+)/\w+(?![^\s])")
#: PostgreSQL takes no lexeme of 2 kB; nobody types that much of a word either.
_WORD_MAX_CHARS = 64
_LEADING_ZEROS = re.compile(r"^0+(?=\d)")


def words_of_text(text: str) -> list[str]:
    """Words in order, each once: case and accents folded, totals of numbers and their leading zeros dropped.

    >>> words_of_text("Farfetch'd 007/162 Flabébé sv5-131")
    ['farfetchd', '7', 'flabebe', 'sv5', '131']
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    folded = "".join(char for char in decomposed if not unicodedata.combining(char))
    without_totals = _NUMBER_OF_TOTAL.sub(r"\1", _APOSTROPHES.sub("", folded))
    words = (_LEADING_ZEROS.sub("", word)[:_WORD_MAX_CHARS] for word in _WORD.findall(without_totals))
    return list(dict.fromkeys(words))


def words_of_card(card: Card) -> list[str]:
    """Every word that finds this card, sorted: of its name, set, number and id."""
    fields = (card.card_id, card.name, card.set_id, card.set_name, card.number)
    return sorted(set(words_of_text(" ".join(field for field in fields if field))))
