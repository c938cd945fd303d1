"""What the text read off a card says about its printings: each agrees, is contradicted, or nothing is said.

A reader errs, and often with confidence, so no reading counts against a printing by itself. Only one that
is printed on some printings of a picture and not on the others speaks: for the first, against the rest. What
fits none of them is taken for a mistake.
"""

from __future__ import annotations

import difflib
import enum
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.types import Card, RgbImage

#: Readings that are less sure than this are no evidence: smears and art are read as words too, but hardly
#: ever above 0.6 (docs/experiments.md).
LEAST_CONFIDENCE = 0.75
#: Share of two names' letters that must be the same, and how much more than of another printing's name.
_SAME_NAME, _OTHER_NAME_LEAD = 0.8, 0.25
_LEAST_BARE_LETTERS = 3  # a number without its total is as short as a card's cost or power otherwise
_LEAST_TOTAL_DIGITS = 2  # 3/4 is power and toughness
_LEAST_CODE = 3


class Verdict(enum.StrEnum):
    """What the text read off a card says about one printing."""

    AGREES = "agrees"
    SILENT = "silent"
    CONTRADICTS = "contradicts"

    @property
    def worth(self) -> float:
        """1 where the text agrees, -1 where it contradicts."""
        return {Verdict.AGREES: 1.0, Verdict.SILENT: 0.0, Verdict.CONTRADICTS: -1.0}[self]


@dataclass(frozen=True, slots=True)
class Reading:
    """One line of text as it was read.

    Attributes:
        text: As printed, capitals included; empty where nothing was seen.
        confidence: Mean probability of its letters, 0 to 1.
    """

    text: str
    confidence: float


