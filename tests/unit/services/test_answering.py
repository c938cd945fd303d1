"""What is answered for a card: when it is accepted, and in which order other cards are listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from app.domain.calibration import UNCALIBRATED, Calibration, Calibrations
from app.domain.ports import Gallery
from app.domain.ranking import RankedCard, Ranking
from app.domain.types import Card, CardFilter, CropQuality, Degraded, Identification, Status, TemplateSource
from app.services.answering import Answerer
from app.services.identify import _is_back
from app.services.matching import Match
from app.services.reading import ReadCard, ReadScan

#: Takes any leader for sure.
SURE = Calibration(8.0, 0.0, 0.0, 0.02, 0.9, 0.9, 0.1, compared_temperature=0.01)
EVERYTHING = CardFilter()


class Groups:
    """A gallery that knows artwork groups alone."""

    def __init__(self, members: dict[int, list[str]]) -> None:
        self._members = members

    async def group_members(self, group_ids: Sequence[int], _: CardFilter) -> dict[int, list[str]]:
        return {group_id: self._members.get(group_id, []) for group_id in group_ids}


def ranked(card_id: str, similarity: float, group: int, difference: float | None = None) -> RankedCard:
    return RankedCard(
        Card(card_id, card_id), group, similarity, TemplateSource.OFFICIAL, difference=difference
    )


def pictures(count: int) -> list[RankedCard]:
    return [ranked(f"card{place}", 0.9 - 0.2 * place, 100 + place) for place in range(count)]


async def answered(
    cards: Sequence[RankedCard],
    *,
    groups: dict[int, list[str]] | None = None,
    calibration: Calibration = SURE,
    verified: bool = False,
    candidates: int = 5,
) -> Identification:
    crop = np.zeros((528, 378, 3), np.uint8)
    read = ReadCard(
        np.array([[0, 0], [9, 0], [9, 9], [0, 9]], np.float64), 1.0, crop, CropQuality(0.5, 0.0, 528, ())
    )
    scan = ReadScan(crop, "0" * 64, (read,), (None,), {})
    answerer = Answerer(
        cast(Gallery, Groups(groups or {})), Calibrations(calibration, UNCALIBRATED, calibration)
    )
    match = Match(Ranking(tuple(cards), margin=0.4, verified=verified))
    (found,) = await answerer.answer(scan, [match], candidates, EVERYTHING)
    return found


async def test_nothing_is_accepted_beside_too_few_other_pictures_to_tell() -> None:
    assert (await answered(pictures(3))).status is Status.REVIEW
    assert (await answered(pictures(4))).status is Status.ACCEPTED
    assert (await answered(pictures(2), verified=True)).status is Status.ACCEPTED


async def test_a_printing_without_a_picture_neither_wins_by_the_differences_of_others_nor_is_sure() -> None:
    """One is more similar by search and was not compared; of the two others the crop shows the first."""
    cards = [
        ranked("unseen", 0.90, 1),
        ranked("a", 0.89, 1, 0.0),
        ranked("b", 0.80, 1, 3.0),
        *pictures(4)[1:],
    ]
    found = await answered(cards, groups={1: ["unseen", "a", "b"]}, verified=True)
    assert found.status is Status.REVIEW
    assert found.confidence.printing < 0.7
    assert found.ambiguous_with == ("a",)


async def test_printings_of_a_picture_that_turned_out_to_be_the_leaders_are_counted_too() -> None:
    """Members a1, b1 and b2 were found; a2 and a3 of the leader's own group were not."""
    cards = [ranked("a1", 0.9, 1), ranked("b1", 0.88, 1), ranked("b2", 0.88, 1), *pictures(5)[2:]]
    few = await answered(cards, groups={1: ["a1"]})
    many = await answered(cards, groups={1: ["a1", "a2", "a3"]})
    assert many.confidence.printing < few.confidence.printing
    assert {"a2", "a3"} <= set(many.ambiguous_with)


async def test_other_cards_are_listed_by_how_likely_they_are() -> None:
    unsure = replace(SURE, bias=0.5)
    cards = [ranked("a", 0.9, 1), ranked("far printing", 0.5, 1), ranked("b", 0.89, 2), *pictures(5)[3:]]
    found = await answered(cards, groups={1: ["a", "far printing"]}, calibration=unsure, candidates=2)
    assert [one.card.card_id for one in found.candidates] == ["a", "b"]
    every = await answered(cards, groups={1: ["a", "far printing"]}, calibration=unsure)
    confidences = [one.confidence for one in every.candidates]
    assert confidences[1:] == sorted(confidences[1:], reverse=True)


async def test_a_card_is_taken_for_a_back_only_where_all_of_the_gallery_was_asked() -> None:
    unknown = await answered(pictures(4), calibration=replace(SURE, bias=-9.0))
    crop = np.zeros((528, 378, 3), np.uint8)
    back = ReadCard(unknown.quad_px, 1.0, crop, unknown.quality, looks_like_back=True)
    assert _is_back(back, unknown, EVERYTHING)
    assert not _is_back(replace(back, looks_like_back=False), unknown, EVERYTHING)
    assert not _is_back(back, unknown, CardFilter(set_ids=("one",)))
    for skipped in (Degraded.SEARCH_TIMEOUT, Degraded.VERIFICATION_SKIPPED):
        assert not _is_back(back, replace(unknown, degraded=(skipped,)), EVERYTHING)
    assert not _is_back(back, await answered(pictures(4)), EVERYTHING)
