"""Sure neighbours speak for the printings of their set, a little, and only where it is open."""

from __future__ import annotations

from app.domain.calibration import Calibration, Calibrations
from app.domain.ranking import RankedCard, Ranking
from app.domain.types import Card, TemplateSource
from app.services.matching import Match
from app.services.page_context import in_context

CALIBRATION = Calibration(
    bias=-10.0,
    margin_weight=0.0,
    similarity_weight=20.0,
    printing_temperature=0.02,
    accept_card=0.9,
    accept_printing=0.9,
    known_at=0.2,
)
CALIBRATIONS = Calibrations(CALIBRATION, CALIBRATION)


def ranked(card_id: str, set_id: str | None, similarity: float, group: int = 1) -> RankedCard:
    return RankedCard(Card(card_id, card_id, set_id=set_id), group, similarity, TemplateSource.OFFICIAL)


def sure(number: int, set_id: str | None) -> Match:
    return Match(Ranking((ranked(f"s{number}", set_id, 0.9),), margin=0.5))


def open_between(first: str, second: str, gap: float) -> Match:
    return Match(Ranking((ranked("a", first, 0.9), ranked("b", second, 0.9 - gap)), margin=0.5))


def leaders(matches: list[Match]) -> list[str]:
    return [match.ranking.cards[0].card.card_id for match in matches]


def test_a_close_decision_follows_a_page_of_one_set() -> None:
    page = [*(sure(number, "new") for number in range(8)), open_between("old", "new", 0.005)]
    told = in_context(page, CALIBRATIONS)
    assert leaders(told)[-1] == "b"
    assert told[-1].ranking.cards[0].neighbours == 8 / 11
    assert [match.ranking for match in told[:-1]] == [match.ranking for match in page[:-1]]


def test_a_page_of_one_set_does_not_overrule_what_is_clear() -> None:
    page = [*(sure(number, "new") for number in range(8)), open_between("old", "new", 0.03)]
    assert leaders(in_context(page, CALIBRATIONS))[-1] == "a"


def test_a_sure_printing_is_left_as_it_is() -> None:
    page = [*(sure(number, "new") for number in range(8)), open_between("old", "new", 0.1)]
    assert in_context(page, CALIBRATIONS)[-1] is page[-1]


def test_one_neighbour_and_a_mixed_page_say_next_to_nothing() -> None:
    close = open_between("old", "set0", 0.01)
    alone = in_context([sure(0, "set0"), close], CALIBRATIONS)
    mixed = in_context([*(sure(number, f"set{number}") for number in range(8)), close], CALIBRATIONS)
    assert leaders(alone)[-1] == leaders(mixed)[-1] == "a"


def test_cards_without_a_set_and_pages_without_a_sure_card_change_nothing() -> None:
    close = open_between("old", "new", 0.005)
    assert in_context([close], CALIBRATIONS) == [close]
    assert in_context([sure(1, None), close], CALIBRATIONS) == [sure(1, None), close]
    assert in_context([], CALIBRATIONS) == []
