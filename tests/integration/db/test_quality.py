"""What PostgreSQL knows of judged answers: whose template decided, and whether the photo knew itself."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from app.db.pool import Database
from app.db.quality import SAME_PHOTO, SAME_PHOTO_IN_PLACE
from app.domain.quality_types import QualityFilter
from app.domain.types import Vectors
from tests.integration.db.builders import ENCODER, OTHER_ENCODER, scan, unit_vectors
from tests.integration.db.history import ALONE_RIGHT, ALONE_WRONG, RIGHT, TAKEN_FOR, History


@pytest.fixture
async def history(database: Database) -> History:
    opened = History(database)
    await opened.put_cards()
    return opened


def like(vector: Vectors, seed: int, *, cosine: float = 0.95) -> Vectors:
    """A photo of the same card: much like another one, and as good as the same from ``SAME_PHOTO`` on."""
    noise = unit_vectors(seed, 1)[0]
    noise -= (noise @ vector) * vector
    moved = cosine * vector + np.sqrt(1 - cosine**2) * noise / np.linalg.norm(noise)
    return moved.astype(np.float32)


PHOTO, OTHER_PHOTO = unit_vectors(50, 2)


async def test_the_same_photo_again_counts_as_what_the_gallery_alone_says(history: History) -> None:
    """Told by the bytes, whichever template was nearest: learnt crops speak in verification, too."""
    await history.judge(PHOTO, TAKEN_FOR, becomes_template=True)
    await history.judge(PHOTO, RIGHT, source="correction", similarity=0.5)
    await history.judge(PHOTO, RIGHT, source="official")
    accuracy = (await history.figures()).accuracy
    assert (accuracy.printing.part, accuracy.printing.whole) == (0, 3)
    assert (accuracy.accepted.part, accuracy.gained) == (0, 0)
    assert [one.right for one in accuracy.calibration] == [0]


@pytest.mark.parametrize("source", ["correction", "official"])
async def test_a_photo_as_good_as_the_same_counts_so_too(history: History, source: str) -> None:
    """Told by what the encoder sees; the answer's similarity may have been moved by what else was learnt."""
    await history.judge(PHOTO, TAKEN_FOR, becomes_template=True)
    for seed in range(12):
        await history.judge(unit_vectors(200 + seed, 1)[0], TAKEN_FOR, becomes_template=True)
    again = like(PHOTO, 1, cosine=SAME_PHOTO + 0.002)
    await history.judge(again, RIGHT, source=source, similarity=0.4)
    accuracy = (await history.figures()).accuracy
    assert (accuracy.printing.part, accuracy.printing.whole, accuracy.gained) == (0, 14, 0)


async def test_a_photo_saved_anew_is_told_by_the_place_of_its_card_too(history: History) -> None:
    width_px = scan().width_px
    await history.judge(PHOTO, TAKEN_FOR, becomes_template=True, moved_px=0.0)
    again = like(PHOTO, 1, cosine=SAME_PHOTO_IN_PLACE + 0.01)
    await history.judge(again, RIGHT, source="correction", moved_px=0.019 * width_px)
    elsewhere = like(PHOTO, 2, cosine=SAME_PHOTO_IN_PLACE + 0.01)
    await history.judge(elsewhere, RIGHT, source="correction", moved_px=0.021 * width_px)
    stranger = like(PHOTO, 3, cosine=SAME_PHOTO_IN_PLACE - 0.01)
    await history.judge(stranger, RIGHT, source="correction", moved_px=0.0)
    accuracy = (await history.figures()).accuracy
    assert (accuracy.printing.part, accuracy.printing.whole, accuracy.gained) == (2, 4, 2)


async def test_where_a_photo_was_forgotten_its_card_may_have_lain_in_the_same_place(history: History) -> None:
    learnt_from = await history.judge(PHOTO, TAKEN_FOR, becomes_template=True)
    assert await history.scans.delete(learnt_from)
    await history.judge(like(PHOTO, 1), RIGHT, source="correction")
    accuracy = (await history.figures()).accuracy
    assert (accuracy.printing.part, accuracy.printing.whole, accuracy.gained) == (0, 1, 0)


async def test_another_photo_counts_as_it_was_answered(history: History) -> None:
    await history.judge(PHOTO, TAKEN_FOR, becomes_template=True)
    other = like(PHOTO, 1, cosine=SAME_PHOTO - 0.002)
    await history.judge(other, RIGHT, source="correction", similarity=0.999)
    accuracy = (await history.figures()).accuracy
    assert (accuracy.printing.part, accuracy.printing.whole, accuracy.gained) == (1, 2, 1)


