"""Accepted answers that a person contradicts: none drops out of the figures because nothing proves it."""

from __future__ import annotations

import pytest

from app.db.pool import Database
from app.domain.correction_types import CorrectionStatus, Verdict
from app.domain.learning_types import Decision
from app.domain.quality_types import QualityFilter
from app.domain.scan_filter import Judged, ScanFilter
from tests.integration.db.history import RIGHT, TAKEN_FOR, History

TOO_POOR = "its picture is too blurred to learn from"
IN_QUARANTINE = Decision(CorrectionStatus.QUARANTINED, "the crop agrees clearly with Taken for")
REFUSED = Decision(CorrectionStatus.REJECTED, TOO_POOR)
OUTVOTED = Decision(CorrectionStatus.REJECTED, "2 people say that it is taken-for")


@pytest.fixture
async def history(database: Database) -> History:
    opened = History(database)
    await opened.put_cards()
    return opened


async def test_a_card_accepted_where_there_is_none_is_wrong(history: History) -> None:
    await history.say(await history.answer(RIGHT), RIGHT)
    no_card = await history.answer()
    await history.say(no_card, None, verdict=Verdict.NOT_A_CARD)
    await history.say(await history.answer(None), None, verdict=Verdict.NOT_A_CARD)
    accuracy = (await history.figures()).accuracy
    assert (accuracy.accepted.part, accuracy.accepted.whole) == (1, 2)
    assert [detection_id for _, detection_id in accuracy.wrong_detections] == [no_card]
    assert (accuracy.judged, accuracy.printing.whole, accuracy.unknown.whole) == (3, 1, 0)


async def test_accepted_answers_that_a_word_in_quarantine_or_on_a_poor_crop_contradicts_are_disputed(
    history: History,
) -> None:
    await history.say(await history.answer(RIGHT), RIGHT)
    opposed, poor = await history.answer(), await history.answer(complaint=TOO_POOR)
    await history.say(opposed, RIGHT, IN_QUARANTINE)
    await history.say(opposed, None, IN_QUARANTINE)  # the same crop counts once
    await history.say(poor, RIGHT, REFUSED)
    accuracy = (await history.figures()).accuracy
    assert [detection_id for _, detection_id in accuracy.disputed_detections] == [poor, opposed]
    assert accuracy.disputed == 2
    assert (accuracy.accepted.part, accuracy.accepted.whole) == (1, 1)
    assert (accuracy.accepted_at_worst.part, accuracy.accepted_at_worst.whole) == (1, 3)
    behind = await history.scans.list(ScanFilter(judged=Judged.DISPUTED), 10)
    assert {one.scan_id for one in behind} == {scan_id for scan_id, _ in accuracy.disputed_detections}


async def test_a_word_that_is_proved_overruled_or_agrees_disputes_nothing(history: History) -> None:
    await history.say(await history.answer(), TAKEN_FOR, IN_QUARANTINE)  # the answer itself
    await history.say(await history.answer(), RIGHT, OUTVOTED)
    await history.say(await history.answer(None), RIGHT, IN_QUARANTINE)  # nothing was accepted
    judged = await history.answer()
    await history.say(judged, RIGHT, IN_QUARANTINE)
    await history.say(judged, RIGHT)
    undone = await history.say(await history.answer(), RIGHT, IN_QUARANTINE)
    await history.scans.undo_correction(undone)
    accuracy = (await history.figures()).accuracy
    assert (accuracy.disputed, accuracy.disputed_detections) == (0, ())
    assert (accuracy.accepted.part, accuracy.accepted.whole) == (0, 1)
    assert accuracy.accepted_at_worst == accuracy.accepted
    assert await history.scans.list(ScanFilter(judged=Judged.DISPUTED), 10) == []


async def test_the_filters_narrow_what_is_disputed(history: History) -> None:
    await history.say(await history.answer(), RIGHT, IN_QUARANTINE)
    for chosen in (QualityFilter(encoder="other"), QualityFilter(set_id="other")):
        assert (await history.figures(chosen)).accuracy.disputed == 0
    assert (await history.figures(QualityFilter(encoder="test"))).accuracy.disputed == 1
