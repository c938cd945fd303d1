"""Answers about printings become shares, honesty and tables."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest

from app.domain.ranking import Ranking
from app.domain.types import (
    Candidate,
    Card,
    CardFilter,
    Confidence,
    CropQuality,
    Identification,
    Status,
    TemplateSource,
)
from app.services.matching import Match, MatchTimings
from benchmarks.printings.collection import CardCollection, Subject
from benchmarks.printings.figures import add_up, outcome, stage_figures
from benchmarks.printings.measuring import measure
from benchmarks.printings.photos import Plan, Taken
from benchmarks.printings.pipeline import Answers, ServicePipeline, page_of
from benchmarks.printings.probabilities import auroc, honesty
from benchmarks.printings.tables import format_comparison, format_tally

CROP = np.full((528, 378, 3), 128, dtype=np.uint8)


def photo(card_id: str, printings: str = "", in_gallery: bool = True, side_px: float | None = 50.0) -> Taken:
    group = frozenset([card_id, *printings.split()])
    return Taken(Subject(card_id, "", lambda: CROP, group, (), in_gallery), "easy", CROP, side_px)


def answer(card_id: str | None, status: Status = Status.ACCEPTED, sure: float = 0.9) -> Identification:
    first = Card(card_id or "none", "name")
    return Identification(
        detection_id=uuid4(),
        quad_px=np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 12.0], [0.0, 12.0]]),
        rotation=0,
        grid=None,
        status=status,
        card=first if status is not Status.UNKNOWN else None,
        confidence=Confidence(sure, sure / 2),
        candidates=(Candidate(first, 1, 0.9, sure, TemplateSource.OFFICIAL),) if card_id else (),
        ambiguous_with=(),
        quality=CropQuality(1.0, 0.0, 528),
    )


def shares(*pairs: tuple[Taken, Identification]) -> dict[str, tuple[int, int]]:
    figures = add_up([outcome(taken, found) for taken, found in pairs])
    return {share.name: (share.hits, share.of) for share in figures.shares}


def test_another_printing_of_the_picture_is_the_right_artwork_and_the_wrong_printing() -> None:
    got = shares((photo("a", "b"), answer("b")), (photo("a", "b"), answer("a")), (photo("c"), answer("d")))
    assert got["artwork right"] == (2, 3)
    assert got["printing right, all"] == (1, 3)
    assert got["printing right, groups of 2 and more"] == (1, 2)
    assert got["printing right, decidable, groups of 1"] == (0, 1)
    assert got["accepted: artwork right"] == (2, 3) and got["accepted: printing right"] == (1, 3)


def test_printings_count_as_decidable_only_where_the_photo_tells_them() -> None:
    got = shares(
        (photo("a", "b", side_px=12.0), answer("a")),
        (photo("a", "b", side_px=11.9), answer("b")),
        (photo("a", "b", side_px=11.9), answer("b", Status.REVIEW)),
        (photo("a", "b", side_px=None), answer("b")),
    )
    assert got["printing right, decidable"] == (1, 1)
    assert got["decidable among groups of 2 and more"] == (1, 3)
    assert got["not decidable: accepted as another printing"] == (1, 2)
    assert got["printing right, told apart by 6 to 12 px"] == (0, 2)
    assert got["printing right, told apart by 12 to 18 px"] == (1, 1)


def test_an_answer_is_judged_by_its_name_wherever_it_says_that_the_card_lies() -> None:
    nowhere = replace(answer("a"), quad_px=np.zeros((4, 2)))
    assert shares((photo("a"), nowhere))["printing right, all"] == (1, 1)


def test_the_first_candidate_counts_even_where_it_is_held_back_as_unknown() -> None:
    got = shares((photo("a"), answer("a", Status.UNKNOWN)))
    assert got["artwork right"] == (1, 1) and got["artwork right and answered"] == (0, 1)
    assert got["known: called unknown"] == (1, 1) and got["known: accepted"] == (0, 1)


def test_a_card_that_is_in_no_gallery_is_wrong_however_it_is_answered() -> None:
    got = shares(
        (photo("a", in_gallery=False), answer("a")),
        (photo("a", in_gallery=False), answer(None, Status.UNKNOWN)),
    )
    assert got["unknown: accepted"] == (1, 2) and got["unknown: called unknown"] == (1, 2)
    assert got["accepted: artwork right"] == (0, 1) and got["artwork right"] == (0, 0)


def test_confidences_are_held_against_known_and_unknown_cards_together() -> None:
    outcomes = [
        outcome(photo("a"), answer("a", sure=1.0)),
        outcome(photo("b", in_gallery=False), answer("a", sure=0.0)),
    ]
    figures = add_up(outcomes)
    assert (figures.card.answers, figures.card.ece, figures.card.brier, figures.card.auroc) == (2, 0, 0, 1)
    assert figures.printing.brier == pytest.approx(0.125)


def test_auroc_counts_ties_half_and_needs_both_kinds() -> None:
    assert auroc([0.9, 0.8, 0.2], [True, True, False]) == 1.0
    assert auroc([0.2, 0.8, 0.9], [True, False, False]) == 0.0
    assert auroc([0.5, 0.5, 0.5, 0.5], [True, False, True, False]) == 0.5
    assert auroc([0.7, 0.7, 0.1], [True, False, False]) == 0.75
    assert auroc([0.7, 0.8], [True, True]) is None
    assert honesty([], []).ece is None


def test_a_page_shows_each_crop_where_its_quad_says() -> None:
    crops = [np.full((528, 378, 3), shade, dtype=np.uint8) for shade in (10, 20, 30, 40)]
    scan = page_of(crops)
    assert scan.image.shape == (1056, 1134, 3)
    for card, crop in zip(scan.cards, crops, strict=True):
        x, y = card.quad_px.mean(axis=0).astype(int)
        assert (scan.image[y, x] == crop[0, 0]).all()
        assert np.array_equal(card.crop, crop)
    assert [(cell.row, cell.column) for cell in scan.grid] == [(0, 0), (0, 1), (0, 2), (1, 0)]


def test_stages_are_summed_up_by_their_median_page() -> None:
    figures = stage_figures([{"embed": 1.0}, {"embed": 3.0, "verify": 2.0}, {"embed": 9.0}])
    assert figures["embed"]["p50_ms"] == 3.0 and figures["verify"]["p50_ms"] == 0.0


class ScriptedPipeline:
    """Calls every card by one name."""

    def __init__(self, card_id: str) -> None:
        self.card_id = card_id

    async def answer(self, scan) -> Answers:
        return Answers([answer(self.card_id) for _ in scan.cards], {"embed": 1.0, "total": 2.0})


async def test_every_variant_answers_the_same_photos_and_is_tabulated() -> None:
    subjects = [Subject("a", "", lambda: CROP, frozenset(["a"]), (), True)]
    plan = Plan(["easy", "medium"], known=5, unknown=0, seed=1, cards_a_page=2)
    variants = {name: lambda _runtime, name=name: ScriptedPipeline(name) for name in ("a", "b")}
    seen: list[int] = []
    tallies = await measure(
        None, CardCollection("one", subjects, [], []), plan, variants, 0, lambda _, n: seen.append(n)
    )
    assert seen == [5, 5]
    assert "| artwork right | 100.00 (56.55-100.00), 5 |" in format_tally(tallies["a"])
    assert "| easy + medium |" in format_tally(tallies["a"]) and "2 / 2" in format_tally(tallies["a"])
    report = tallies["b"].as_json()
    assert report["levels"]["easy + medium"]["shares"]["artwork right"]["of"] == 10
    table = format_comparison(tallies)
    assert table.count("\n") == 5 and "| b | medium | 0.00" in table


class Stages:
    """Stands in for the matcher and the answerer."""

    async def match(self, crops, card_filter, lying):
        assert card_filter == CardFilter()
        assert lying == []
        return [Match(Ranking((), margin=0.0))] * len(crops), MatchTimings(embed_ms=4.0, search_ms=2.0)

    async def answer(self, scan, matches, candidates, card_filter):
        return tuple(map(answer, ["match"] * len(matches)))


async def test_the_services_are_timed_stage_by_stage() -> None:
    answers = await ServicePipeline(Stages(), Stages()).answer(page_of([CROP, CROP]))
    assert len(answers.cards) == 2
    assert (answers.timings_ms["embed"], answers.timings_ms["search"]) == (4.0, 2.0)
    assert answers.timings_ms["total"] >= answers.timings_ms["answer"] >= 0.0
