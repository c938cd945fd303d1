"""Scoring matches detections to labels one to one and counts only what is labelled."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from app.domain.scoring import TrueCard, expected_calibration_error, score_scan
from app.domain.types import (
    Candidate,
    Card,
    Confidence,
    CropQuality,
    Identification,
    Quad,
    Status,
    TemplateSource,
)


def square(x: float, y: float, side: float = 100.0) -> Quad:
    return np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], dtype=np.float64)


def found(quad_px: Quad, card_id: str = "a", status: Status = Status.ACCEPTED) -> Identification:
    """A detection whose first candidate is that card; the answer too, unless the status is unknown."""
    card = Card(card_id, card_id)
    return Identification(
        detection_id=uuid.UUID(int=0),
        quad_px=quad_px,
        rotation=0,
        grid=None,
        status=status,
        card=None if status is Status.UNKNOWN else card,
        confidence=Confidence(0.9, 0.8),
        candidates=(Candidate(card, 1, 0.9, 0.8, TemplateSource.OFFICIAL),),
        ambiguous_with=(),
        quality=CropQuality(1.0, 0.0, 500),
    )


def true(quad_px: Quad | None, card_id: str | None = "a", known: bool = True) -> TrueCard:
    return TrueCard(card_id, quad_px, known, frozenset({"a", "a-reprint"}))


def test_two_detections_of_one_card_are_one_found_and_one_extra() -> None:
    score = score_scan([found(square(0, 0)), found(square(2, 2))], [true(square(0, 0))])
    assert (score.found, score.extra) == (1, 1)


def test_a_detection_below_the_overlap_bar_is_a_miss_and_an_extra() -> None:
    score = score_scan([found(square(0, 0))], [true(square(40, 0))])
    assert (score.labelled, score.found, score.extra) == (1, 0, 1)


def test_a_reprint_counts_as_the_right_artwork_but_not_the_right_printing() -> None:
    score = score_scan([found(square(0, 0), "a-reprint")], [true(square(0, 0))])
    assert (score.cards[0].artwork_right, score.cards[0].printing_right) == (True, False)


def test_an_answer_of_unknown_is_wrong_for_a_known_card_although_the_first_candidate_is_right() -> None:
    one = found(square(0, 0), "a", Status.UNKNOWN)
    for truth in (true(square(0, 0)), true(None)):
        [card] = score_scan([one], [truth]).cards
        assert (card.artwork_right, card.printing_right) == (False, False)
        assert (card.first_artwork_right, card.first_printing_right) == (True, True)


def test_without_corners_a_detection_that_names_the_card_goes_before_one_that_only_lists_it() -> None:
    unsure, sure = found(square(0, 0), "a", Status.UNKNOWN), found(square(9, 0), "a-reprint")
    [card] = score_scan([unsure, sure], [true(None)]).cards
    assert (card.status, card.artwork_right) == (Status.ACCEPTED, True)


def test_an_upside_down_quad_is_noticed() -> None:
    upright = score_scan([found(square(0, 0))], [true(square(0, 0))]).cards[0].upright
    turned = score_scan([found(np.roll(square(0, 0), 2, axis=0))], [true(square(0, 0))]).cards[0].upright
    assert (upright, turned) == (True, False)


def test_any_answer_for_a_card_outside_the_gallery_is_wrong() -> None:
    card = score_scan([found(square(0, 0))], [true(square(0, 0), "z", known=False)]).cards[0]
    assert (card.known, card.artwork_right, card.first_artwork_right) == (False, False, False)


def test_labels_without_corners_are_matched_by_picture_and_leave_detection_unscored() -> None:
    score = score_scan([found(square(0, 0), "b"), found(square(9, 0))], [true(None)])
    assert (score.detection_scored, score.found, score.extra) == (False, 1, 1)


def test_a_labelled_card_without_corners_that_nobody_names_counts_as_wrong() -> None:
    score = score_scan([found(square(0, 0), "a"), found(square(9, 0), "x")], [true(None), true(None, "b")])
    assert [card.artwork_right for card in score.cards] == [True, False]


def test_labels_without_a_name_score_detection_alone() -> None:
    card = score_scan([found(square(0, 0))], [true(square(0, 0), card_id=None)]).cards[0]
    assert (card.artwork_right, card.printing_right) == (None, None)
    assert (card.first_artwork_right, card.first_printing_right) == (None, None)


def test_calibration_error_is_zero_where_confidence_equals_accuracy() -> None:
    assert expected_calibration_error([0.5, 0.5], [True, False]) == pytest.approx(0.0)


def test_calibration_error_of_sure_and_always_wrong_is_one() -> None:
    assert expected_calibration_error([1.0, 1.0], [False, False]) == pytest.approx(1.0)


def test_calibration_error_of_nothing_is_unknown() -> None:
    assert expected_calibration_error([], []) is None
