"""Which crops, of those that people say the gallery lacks, show one card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from app.domain.correction_types import Verdict
from app.domain.learning_types import Study

#: Crops that are compared with all before them at a time: one product of matrices for so many is far faster
#: than one for each.
_BLOCK = 256
_NOT_NOTED = -2.0


class UnknownCards:
    """Crops in the order in which they are noted, each put to the card that it is most alike.

    Args:
        studies: All that may be noted, in that order; others are passed over.
        same: Crops so alike show the same card.
    """

    def __init__(self, studies: Sequence[Study], same: float) -> None:
        asked = [one for one in studies if one.verdict is Verdict.NOT_IN_GALLERY]
        self._same = same
        self._vectors = np.stack([one.vector for one in asked]) if asked else np.zeros((0, 0), np.float32)
        self._place = {one.correction_id: place for place, one in enumerate(asked)}
        self._block = (-1, self._vectors)
        self._is_noted = np.zeros(len(asked), bool)
        self._groups: dict[int, int] = {}
        self._seen: Counter[int] = Counter()

    def add(self, study: Study) -> tuple[int, int]:
        """The number of the crop's card, its own sequence where that is new; and how often it was seen."""
        place = self._place[study.correction_id]
        group = self._group_of(place, study.sequence)
        self._is_noted[place] = True
        self._groups[place] = group
        self._seen[group] += 1
        return group, self._seen[group]

    def _group_of(self, place: int, new: int) -> int:
        if not self._groups:
            return new
        start = place - place % _BLOCK
        if self._block[0] != start:
            stop = start + _BLOCK
            self._block = start, self._vectors[start:stop] @ self._vectors[:stop].T
        alike = np.where(self._is_noted[:place], self._block[1][place - start, :place], _NOT_NOTED)
        best = int(alike.argmax())
        return self._groups[best] if alike[best] >= self._same else new
