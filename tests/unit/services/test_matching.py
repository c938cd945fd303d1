"""Matching retries a search that was cut off, turns unclear crops round, and says what it skipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from app.domain.calibration import UNCALIBRATED, Calibration, Calibrations
from app.domain.errors import DatabaseUnavailable, GalleryEmpty, SearchTimeout
from app.domain.types import (
    Card,
    CardFilter,
    Degraded,
    EncoderInfo,
    RgbImage,
    TemplateHit,
    TemplateSource,
    Vectors,
)
from app.services.matching import Matcher

CALIBRATIONS = Calibrations(Calibration(-8.0, 20.0, 6.0, 0.02, 0.98, 0.9, 0.3), UNCALIBRATED)
UPRIGHT = np.zeros((4, 3, 3), np.uint8)
UPRIGHT[0] = 255
UPSIDE_DOWN = np.ascontiguousarray(UPRIGHT[::-1, ::-1])
CLEAR = [("a", 0.95), ("b", 0.2)]
UNCLEAR = [("b", 0.4), ("a", 0.39)]


class MeanOfTopRowEncoder:
    """Tells upright from upside down: the vector is the brightness of the first and of the last row."""

    info = EncoderInfo("fake", "fp32", "f" * 16, 2)

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        self.batches.append(len(crops))
        return np.array([[c[0].mean(), c[-1].mean()] for c in crops], np.float32).reshape(-1, 2) / 255


class ScriptedGallery:
    """Answers by the query's vector; ``script`` may raise for the n-th search."""

    def __init__(self, script: Callable[[int, int], None] = lambda search, top_k: None) -> None:
        self.top_ks: list[int] = []
        self.script = script
        self.empty = False
        self.in_space = False

    async def search(
        self, vectors: Vectors, top_k: int, card_filter: CardFilter, *, learnt: bool = True
    ) -> list[TemplateHit]:
        self.top_ks.append(top_k)
        self.script(len(self.top_ks), top_k)
        if self.empty:
            return []
        return [
            TemplateHit(
                query,
                Card(card_id, card_id),
                ord(card_id),
                similarity,
                TemplateSource.OFFICIAL,
                self.in_space,
            )
            for query, vector in enumerate(vectors)
            for card_id, similarity in (CLEAR if vector[0] > 0.5 else UNCLEAR)
        ]

    async def check(self) -> None:
        if self.empty:
            raise GalleryEmpty("no templates")


def matcher(gallery: ScriptedGallery, encoder: MeanOfTopRowEncoder | None = None) -> Matcher:
    return Matcher(encoder or MeanOfTopRowEncoder(), gallery, CALIBRATIONS, 50, 25)  # type: ignore[arg-type]


def time_out_until(allowed_from: int) -> Callable[[int, int], None]:
    def script(search: int, top_k: int) -> None:
        if search < allowed_from:
            raise SearchTimeout("canceling statement due to statement timeout")

    return script


def time_out_from(first: int) -> Callable[[int, int], None]:
    def script(search: int, top_k: int) -> None:
        if search >= first:
            raise SearchTimeout("canceling statement due to statement timeout")

    return script


async def test_a_clear_card_is_looked_up_once() -> None:
    gallery, encoder = ScriptedGallery(), MeanOfTopRowEncoder()
    matches, _ = await matcher(gallery, encoder).match([UPRIGHT], CardFilter())
    assert (encoder.batches, gallery.top_ks) == ([1], [50])
    assert matches[0].ranking.best is not None
    assert (matches[0].ranking.best.card.card_id, matches[0].upside_down) == ("a", False)


async def test_what_is_clear_depends_on_whether_the_gallery_has_a_space() -> None:
    gallery = ScriptedGallery()
    gallery.in_space = True
    cautious = Calibrations(CALIBRATIONS.plain, replace(CALIBRATIONS.plain, bias=-30.0))
    await Matcher(MeanOfTopRowEncoder(), gallery, cautious, 50, 25).match([UPRIGHT], CardFilter())  # type: ignore[arg-type]
    assert gallery.top_ks == [50, 50]


async def test_only_unclear_cards_are_tried_the_other_way_up_in_one_more_batch() -> None:
    gallery, encoder = ScriptedGallery(), MeanOfTopRowEncoder()
    matches, _ = await matcher(gallery, encoder).match([UPRIGHT, UPSIDE_DOWN, UPSIDE_DOWN], CardFilter())
    assert encoder.batches == [3, 2]
    assert [match.upside_down for match in matches] == [False, True, True]
    assert {match.ranking.best.card.card_id for match in matches if match.ranking.best} == {"a"}


async def test_what_the_gallery_said_of_the_other_way_up_is_kept() -> None:
    doubting = Calibrations(replace(CALIBRATIONS.plain, bias=-30.0), UNCALIBRATED)
    asked = Matcher(MeanOfTopRowEncoder(), ScriptedGallery(), doubting, 50, 25)  # type: ignore[arg-type]
    matches, _ = await asked.match([UPRIGHT, UPSIDE_DOWN], CardFilter())
    for match, upside_down in zip(matches, [False, True], strict=True):
        assert match.upside_down is upside_down
        assert match.other_way is not None
        assert match.other_way.upside_down is not upside_down
        assert match.other_way.other_way is None


