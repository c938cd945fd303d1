"""Decides what is learnt from corrections: a pure function of all that have not been taken back.

They are gone through in the order of their arrival, each judged by the gallery's own pictures and by what was
learnt from those before it. Taking one back is judging all the others anew, so the gallery then answers as if
it had never been.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from app.domain.confirmed_photos import ConfirmedPhotos
from app.domain.correction_types import CorrectionStatus, Verdict
from app.domain.learning_types import Decision, LearningLimits, Study, Support
from app.domain.unknown_cards import UnknownCards
from app.domain.voices import hear, reliable

_DUPLICATE = "learnt as evidence; it shows no more than a template of this card that is there already"
_KEPT_AS_EVIDENCE = "learnt as evidence; {most} other templates of this card show more"


def judge(studies: Sequence[Study], limits: LearningLimits | None = None) -> dict[UUID, Decision]:
    """Decides about all corrections that have not been taken back.

    Args:
        studies: In any order; their arrival counts.
        limits: How much is learnt, and from whom.
    """
    ordered = sorted(studies, key=lambda study: study.sequence)
    limits = limits or LearningLimits()
    decided, agreed = hear(ordered, limits)
    # A word that was refused or waits for others must not weigh by its crop: eleven names for one crop would
    # make that likeness look common.
    undecided = [study for study in ordered if study.correction_id not in decided]
    unknown = UnknownCards(undecided, limits.same_unknown)
    fold = _Fold(limits, reliable(ordered, decided, limits), ConfirmedPhotos(undecided), unknown)
    for study in undecided:
        decided[study.correction_id] = fold.decide(study, study.correction_id in agreed)
    decided.update(fold.dropped)
    return decided


@dataclass(slots=True)
class _Fold:
    """What was learnt so far."""

    limits: LearningLimits
    reliable: set[str | None]
    photos: ConfirmedPhotos
    unknown: UnknownCards
    templates: dict[str, list[Study]] = field(default_factory=lambda: defaultdict(list))
    dropped: dict[UUID, Decision] = field(default_factory=dict)

    def decide(self, study: Study, is_agreed: bool) -> Decision:
        # A picture that shows no card need not be a good one.
        if study.findings.complaint is not None and study.verdict is not Verdict.NOT_A_CARD:
            return _rejected(study.findings.complaint)
        if study.findings.support is Support.OPPOSED and not is_agreed:
            return Decision(
                CorrectionStatus.QUARANTINED,
                f"the crop agrees clearly with {study.findings.rival}; "
                "it waits for a second person who says the same",
            )
        if study.verdict is Verdict.NOT_A_CARD:
            return Decision(CorrectionStatus.LEARNED, "noted: no card is to be seen here")
        if study.verdict is Verdict.NOT_IN_GALLERY:
            return self._unknown_card(study)
        return self._template(study, is_agreed)

    def _unknown_card(self, study: Study) -> Decision:
        """Puts the crop to those of the unknown card that it is most alike, or to a new one."""
        group, seen = self.unknown.add(study)
        times = "for the first time" if seen == 1 else f"{seen} times by now"
        return Decision(
            CorrectionStatus.LEARNED, f"noted: a card that is not in the gallery, seen {times}", False, group
        )

    def _template(self, study: Study, is_agreed: bool) -> Decision:
        refusal = self._refusal(study)
        if refusal is not None:
            return _rejected(refusal)
        is_believed = is_agreed or study.person in self.reliable
        if study.findings.support is Support.UNBACKED and not is_believed:
            return Decision(
                CorrectionStatus.QUARANTINED,
                "nothing in the crop speaks for this card; it waits for a second person who says the same, "
                f"or until {self.limits.borne_out} other crops have borne you out",
            )
        is_duplicate = self._is_duplicate(study)
        self.photos.add(study)
        if is_duplicate:
            return Decision(CorrectionStatus.LEARNED, _DUPLICATE)
        kept = self._keep_most_useful(study)
        reason = "its crop is a template of this card now" if kept else self._as_evidence()
        return Decision(CorrectionStatus.LEARNED, reason, kept)

    def _refusal(self, study: Study) -> str | None:
        if study.artwork_group_id is None:
            return "the card has been removed from the gallery"
        if len(study.findings.taken_from) >= self.limits.hub:
            return f"as a template it would be taken for {len(study.findings.taken_from)} other cards"
        if study.findings.taken_from:
            return f"as a template it would be taken for {study.findings.taken_from[0]}"
        spoilt = self.photos.spoilt_by(study)
        if spoilt is not None:
            return f"with it a confirmed photo of {spoilt.card_id} would be answered wrongly"
        return None

    def _is_duplicate(self, study: Study) -> bool:
        assert study.card_id is not None  # it goes with the verdict
        of_card = [one.vector for one in self.templates[study.card_id]]
        alike = max((float(one @ study.vector) for one in of_card), default=-1.0)
        return max(alike, study.findings.own_similarity) >= self.limits.duplicate

    def _keep_most_useful(self, study: Study) -> bool:
        """Adds it to its card's templates; where these become too many, the least useful one goes."""
        assert study.card_id is not None
        templates = self.templates[study.card_id]
        templates.append(study)
        if len(templates) <= self.limits.templates_per_card:
            return True
        least = _least_useful(templates)
        templates.remove(least)
        if least is study:
            return False
        self.dropped[least.correction_id] = Decision(CorrectionStatus.LEARNED, self._as_evidence())
        return True

    def _as_evidence(self) -> str:
        return _KEPT_AS_EVIDENCE.format(most=self.limits.templates_per_card)


def _least_useful(templates: Sequence[Study]) -> Study:
    """Of those that change no answer, or of all, the one most like another; the later of two alike."""
    candidates = [one for one in templates if not one.findings.surprises] or list(templates)
    vectors = np.stack([one.vector for one in templates])

    def redundancy(one: Study) -> tuple[float, int]:
        similar = vectors @ one.vector
        others = [s for s, other in zip(similar, templates, strict=True) if other is not one]
        return float(max(others)), one.sequence

    return max(candidates, key=redundancy)


def _rejected(reason: str) -> Decision:
    return Decision(CorrectionStatus.REJECTED, reason)
