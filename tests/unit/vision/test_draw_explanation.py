"""The picture of an explanation: crop and reference, joined where they match, boxed where they differ."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from app.domain.explanation_types import Explanation, PatchPair, PrintingDifference, Region
from app.domain.types import (
    Candidate,
    Card,
    Confidence,
    CropQuality,
    Identification,
    RgbImage,
    Status,
    TemplateSource,
)
from app.vision.draw_explanation import correlation_color, draw_explanation

CROP = np.full((528, 378, 3), 90, np.uint8)
REFERENCE = np.full((300, 215, 3), 150, np.uint8)
CORNERS = ((0.2, 0.2), (0.4, 0.2), (0.4, 0.3), (0.2, 0.3))


def identification(explanation: Explanation | None, *card_ids: str) -> Identification:
    cards = [Card(card_id, f"Heron {card_id}", set_id="em1", number="001/006") for card_id in card_ids]
    return Identification(
        detection_id=UUID(int=1),
        quad_px=np.zeros((4, 2)),
        rotation=0,
        grid=None,
        status=Status.REVIEW if cards else Status.UNKNOWN,
        card=cards[0] if cards else None,
        confidence=Confidence(0.9, 0.6),
        candidates=tuple(Candidate(card, 1, 0.9, 0.5, TemplateSource.OFFICIAL) for card in cards),
        ambiguous_with=(),
        quality=CropQuality(0.9, 0.0, 528),
        explanation=explanation,
    )


def explanation(*pairs: PatchPair, regions: tuple[Region, ...] = ()) -> Explanation:
    differences = (PrintingDifference("em2-006", regions),) if regions else ()
    return Explanation("em1-005", pairs, differences)


def cards_in(drawn: RgbImage) -> tuple[RgbImage, RgbImage, RgbImage]:
    """The crop, what lies between, and the reference, cut out of a picture by their even grey."""
    row = drawn[len(drawn) // 2 - 100, :, 0].astype(int)
    crop, reference = np.flatnonzero(row == 90), np.flatnonzero(row == 150)
    left, right = crop[0], crop[-1] + 1
    first, last = reference[0], reference[-1] + 1
    column = np.flatnonzero(drawn[:, left + 3, 0] == 90)
    rows = slice(column[0], column[-1] + 1)
    return drawn[rows, left:right], drawn[rows, right:first], drawn[rows, first:last]


def test_crop_and_reference_stand_side_by_side_in_one_size() -> None:
    crop, between, reference = cards_in(draw_explanation(identification(None, "em1-005"), CROP, REFERENCE))
    assert crop.shape == reference.shape
    assert between.shape[1] > 100
    assert np.unique(crop) == [90] and np.unique(reference) == [150]
    assert between.max() < 40


def test_patches_that_move_together_are_marked_and_joined_in_the_colour_of_their_correlation() -> None:
    strong = PatchPair((0.5, 0.25), (0.5, 0.75), 0.95, together=True)
    alone = PatchPair((0.5, 0.5), (0.5, 0.5), 0.95, together=False)
    crop, between, reference = cards_in(
        draw_explanation(identification(explanation(strong, alone), "em1-005"), CROP, REFERENCE)
    )
    height, width = crop.shape[:2]
    color = correlation_color(0.95)
    assert crop[height * 3 // 4, width // 2] == pytest.approx(color, abs=3)
    assert reference[height // 4, width // 2] == pytest.approx(color, abs=3)
    assert np.all(crop[height // 2 - 3 : height // 2 + 3, width // 2] == 90)  # what moves alone is not shown
    crossed = [np.flatnonzero(between[:, x].max(axis=1) > 100).mean() for x in range(between.shape[1])]
    assert height * 0.75 > crossed[0] > crossed[-1] > height * 0.25


def test_a_better_match_is_greener() -> None:
    balances = [green - red for red, green, _ in map(correlation_color, (0.3, 0.5, 0.65, 0.8, 1.0))]
    assert balances == sorted(set(balances))
    assert correlation_color(-1.0) == correlation_color(0.3)


def test_boxes_are_drawn_on_both_where_the_crop_lies_on_the_reference() -> None:
    box = (0.6, 0.7, 0.8, 0.9)
    for in_crop in (CORNERS, None):
        known = explanation(regions=(Region(box, in_crop, 0.5, 0.9),))
        crop, _, reference = cards_in(draw_explanation(identification(known, "em1-005"), CROP, REFERENCE))
        height, width = crop.shape[:2]
        rows, columns = np.nonzero(np.any(reference != 150, axis=2))
        found = (columns.min() / width, rows.min() / height, columns.max() / width, rows.max() / height)
        assert found == pytest.approx(box, abs=0.02)
        rows, columns = np.nonzero(np.any(crop != 90, axis=2))
        assert bool(len(rows)) == (in_crop is not None)
        if len(rows):
            found = (columns.min() / width, rows.min() / height, columns.max() / width, rows.max() / height)
            assert found == pytest.approx((0.2, 0.2, 0.4, 0.3), abs=0.02)


def test_each_candidate_and_each_word_has_a_line_of_its_own() -> None:
    one = draw_explanation(identification(None, "a"), CROP, REFERENCE)
    three = draw_explanation(identification(None, "a", "b", "c"), CROP, REFERENCE)
    assert three.shape[0] > one.shape[0]
    assert three.shape[1] == one.shape[1]
    other = draw_explanation(identification(None, "x"), CROP, REFERENCE)
    assert not np.array_equal(one, other)


def test_neither_a_missing_reference_nor_nothing_found_nor_a_long_name_fails() -> None:
    nothing = draw_explanation(identification(None), CROP, None)
    assert np.any(nothing == 90)
    named = identification(explanation(), "a")
    assert named.card is not None
    long = replace(named, card=replace(named.card, name="A Name Far Too Long" * 20))
    assert draw_explanation(long, CROP, None).shape[1] == nothing.shape[1]
