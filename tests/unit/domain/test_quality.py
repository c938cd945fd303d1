"""Figures about judged answers that cannot flatter."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from app.domain.learning_types import Answered
from app.domain.quality import accuracy_of, effects_of, most_telling
from app.domain.quality_types import JudgedAnswer, TemplateEffect
from app.domain.types import Status


def answered(card_id: str | None, status: Status = Status.ACCEPTED, sure: float = 0.99) -> Answered:
    group = None if card_id is None else ord(card_id[0])
    return Answered(card_id, group, status, sure, sure)


def judged(right: str | None, given: Answered, **fields: object) -> JudgedAnswer:
    group = None if right is None else ord(right[0])
    values = {"alone": given, "knew_itself": False, "learnt": False, **fields}
    return JudgedAnswer(uuid4(), uuid4(), right, group, given, **values)  # type: ignore[arg-type]


def test_pictures_and_printings_are_counted_apart() -> None:
    found = accuracy_of(
        [
            judged("a1", answered("a1")),
            judged("a1", answered("a2")),
            judged("a1", answered("b1")),
            judged("a1", answered("a1", Status.UNKNOWN)),
        ]
    )
    assert (found.card.part, found.card.whole) == (2, 4)
    assert (found.printing.part, found.printing.whole) == (1, 4)
    assert (found.accepted.part, found.accepted.whole) == (1, 3)
    assert found.printing.low < 0.25 < found.printing.high
    assert len(found.wrong_detections) == 2


def test_an_answer_that_its_own_template_decided_counts_as_what_the_gallery_alone_answers() -> None:
    flattering = [
        judged("a1", answered("a1"), alone=answered("b1"), knew_itself=True, learnt=True) for _ in range(5)
    ]
    found = accuracy_of(flattering)
    assert (found.printing.part, found.printing.whole) == (0, 5)
    assert (found.accepted.part, found.gained) == (0, 0)
    nobody_knows = accuracy_of([replace(one, alone=None) for one in flattering])
    assert (nobody_knows.judged, nobody_knows.left_out, nobody_knows.printing.whole) == (0, 5, 0)


def test_what_templates_of_other_pictures_gained_and_lost_is_counted() -> None:
    found = accuracy_of(
        [
            judged("a1", answered("a1"), alone=answered("b1"), learnt=True),
            judged("a1", answered("b1"), alone=answered("a1"), learnt=True),
            judged("a1", answered("a1"), alone=answered("a1"), learnt=True),
            judged("a1", answered("a1"), alone=answered("b1")),
        ]
    )
    assert (found.gained, found.lost) == (1, 1)


def test_what_each_template_turned_is_told_apart_and_its_own_photo_left_out() -> None:
    one, other = uuid4(), uuid4()
    right, wrong = answered("a1"), answered("b1")
    mended = judged("a1", right, alone=wrong, learnt=True, learnt_from=one)
    spoilt = judged("a1", wrong, alone=right, learnt=True, learnt_from=other)
    agreed = judged("a1", right, alone=right, learnt=True, learnt_from=one)
    own_photo = judged("a1", right, alone=wrong, learnt=True, learnt_from=one, knew_itself=True)
    untold = judged("a1", right, alone=wrong, learnt=True)
    unknown_before = judged("a1", right, alone=None, learnt=True, learnt_from=one)
    found = effects_of([mended, spoilt, agreed, own_photo, untold, unknown_before])
    assert found == {
        one: TemplateEffect(3, ((mended.scan_id, mended.detection_id),), ()),
        other: TemplateEffect(1, (), ((spoilt.scan_id, spoilt.detection_id),)),
    }


def test_harmful_templates_come_first_and_idle_ones_not_at_all() -> None:
    seen = (uuid4(), uuid4())
    useful, best, harmful, worst, idle = (uuid4() for _ in range(5))
    effects = {
        idle: TemplateEffect(9),
        useful: TemplateEffect(2, (seen,), ()),
        best: TemplateEffect(2, (seen, seen), ()),
        harmful: TemplateEffect(3, (seen,), (seen, seen)),
        worst: TemplateEffect(2, (), (seen, seen)),
    }
    assert most_telling(effects) == [worst, harmful, best, useful]


def test_strangers_should_be_called_unknown() -> None:
    found = accuracy_of([judged(None, answered("a1", Status.UNKNOWN, 0.01)), judged(None, answered("a1"))])
    assert (found.unknown.part, found.unknown.whole) == (1, 2)
    assert (found.accepted.part, found.accepted.whole) == (0, 1)
    assert found.card.whole == 0


def test_a_card_named_where_there_is_none_is_wrong_and_counts_for_no_share_of_cards() -> None:
    no_card = judged(None, answered("a1"), is_card=False)
    nothing_named = judged(None, answered("b1", Status.UNKNOWN, 0.01), is_card=False)
    found = accuracy_of([judged("a1", answered("a1")), no_card, nothing_named])
    assert (found.judged, found.printing.whole, found.card.whole, found.unknown.whole) == (3, 1, 1, 0)
    assert (found.accepted.part, found.accepted.whole) == (1, 2)
    assert [(one.right, one.answers) for one in found.calibration] == [(1, 2)]
    assert found.calibration_error == pytest.approx(0.49)
    assert found.wrong_detections == ((no_card.scan_id, no_card.detection_id),)


def test_at_worst_every_disputed_answer_is_wrong() -> None:
    disputed = [(uuid4(), uuid4()) for _ in range(60)]
    found = accuracy_of([judged("a1", answered("a1")) for _ in range(40)], disputed)
    assert (found.accepted.part, found.accepted.whole) == (40, 40)
    assert (found.accepted_at_worst.part, found.accepted_at_worst.whole) == (40, 100)
    assert found.accepted_at_worst.low < 0.4 < found.accepted_at_worst.high
    assert found.disputed == 60
    assert found.disputed_detections == tuple(disputed[:50])


def test_the_curve_says_how_often_answers_of_one_confidence_were_right() -> None:
    found = accuracy_of(
        [
            judged("a1", answered("a1", Status.REVIEW, 0.62)),
            judged("a1", answered("b1", Status.REVIEW, 0.68)),
            judged("a1", answered("a1", sure=1.0)),
        ]
    )
    assert [(one.right, one.answers) for one in found.calibration] == [(1, 2), (1, 1)]
    edges = [(one.confidence_from, one.confidence_to) for one in found.calibration]
    assert edges == [(0.6, 0.7), (0.9, 1.0)]
    assert found.calibration[0].mean_confidence == pytest.approx(0.65)
    assert found.calibration_error == pytest.approx((0.38 + 0.68) / 3)  # of 15 bins each has its own


def test_without_judged_answers_nothing_is_claimed() -> None:
    nothing = accuracy_of([])
    assert nothing.calibration_error is None
    assert (nothing.card.low, nothing.card.high) == (0.0, 1.0)