async def test_cards_that_may_lie_on_their_side_are_tried_all_four_ways() -> None:
    gallery, encoder = ScriptedGallery(), MeanOfTopRowEncoder()
    on_its_left = np.zeros((40, 30, 3), np.uint8)
    on_its_left[:, :6] = 255  # its left side should be on top
    on_its_right = np.ascontiguousarray(on_its_left[::-1, ::-1])
    crops = [on_its_left, on_its_right, UPSIDE_DOWN, on_its_left]
    matches, _ = await matcher(gallery, encoder).match(crops, CardFilter(), lying=[0, 1, 2])
    assert encoder.batches == [4, 4, 4]
    assert [(match.sideways, match.upside_down) for match in matches] == [
        (True, False),
        (True, True),
        (False, True),
        (False, False),
    ]
    assert [match.ranking.best.card.card_id for match in matches if match.ranking.best] == [*"aaa", "b"]


@pytest.mark.parametrize(("known_at", "turned"), [(0.3, True), (0.9, False)])
async def test_what_says_next_to_nothing_does_not_lay_a_card_on_its_side(
    known_at: float, turned: bool
) -> None:
    doubting = Calibrations(replace(CALIBRATIONS.plain, bias=-22.0, known_at=known_at), UNCALIBRATED)
    on_its_left = np.zeros((40, 30, 3), np.uint8)
    on_its_left[:, :6] = 255
    asked = Matcher(MeanOfTopRowEncoder(), ScriptedGallery(), doubting, 50, 25)  # type: ignore[arg-type]
    ((match,), _) = await asked.match([on_its_left], CardFilter(), lying=[0])
    assert match.sideways is turned


async def test_a_search_on_their_side_that_is_cut_off_leaves_the_other_way_up() -> None:
    gallery = ScriptedGallery(time_out_from(3))
    crops = [UPSIDE_DOWN, np.zeros((4, 3, 3), np.uint8)]
    matches, _ = await matcher(gallery).match(crops, CardFilter(), lying=[1])
    assert [match.upside_down for match in matches] == [True, False]
    assert matches[0].degraded == ()
    assert matches[1].degraded == (Degraded.ORIENTATION_SKIPPED,)


async def test_many_cards_on_their_side_are_tried_a_few_at_a_time() -> None:
    gallery, encoder = ScriptedGallery(), MeanOfTopRowEncoder()
    nothing = np.zeros((4, 3, 3), np.uint8)
    await matcher(gallery, encoder).match([nothing] * 30, CardFilter(), lying=range(30))
    assert encoder.batches == [30, 30, 24, 24, 12]


async def test_a_timeout_is_retried_with_fewer_templates_and_the_card_says_so() -> None:
    gallery = ScriptedGallery(time_out_until(2))
    matches, _ = await matcher(gallery).match([UPRIGHT], CardFilter())
    assert gallery.top_ks == [50, 25]
    assert matches[0].degraded == (Degraded.TOPK_REDUCED,)
    assert matches[0].ranking.cards


async def test_a_second_timeout_leaves_the_cards_unknown_and_the_scan_alive() -> None:
    gallery = ScriptedGallery(time_out_until(99))
    matches, _ = await matcher(gallery).match([UPRIGHT, UPSIDE_DOWN], CardFilter())
    assert gallery.top_ks == [50, 25]
    assert all(match.ranking.best is None for match in matches)
    assert all(Degraded.SEARCH_TIMEOUT in match.degraded for match in matches)


async def test_a_timeout_of_the_second_look_keeps_the_first_answer() -> None:
    def script(search: int, top_k: int) -> None:
        if search > 1:
            raise SearchTimeout("too slow")

    matches, _ = await matcher(ScriptedGallery(script)).match([UPSIDE_DOWN], CardFilter())
    assert matches[0].ranking.best is not None
    assert matches[0].degraded == (Degraded.ORIENTATION_SKIPPED,)


async def test_a_database_that_is_away_is_not_mistaken_for_a_slow_one() -> None:
    def script(search: int, top_k: int) -> None:
        raise DatabaseUnavailable("gone")

    gallery = ScriptedGallery(script)
    with pytest.raises(DatabaseUnavailable):
        await matcher(gallery).match([UPRIGHT], CardFilter())
    assert gallery.top_ks == [50]


async def test_an_empty_gallery_is_an_error_even_for_a_picture_without_cards() -> None:
    gallery = ScriptedGallery()
    gallery.empty = True
    for crops in ([UPRIGHT], []):
        with pytest.raises(GalleryEmpty):
            await matcher(gallery).match(crops, CardFilter())


async def test_no_crops_need_no_search() -> None:
    gallery = ScriptedGallery()
    assert (await matcher(gallery).match([], CardFilter()))[0] == []
    assert gallery.top_ks == []


async def test_a_photo_that_leads_takes_nothing_from_what_pictures_say_about_the_way_up() -> None:
    """Were it weighed alone, three nats less for it would turn the card round."""

    class Taught(ScriptedGallery):
        async def search(
            self, vectors: Vectors, top_k: int, card_filter: CardFilter, *, learnt: bool = True
        ) -> list[TemplateHit]:
            upright = [("a", 0.50, TemplateSource.OFFICIAL), ("b", 0.40, TemplateSource.OFFICIAL)]
            named = [("z", 0.55, TemplateSource.CORRECTION)]
            turned = [("b", 0.45, TemplateSource.OFFICIAL), ("a", 0.38, TemplateSource.OFFICIAL)]
            return [
                TemplateHit(query, Card(card_id, card_id), ord(card_id), similarity, source)
                for query, vector in enumerate(vectors)
                for card_id, similarity, source in (upright + named if vector[0] > 0.5 else turned)
            ]

    matches, _ = await matcher(Taught()).match([UPRIGHT], CardFilter())
    assert matches[0].other_way is not None
    assert (matches[0].upside_down, matches[0].other_way.upside_down) == (False, True)
