"""What PostgreSQL knows of judged answers: whose template decided, and whether the photo knew itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from app.db.gallery import PostgresGallery
from app.db.learning import PostgresLearning
from app.db.pool import Database
from app.db.quality import SAME_PHOTO, SAME_PHOTO_IN_PLACE, PostgresQuality
from app.db.scans import PostgresScanStore
from app.domain.correction_types import CorrectionStatus, NewCorrection, Verdict
from app.domain.learning_types import Answered, CorrectionToStudy, Decision, Findings, Study, Support
from app.domain.quality_types import Quality, QualityFilter
from app.domain.types import Candidate, Card, Status, TemplateSource, Vectors
from tests.integration.db.builders import (
    ENCODER,
    identification,
    picture,
    scan,
    sha256,
    simple_update,
    unit_vectors,
)

TAKEN_FOR, RIGHT = Card("taken-for", "Taken for"), Card("right", "Right")
ALONE_WRONG = Answered("taken-for", 1, Status.ACCEPTED, 0.97, 0.95)
ALONE_RIGHT = Answered("right", 2, Status.ACCEPTED, 0.97, 0.95)


class History:
    """Photos that were answered and judged, and learnt from, one after the other.

    A photo is a vector; two photos of one vector have the same bytes.
    """

    def __init__(self, database: Database) -> None:
        self.scans = PostgresScanStore(database)
        self.learning = PostgresLearning(database, ENCODER)
        self._quality = PostgresQuality(database)
        self._crops: dict[bytes, tuple[Vectors, Answered]] = {}
        self._templates: set[UUID] = set()

    async def judge(
        self,
        vector: Vectors,
        answered: Card,
        *,
        source: str = "official",
        similarity: float = 0.9,
        alone: Answered = ALONE_WRONG,
        becomes_template: bool = False,
        moved_px: float | None = None,
    ) -> UUID:
        """Stores an answer, and that it is ``RIGHT``; returns the scan.

        Each card lies somewhere else in its picture, unless ``moved_px`` says where.
        """
        candidate = Candidate(answered, 1, similarity, 0.99, TemplateSource(source))
        found = replace(identification(card=answered), candidates=(candidate,))
        moved = 200.0 * len(self._crops) if moved_px is None else moved_px
        found = replace(found, quad_px=found.quad_px + moved)
        photo = sha256(vector.tobytes().hex())
        result = replace(scan(found), sha256=photo)
        crop = picture(f"{photo} {result.scan_id}")
        self._crops[crop.data] = vector, alone
        await self.scans.save(result, picture(photo), [crop], None)
        said = NewCorrection(Verdict.CARD, detection_id=found.detection_id, card_id=RIGHT.card_id)
        stored, _ = await self.scans.add_correction(said, "body", None)
        if becomes_template:
            self._templates.add(stored.correction_id)
        while await self.learning.study_next(self._look):
            pass
        await self.learning.judge(self._decide)
        return result.scan_id

    async def _look(self, correction: CorrectionToStudy) -> Findings:
        assert correction.crop is not None
        vector, alone = self._crops[correction.crop.data]
        return Findings(vector, support=Support.BACKED, alone=alone)

    def _decide(self, studies: Sequence[Study]) -> Mapping[UUID, Decision]:
        return {
            one.correction_id: Decision(CorrectionStatus.LEARNED, "", one.correction_id in self._templates)
            for one in studies
        }

    async def figures(self) -> Quality:
        return await self._quality.figures(QualityFilter())


@pytest.fixture
async def history(database: Database) -> History:
    gallery = PostgresGallery(database, ENCODER)
    cards = [simple_update(one.card_id, unit_vectors(n, 3)) for n, one in enumerate((TAKEN_FOR, RIGHT))]
    await gallery.put_cards(cards)
    return History(database)


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
