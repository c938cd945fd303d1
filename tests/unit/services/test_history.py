"""Answers that people have put right before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.domain.calibration import Calibration, Calibrations
from app.domain.errors import SearchTimeout
from app.domain.ranking import RankedCard, Ranking
from app.domain.types import Card, TemplateSource
from app.services.history import in_history
from app.services.matching import Match
from tests.fakes.gallery import InMemoryGallery

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


def match(gap: float = 0.005) -> Match:
    """Printings a and b of one picture, and c of another."""
    cards = [("a", 1, 0.9), ("b", 1, 0.9 - gap), ("c", 2, 0.5)]
    ranked = [
        RankedCard(Card(name, name), group, similarity, TemplateSource.OFFICIAL)
        for name, group, similarity in cards
    ]
    return Match(Ranking(tuple(ranked), margin=0.4))


def gallery(**turned_out: int) -> InMemoryGallery:
    return InMemoryGallery(confusions={"a": turned_out} if turned_out else {})


async def after(told: InMemoryGallery, gap: float = 0.005) -> Match:
    (answer,) = await in_history([match(gap)], told, CALIBRATIONS)
    return answer


def leader(answer: Match) -> str:
    return answer.ranking.cards[0].card.card_id


@pytest.mark.parametrize("turned_out", [{}, {"a": 9}, {"a": 9, "b": 1}, {"c": 1}])
async def test_without_a_pair_that_keeps_being_confused_answers_stay(turned_out: dict[str, int]) -> None:
    assert await after(gallery(**turned_out)) == match()


async def test_a_close_decision_goes_to_the_printing_that_it_keeps_turning_out_to_be() -> None:
    assert leader(await after(gallery(b=5))) == "b"
    assert leader(await after(gallery(b=5, a=9))) == "a"


async def test_what_the_pixels_decide_clearly_is_not_overruled() -> None:
    assert leader(await after(gallery(b=50), gap=0.1)) == "a"


async def test_an_answer_that_keeps_being_put_right_is_trusted_less() -> None:
    answer = await after(gallery(c=2), gap=0.1)
    assert answer.trust_card == pytest.approx(0.5)
    assert answer.trust_printing == 1.0
    confirmed = await after(gallery(c=2, a=26), gap=0.1)
    assert confirmed.trust_card == pytest.approx(28 / 30)
    among = await after(gallery(b=2, a=6), gap=0.1)
    assert (among.trust_card, among.trust_printing) == (1.0, pytest.approx(0.8))


async def test_a_database_that_does_not_tell_in_time_changes_nothing() -> None:
    class Slow(InMemoryGallery):
        async def confusions_of(self, card_ids: object) -> dict[str, dict[str, int]]:
            raise SearchTimeout("too slow")

    assert await after(Slow()) == match()


async def test_nothing_found_is_nothing_to_weigh() -> None:
    nothing = Match(Ranking((), margin=0.0), to_crop=np.eye(3))
    assert await in_history([nothing], gallery(b=5), CALIBRATIONS) == [nothing]


def learnt_match(picture_similarity: float) -> Match:
    """Card a leads by a photo that people named; its own picture is as alike as said."""
    photo = RankedCard(
        Card("a", "a"), 1, 0.9, TemplateSource.CORRECTION, official=picture_similarity, agreement=None
    )
    other = RankedCard(Card("c", "c"), 2, 0.4, TemplateSource.OFFICIAL)
    return Match(Ranking((photo, other), margin=0.5))


@pytest.mark.parametrize(
    ("picture_similarity", "corrections", "trust"),
    [(0.2, 0, 0.9), (0.2, 1, 0.9), (0.2, 2, 1.0), (0.8, 1, 1.0)],
    ids=["nobody any more", "one alone", "a second one", "sure without it"],
)
async def test_what_one_correction_alone_makes_sure_is_for_a_person_to_look_at(
    picture_similarity: float, corrections: int, trust: float
) -> None:
    told = InMemoryGallery(corrections={"a": corrections} if corrections else {})
    (answer,) = await in_history([learnt_match(picture_similarity)], told, CALIBRATIONS)
    assert answer.trust_card == trust


def photographed(found: Match, **learnt: float) -> Match:
    cards = [replace(one, learnt=learnt.get(one.card.card_id, -1.0)) for one in found.ranking.cards]
    return replace(found, ranking=replace(found.ranking, cards=tuple(cards)))


@pytest.mark.parametrize(
    ("gap", "learnt", "first"),
    [
        (0.015, {"b": 0.99}, "b"),
        (0.025, {"b": 0.99}, "a"),  # more than one nat
        (0.015, {"b": 0.89}, "a"),  # the gallery's own picture is more alike
        (0.015, {"b": 0.99, "a": 0.98}, "a"),  # photos of both: half a nat
        (0.015, {"c": 0.99}, "a"),
    ],
)
async def test_a_photo_makes_its_printing_a_little_likelier(
    gap: float, learnt: dict[str, float], first: str
) -> None:
    (found,) = await in_history([photographed(match(gap), **learnt)], gallery(), CALIBRATIONS)
    assert found.ranking.best is not None
    assert found.ranking.best.card.card_id == first


async def test_what_people_said_is_asked_of_the_printing_that_a_photo_puts_first() -> None:
    said = InMemoryGallery(confusions={"b": {"a": 9}})
    (found,) = await in_history([photographed(match(0.015), b=0.99)], said, CALIBRATIONS)
    assert found.trust_printing < 1.0
