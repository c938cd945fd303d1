"""What a read line of text says about printings."""

from __future__ import annotations

import pytest

from app.domain.reading_evidence import (
    LEAST_CONFIDENCE,
    CollectorNumber,
    Reading,
    Verdict,
    judge,
    numbers_in,
    parse_number,
    tells_apart,
)
from app.domain.types import Card

AGREES, SILENT, CONTRADICTS = Verdict.AGREES, Verdict.SILENT, Verdict.CONTRADICTS


def numbered(*numbers: str | None) -> list[Card]:
    return [Card(str(place), "Charizard", number=number) for place, number in enumerate(numbers)]


def verdicts(text: str, cards: list[Card], confidence: float = 0.99) -> list[Verdict]:
    found = judge([Reading(text, confidence)], cards)
    return [found[card.card_id] for card in cards]


@pytest.mark.parametrize(
    ("printed", "same"),
    [
        ("023", "23"),
        ("023/120", "23/120"),
        ("TG12/TG30", "tg12/tg30"),
        ("SWSH001", "SWSH1"),
        ("12a", "012A"),
        ("２０１／１９８", "201/198"),
        ("LOB-EN001", "LOBEN1"),
        ("4 / 102", "004/102"),
    ],
)
def test_two_ways_to_write_a_number_are_one(printed: str, same: str) -> None:
    assert parse_number(printed) is not None
    assert parse_number(printed) == parse_number(same)


@pytest.mark.parametrize(
    ("one", "other"),
    [("12", "12a"), ("TG12/TG30", "12/30"), ("12/120", "12/102"), ("SWSH001", "SM001"), ("12", "21")],
)
def test_other_numbers_are_not(one: str, other: str) -> None:
    assert parse_number(one) != parse_number(other)


@pytest.mark.parametrize("printed", ["", "promo", "?", "one/two", "12/"])
def test_what_is_no_number_is_not_read_as_one(printed: str) -> None:
    found = parse_number(printed)
    assert found is None or found.of is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("201/198", ["201/198"]),
        ("2O1/198 ★", ["201/198"]),
        ("Illus. Mitsuhiro Arita 4/102 ★", ["4/102"]),
        ("136 / 182", ["136/182"]),
        ("TG12/TG30", ["TG12/TG30"]),
        ("SWSH001", ["SWSH001"]),
        ("ポケモン 025/165 R", ["025/165"]),
        ("No. 025", []),
        ("NO.0025 ねずみポケモン", []),
        ("#025", []),
        ("№ 025", []),
        ("6/8", []),
        ("3/4", []),
        ("it remembers the first winter", []),
        ("12", []),
    ],
)
def test_collector_numbers_are_found_in_a_line_and_nothing_else_is(text: str, numbers: list[str]) -> None:
    assert numbers_in(text) == [parse_number(one) for one in numbers]


@pytest.mark.parametrize(
    ("text", "numbers", "expected"),
    [
        ("201/198", ["201/198", "025/198"], [AGREES, CONTRADICTS]),
        ("201/198 SR", ["201/198", "201/197"], [AGREES, CONTRADICTS]),
        ("23/120", ["023/120", "112/098"], [AGREES, CONTRADICTS]),
        ("199/165", ["199", "006"], [AGREES, CONTRADICTS]),  # the gallery knows no totals
        ("101", ["101", "044"], [AGREES, CONTRADICTS]),
        ("003/068", ["003/058", "061/062"], [AGREES, CONTRADICTS]),  # one digit of the total misread
        ("005/058", ["003/058", "061/062"], [SILENT, SILENT]),  # one of the number itself
        ("136/182", ["136/064", "012/182"], [SILENT, SILENT]),  # the total of the other one
        ("025", ["025/198", "101/198"], [SILENT, SILENT]),  # without its total it may be anything
        ("No. 025", ["025", "101"], [SILENT, SILENT]),
        ("TG12/TG30", ["TG12/TG30", "012/030"], [AGREES, CONTRADICTS]),
        ("SWSH001", ["SWSH001", "001/202"], [AGREES, CONTRADICTS]),
        ("12a", ["12a", "12"], [AGREES, CONTRADICTS]),
        ("4/102", ["4/102", "4/102"], [SILENT, SILENT]),
        ("4/102", ["4/102", None], [SILENT, SILENT]),  # of the other one nothing is known
        ("77/78", ["4/102", "4/130"], [SILENT, SILENT]),
    ],
)
def test_a_number_speaks_for_the_printing_that_has_it(
    text: str, numbers: list[str | None], expected: list[Verdict]
) -> None:
    assert verdicts(text, numbered(*numbers)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s12a R 023/172", AGREES),
        ("S12A", AGREES),
        ("s12", SILENT),
        ("as12ab", SILENT),
    ],
)
def test_a_set_speaks_by_its_code(text: str, expected: Verdict) -> None:
    cards = [Card("a", "ピカチュウ", set_id="s12a"), Card("b", "ピカチュウ", set_id="sv2a")]
    assert verdicts(text, cards)[0] is expected


def test_a_code_that_is_a_word_as_well_counts_in_capitals_alone() -> None:
    cards = [Card("a", "Shock", set_id="one"), Card("b", "Shock", set_id="m21")]
    assert verdicts("ONE • EN", cards) == [AGREES, CONTRADICTS]
    assert verdicts("draw one card", cards) == [SILENT, SILENT]


def test_a_name_tells_languages_apart() -> None:
    cards = [Card("en", "Charizard"), Card("ja", "リザードン"), Card("de", "Glurak")]
    assert verdicts("リザードン", cards) == [CONTRADICTS, AGREES, CONTRADICTS]
    assert verdicts("Charizord", cards) == [AGREES, CONTRADICTS, CONTRADICTS]
    assert verdicts("Char", cards) == [SILENT, SILENT, SILENT]


def test_names_nearly_alike_tell_nothing() -> None:
    cards = [Card("a", "Charizard ex"), Card("b", "Charizard")]
    assert verdicts("Charizard e", cards) == [SILENT, SILENT]


def test_a_number_for_one_printing_and_a_name_for_the_other_cancel_out() -> None:
    cards = [Card("a", "Bolt", number="12/120"), Card("b", "Blitz", number="15/98")]
    found = judge([Reading("12/120", 0.9), Reading("Blitz", 0.9)], cards)
    assert found == {"a": SILENT, "b": SILENT}


def test_printings_that_share_the_number_read_both_agree() -> None:
    cards = numbered("12/120", "12/120", "15/98")
    assert verdicts("12/120", cards) == [AGREES, AGREES, CONTRADICTS]


def test_an_unsure_reading_and_a_printing_alone_say_nothing() -> None:
    cards = numbered("12/120", "15/98")
    assert verdicts("12/120", cards, LEAST_CONFIDENCE - 0.01) == [SILENT, SILENT]
    assert verdicts("12/120", cards[:1]) == [SILENT]
    assert judge([], cards) == {"0": SILENT, "1": SILENT}


def test_foils_of_one_number_cannot_be_told_apart_by_text() -> None:
    assert not tells_apart(numbered("12/120", "12/120"))
    assert tells_apart(numbered("12/120", "15/98"))


def test_a_number_keeps_its_total_apart() -> None:
    assert parse_number("201/198") != parse_number("201")
    assert isinstance(parse_number("201"), CollectorNumber)
