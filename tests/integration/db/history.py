"""Photos that were answered, judged and learnt from: what tests of the quality figures share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np

from app.db.gallery import PostgresGallery
from app.db.learning import PostgresLearning
from app.db.pool import Database
from app.db.quality import PostgresQuality
from app.db.scans import PostgresScanStore
from app.domain.correction_types import CorrectionStatus, NewCorrection, Verdict
from app.domain.learning_types import Answered, CorrectionToStudy, Decision, Findings, Study, Support
from app.domain.quality_types import Quality, QualityFilter
from app.domain.types import Candidate, Card, EncoderInfo, Status, TemplateSource, Vectors
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
_LEARNED = Decision(CorrectionStatus.LEARNED, "")
_TEMPLATE = Decision(CorrectionStatus.LEARNED, "", is_template=True)


class History:
    """Photos that were answered and judged, and learnt from, one after the other.

    A photo is a vector; two photos of one vector have the same bytes.

    Args:
        database: Where all is stored.
    """

    def __init__(self, database: Database) -> None:
        self.scans = PostgresScanStore(database)
        self._database = database
        self._quality = PostgresQuality(database)
        self._encoder = ENCODER
        self._learning = PostgresLearning(database, ENCODER)
        self._crops: dict[bytes, tuple[Vectors, Findings]] = {}
        self._decisions: dict[UUID, Decision] = {}

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
        """Stores an accepted answer, and that it is ``RIGHT``; returns the scan.

        Each card lies somewhere else in its picture, unless ``moved_px`` says where.
        """
        candidate = Candidate(answered, 1, similarity, 0.99, TemplateSource(source))
        found = replace(identification(card=answered), candidates=(candidate,))
        moved = 200.0 * len(self._crops) if moved_px is None else moved_px
        found = replace(found, quad_px=found.quad_px + moved)
        photo = sha256(vector.tobytes().hex())
        result = replace(scan(found), sha256=photo, encoder=self._encoder)
        crop = picture(f"{photo} {result.scan_id}")
        self._crops[crop.data] = vector, Findings(vector, support=Support.BACKED, alone=alone)
        await self.scans.save(result, picture(photo), [crop], None)
        decision = _TEMPLATE if becomes_template else _LEARNED
        await self.say(found.detection_id, RIGHT, decision)
        return result.scan_id

    async def answer(self, answered: Card | None = TAKEN_FOR, *, complaint: str | None = None) -> UUID:
        """Stores an answer, accepted where a card is named, for ``say`` to judge; returns the detection."""
        status = Status.UNKNOWN if answered is None else Status.ACCEPTED
        found = identification(status, answered)
        result = scan(found)
        crop = picture(str(result.scan_id))
        vector = unit_vectors(900 + len(self._crops), 1)[0]
        self._crops[crop.data] = vector, Findings(vector, complaint, alone=ALONE_WRONG)
        await self.scans.save(result, picture(str(result.scan_id)), [crop], None)
        return found.detection_id

    async def say(
        self,
        detection_id: UUID,
        card: Card | None,
        stands: Decision = _LEARNED,
        verdict: Verdict | None = None,
    ) -> UUID:
        """A person's word, and how it stands; without a card and a verdict that the gallery lacks it."""
        verdict = verdict or (Verdict.NOT_IN_GALLERY if card is None else Verdict.CARD)
        said = NewCorrection(
            verdict, detection_id=detection_id, card_id=None if card is None else card.card_id
        )
        stored, _ = await self.scans.add_correction(said, "body", None)
        self._decisions[stored.correction_id] = stands
        await self.learn()
        return stored.correction_id

    async def learn(self) -> None:
        """Studies what waits, and has all decided as the test says."""
        while await self._learning.study_next(self._look):
            pass
        await self._learning.judge(self._decide)

    async def put_cards(self) -> None:
        """The two cards, in the gallery of the present encoder."""
        cards = [
            simple_update(one.card_id, unit_vectors(n, 3, self._encoder.dimension))
            for n, one in enumerate((TAKEN_FOR, RIGHT))
        ]
        await PostgresGallery(self._database, self._encoder).put_cards(cards)

    async def change_encoder(self, encoder: EncoderInfo, alone: Answered) -> None:
        """Another encoder answers from now on, and all was learnt anew in its gallery.

        Args:
            encoder: Whose gallery it is.
            alone: What that gallery's own pictures answer to every crop until now.
        """
        self._encoder, self._learning = encoder, PostgresLearning(self._database, encoder)
        self._crops = {
            crop: (vector, replace(found, alone=alone)) for crop, (vector, found) in self._crops.items()
        }
        await self.put_cards()
        await self.learn()

    async def figures(self, chosen: QualityFilter | None = None) -> Quality:
        return await self._quality.figures(chosen or QualityFilter())

    async def _look(self, correction: CorrectionToStudy) -> Findings:
        assert correction.crop is not None
        vector, found = self._crops[correction.crop.data]
        short = vector[: self._encoder.dimension]
        return replace(found, encoded=short / np.linalg.norm(short))

    def _decide(self, studies: Sequence[Study]) -> Mapping[UUID, Decision]:
        return {one.correction_id: self._decisions[one.correction_id] for one in studies}