async def test_the_template_most_like_the_crop_is_the_one_that_turned_an_answer(history: History) -> None:
    first = await history.judge(PHOTO, TAKEN_FOR, becomes_template=True)
    second = await history.judge(OTHER_PHOTO, TAKEN_FOR, becomes_template=True)
    mended = await history.judge(like(OTHER_PHOTO, 1), RIGHT, source="correction")
    await history.judge(like(PHOTO, 2), RIGHT, source="correction", alone=ALONE_RIGHT)
    await history.judge(like(PHOTO, 3), RIGHT, source="official")
    quality = await history.figures()
    assert quality.learnt_templates == 2
    (only,) = quality.learnt  # the other one turned nothing
    assert (only.card.card_id, only.scan_id) == ("right", second)
    assert [scan_id for scan_id, _ in only.effect.gained] == [mended]
    assert (only.effect.decided, only.effect.lost) == (1, ())
    assert only.scan_id != first


async def test_a_template_that_came_later_turned_nothing_and_one_taken_back_is_not_shown(
    history: History,
) -> None:
    await history.judge(PHOTO, TAKEN_FOR, becomes_template=True)
    await history.judge(like(OTHER_PHOTO, 1), RIGHT, source="correction")
    await history.judge(OTHER_PHOTO, TAKEN_FOR, becomes_template=True)
    (only,) = (await history.figures()).learnt
    assert only.effect.decided == 1
    stored = await history.scans.get_correction(only.correction_id)
    assert stored is not None
    await history.scans.undo_correction(only.correction_id)
    after = await history.figures()
    assert (after.learnt, after.accuracy.gained) == ((), 1)


async def test_after_a_change_of_encoder_answers_are_held_against_the_gallery_that_gave_them(
    history: History,
) -> None:
    """The other encoder's gallery answers these crops rightly, and would hide what the first one learnt."""
    await history.judge(PHOTO, TAKEN_FOR, becomes_template=True)
    await history.judge(like(PHOTO, 1), RIGHT, source="correction")
    before = await history.figures()
    assert before.accuracy.gained == 1
    await history.change_encoder(OTHER_ENCODER, ALONE_RIGHT)
    after = await history.figures()
    assert after.accuracy == before.accuracy
    assert [one.effect for one in after.learnt] == [one.effect for one in before.learnt]


async def test_a_photo_knows_itself_by_templates_that_were_learnt_anew_for_another_encoder(
    history: History, database: Database
) -> None:
    """The first encoder's gallery is gone, and all templates are younger than any scan."""
    await history.judge(PHOTO, TAKEN_FOR, becomes_template=True)
    await history.judge(like(PHOTO, 1, cosine=0.999), RIGHT, source="correction")
    await history.change_encoder(OTHER_ENCODER, ALONE_WRONG)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM galleries WHERE encoder_name = $1", ENCODER.name)
    accuracy = (await history.figures()).accuracy
    assert (accuracy.printing.part, accuracy.printing.whole, accuracy.gained) == (0, 2, 0)


async def test_what_a_template_decided_is_told_after_a_change_of_encoder(
    history: History, database: Database
) -> None:
    learnt_from = await history.judge(PHOTO, TAKEN_FOR, becomes_template=True)
    await history.judge(OTHER_PHOTO, RIGHT, source="correction")
    await history.change_encoder(OTHER_ENCODER, ALONE_WRONG)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM galleries WHERE encoder_name = $1", ENCODER.name)
    (only,) = (await history.figures()).learnt
    assert (only.scan_id, only.effect.decided) == (learnt_from, 1)


async def test_a_crop_that_several_encoders_learnt_counts_once(history: History) -> None:
    await history.judge(PHOTO, TAKEN_FOR, becomes_template=True)
    await history.judge(OTHER_PHOTO, TAKEN_FOR, becomes_template=True)
    await history.change_encoder(OTHER_ENCODER, ALONE_WRONG)
    assert (await history.figures()).learnt_templates == 2
    assert (await history.figures(QualityFilter(encoder=OTHER_ENCODER.name))).learnt_templates == 2


async def test_of_many_reasons_the_rarer_ones_are_counted_and_no_correction_drops_out(
    history: History, database: Database
) -> None:
    for _ in range(33):
        await history.judge(PHOTO, RIGHT)
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE corrections SET status = 'quarantined', reason = 'the crop agrees clearly with ' || id"
            " WHERE sequence > (SELECT min(sequence) + 1 FROM corrections)"
        )
    quality = await history.figures()
    assert quality.corrections == {"learned": 2, "quarantined": 31}
    assert (len(quality.reasons), quality.more_reasons) == (30, 2)


async def test_all_figures_are_of_one_moment(history: History, database: Database) -> None:
    """What changes while they are counted is in none of them: a lock holds all counting up meanwhile."""
    await history.judge(PHOTO, RIGHT)
    async with database.connection() as other:
        async with other.transaction():
            await other.execute("LOCK TABLE scans")
            counting = asyncio.create_task(history.figures())
            while not await other.fetchval(
                "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE d.datname = current_database() AND NOT l.granted)"
            ):
                await asyncio.sleep(0.01)
            await other.execute("UPDATE scans SET encoder_name = 'later'")
        quality = await counting
    assert quality.encoders == ("test",)
