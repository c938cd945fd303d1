"""The photos that are learnt so far: each is a template, and each is a question with a known answer."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.domain.learning_types import Study

_Similarities = NDArray[np.float32]
#: Photos of other cards whose mean likeness says what is common.
_OTHERS = 10
#: Photos that are compared with all others at a time.
_BLOCK = 1024


def common_likeness(studies: Sequence[Study]) -> dict[UUID, float]:
    """How much more alike to each photo those of other cards are than pictures of other cards, at least 0.

    Photos by one camera are like each other, whatever they show; searches take that off, too
    (``app.domain.learnt_likeness``). Photos count whatever becomes of what is said of them; only what other
    words about the same crop have settled already is not among these.

    Args:
        studies: About crops with a card named; others are passed over.
    """
    about = _about_cards(studies)
    if not about:
        return {}
    vectors = np.stack([one.vector for one in about])
    groups = np.array([one.artwork_group_id for one in about])
    rivals = np.array([one.findings.rival_similarity for one in about], np.float32)
    excess = np.empty(len(about), np.float32)
    for start in range(0, len(about), _BLOCK):
        rows = slice(start, start + _BLOCK)
        alike = vectors[rows] @ vectors.T
        elsewhere = rivals[rows, None]
        np.copyto(alike, elsewhere, where=groups[rows, None] == groups[None, :])
        # Where there are fewer photos the rival picture stands in for them.
        alike = np.concatenate([alike, np.repeat(elsewhere, _OTHERS + 1, axis=1)], axis=1)
        best = -np.sort(-np.partition(alike, -(_OTHERS + 1), axis=1)[:, -(_OTHERS + 1) :], axis=1)
        excess[rows] = np.maximum(0.0, best[:, 1:].mean(axis=1) - rivals[rows])
    return {one.correction_id: float(value) for one, value in zip(about, excess, strict=True)}


class ConfirmedPhotos:
    """Photos in the order in which they were learnt, and how they are answered by each other.

    Args:
        studies: All that may be learnt, in that order.
    """

    def __init__(self, studies: Sequence[Study]) -> None:
        about = _about_cards(studies)
        self._common = common_likeness(about)
        self._vectors = np.stack([one.vector for one in about]) if about else np.zeros((0, 0), np.float32)
        self._place = {one.correction_id: place for place, one in enumerate(about)}
        self._block: tuple[int, _Similarities] = (-1, self._vectors)
        self._learnt: list[Study] = []
        self._places = np.zeros(len(about), np.int64)
        self._groups = np.zeros(len(about), np.int64)
        # Similarity to the best template of the photo's own picture, but itself; and of any other.
        self._own, self._rival, self._excess = (np.zeros(len(about), np.float32) for _ in range(3))

    def spoilt_by(self, study: Study) -> Study | None:
        """A photo of another picture, told right so far, that would be taken for this study's card."""
        count = len(self._learnt)
        own = self._own[:count]
        is_other = self._groups[:count] != study.artwork_group_id
        told_right = own >= self._rival[:count]
        taken = self._similar(study) - self._excess[:count] > own
        spoilt = np.flatnonzero(is_other & told_right & taken)
        return self._learnt[int(spoilt[0])] if len(spoilt) else None

    def add(self, study: Study) -> None:
        """Counts it among the photos, and among the templates that answer them."""
        assert study.artwork_group_id is not None  # nothing is learnt about a card that is gone
        count = len(self._learnt)
        similar = self._similar(study)
        is_own = self._groups[:count] == study.artwork_group_id
        worth = similar - self._excess[:count]
        for best, concerned in ((self._own, is_own), (self._rival, ~is_own)):
            np.maximum(best[:count], worth, out=best[:count], where=concerned)
        excess = self._common[study.correction_id]
        mine = similar - excess
        found = study.findings
        self._places[count], self._groups[count] = self._place[study.correction_id], study.artwork_group_id
        self._own[count] = mine.max(initial=found.own_similarity, where=is_own)
        self._rival[count] = mine.max(initial=found.rival_similarity, where=~is_own)
        self._excess[count] = excess
        self._learnt.append(study)

    def _similar(self, study: Study) -> _Similarities:
        """To each that is learnt; asked in order, so that a whole block is multiplied at once."""
        place = self._place[study.correction_id]
        start = place - place % _BLOCK
        if self._block[0] != start:
            self._block = start, self._vectors[start : start + _BLOCK] @ self._vectors.T
        row = self._block[1][place - start]
        return np.asarray(row[self._places[: len(self._learnt)]])


def _about_cards(studies: Sequence[Study]) -> list[Study]:
    return [one for one in studies if one.artwork_group_id is not None and one.findings.complaint is None]