class TextReader(Protocol):
    """Reads lines of text."""

    def __call__(self, strips: Sequence[RgbImage]) -> list[Reading]:
        """Reads each strip; callable from several threads.

        Args:
            strips: RGB uint8 (height, width, 3), each one line of text that fills most of its height.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Part:
    """One side of a collector number, without leading zeros: ``TG012`` is TG and 12."""

    prefix: str
    digits: int
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class CollectorNumber:
    """A collector number; ``of`` is what stands after the slash, None where nothing does.

    It may well be smaller than the number: secret rares count on beyond their set (201/198).
    """

    own: _Part
    of: _Part | None = None


_PART = re.compile(r"([A-Z]{0,8})(\d{1,8})([A-Z]?)")
_SLASHED = re.compile(r"(?<![A-Z0-9])([A-Z]{0,8}\d{1,4}[A-Z]?)/([A-Z]{0,8}\d{1,4})(?!\d)")
_COUNTED = re.compile(r"(?:NO[.:,]?|N[°º]|#)\s*\d+")  # where a species stands in an encyclopaedia
_WORD = re.compile(r"[^\W_]+")


def judge(readings: Sequence[Reading], cards: Sequence[Card]) -> dict[str, Verdict]:
    """What readings off one card say about the printings that it may be.

    Args:
        readings: Of any lines of the card, in any order.
        cards: All printings of its picture that are in question.

    Returns:
        A verdict for each card, by card id.
    """
    texts = [one.text for one in readings if one.text.strip() and one.confidence >= LEAST_CONFIDENCE]
    if not texts or len(cards) < 2:
        return {card.card_id: Verdict.SILENT for card in cards}
    asked: tuple[tuple[Callable[[Card], str | None], Collection[str]], ...] = (
        (lambda card: card.number, _numbered(texts, cards)),
        (lambda card: card.set_id, _coded(texts, cards)),
        (lambda card: card.name, _named(texts, cards)),
    )
    sums = dict.fromkeys((card.card_id for card in cards), 0)
    for stated, matching in asked:
        could = [card for card in cards if stated(card)]
        if not matching or len(matching) == len(could):
            continue  # what fits all of them, or none, tells nothing
        for card in could:
            sums[card.card_id] += 1 if card.card_id in matching else -1
    return {card_id: _verdict(total) for card_id, total in sums.items()}


def tells_apart(cards: Sequence[Card]) -> bool:
    """Whether any text could: printings of one number, set and name (foils, say) carry the same."""
    return len({(card.number, card.set_id, _letters(card.name)) for card in cards}) > 1


def parse_number(printed: str) -> CollectorNumber | None:
    """A gallery's or a card's collector number; None where it is none (``promo``)."""
    own, slash, of = _normal(printed).replace("-", "").replace(" ", "").partition("/")
    part, total = _part(own), _part(of) if slash else None
    return None if part is None else CollectorNumber(part, total)


def numbers_in(text: str) -> list[CollectorNumber]:
    """What may be a collector number in a line of text: ``12/120``, ``SWSH001``, ``12a``; not ``No. 025``."""
    plain = re.sub(r"\s*/\s*", "/", _normal(text))
    plain = re.sub(r"(?<=[\d/])O|O(?=[\d/])", "0", plain)
    found = []
    for own, of in _SLASHED.findall(plain):
        part, total = _part(own), _part(of)
        if part is not None and total is not None and sum(one.isdigit() for one in of) >= _LEAST_TOTAL_DIGITS:
            found.append(CollectorNumber(part, total))
    rest = _COUNTED.sub(" ", _SLASHED.sub(" ", plain))
    for word in re.findall(r"[A-Z0-9-]+", rest):
        bare = _part(word.replace("-", ""))
        if bare is not None and len(word) >= _LEAST_BARE_LETTERS:
            found.append(CollectorNumber(bare))
    return found


def _numbered(texts: Sequence[str], cards: Sequence[Card]) -> set[str]:
    """Cards whose number was read: with its total where any fits so well."""
    stated = {card.card_id: parse_number(card.number or "") for card in cards}
    totals = {number.of for number in stated.values() if number is not None and number.of is not None}
    read = [number for text in texts for number in numbers_in(text)]
    exact, loose = set(), set()
    for card_id, own in stated.items():
        for seen in read if own is not None else ():
            assert own is not None
            if seen == own:
                exact.add(card_id)
            elif seen.own == own.own and _total_may_be(seen, own, totals):
                loose.add(card_id)
    return exact or loose


def _total_may_be(seen: CollectorNumber, own: CollectorNumber, totals: Collection[_Part]) -> bool:
    """Whether a number without the card's very total is still the card's.

    It is where the gallery knows no total, and where the total is none that any printing has: one misread
    digit. It is not where only the card's total was missed: 102 alone may be anything.
    """
    if own.of is None:
        return seen.of is None or seen.of not in totals
    return seen.of is not None and seen.of not in totals


def _coded(texts: Sequence[str], cards: Sequence[Card]) -> set[str]:
    """Cards whose set's code was read; codes of letters alone only in capitals, for ``one`` is a word too."""
    words = {word for text in texts for word in _WORD.findall(unicodedata.normalize("NFKC", text))}
    capitals = {word for word in words if word.isupper()}
    anyhow = {word.upper() for word in words}
    matching = set()
    for card in cards:
        code = "".join(_WORD.findall(card.set_id or "")).upper()
        printed = anyhow if any(one.isdigit() for one in code) else capitals
        if len(code) >= _LEAST_CODE and code in printed:
            matching.add(card.card_id)
    return matching


def _named(texts: Sequence[str], cards: Sequence[Card]) -> set[str]:
    """Cards whose name was read, clearly more than any other name: translations."""
    fits = {card.card_id: max(_likeness(card.name, text) for text in texts) for card in cards}
    best = max(fits.values())
    if best < _SAME_NAME:
        return set()
    if any(best - _OTHER_NAME_LEAD < fit < best for fit in fits.values()):
        return set()
    return {card_id for card_id, fit in fits.items() if fit == best}


def _likeness(name: str, text: str) -> float:
    one, other = _letters(name), _letters(text)
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() if one and other else 0.0


def _letters(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKC", text).casefold() if one.isalnum())


def _normal(text: str) -> str:
    """Full-width forms as ASCII, capitals."""
    return unicodedata.normalize("NFKC", text).strip().upper()


def _part(printed: str) -> _Part | None:
    found = _PART.fullmatch(printed)
    return _Part(found[1], int(found[2]), found[3]) if found else None


def _verdict(total: int) -> Verdict:
    if total == 0:
        return Verdict.SILENT
    return Verdict.AGREES if total > 0 else Verdict.CONTRADICTS
