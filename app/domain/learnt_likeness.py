"""What a likeness to a learnt photo is worth beside a likeness to a picture of the gallery.

Photos by one camera are like each other, whatever they show: to a dim, orange photo the dim, orange photos of
other cards are nearer than the clean picture of its own. How near those of other cards lie is therefore taken
off, as far as it goes beyond how near the pictures of other cards lie: the local scaling of nearest
neighbours (cross-domain similarity local scaling, Conneau et al. 2018, "Word Translation Without Parallel
Data", section 2.3), here with the photo as the one side and two kinds of templates as the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.domain.types import TemplateHit, TemplateSource

#: Pictures of other cards whose mean likeness says what is common.
_OTHERS = 10


def at_their_worth(hits: Sequence[TemplateHit]) -> list[TemplateHit]:
    """The hits of one query, those of learnt templates with similarities that compare with all others'.

    Args:
        hits: Of one query, in any order.
    """
    learnt = [hit for hit in hits if hit.source is TemplateSource.CORRECTION]
    if not learnt:
        return list(hits)
    pictures = [hit for hit in hits if hit.source is not TemplateSource.CORRECTION]
    common = _common(pictures, 0.0)
    excess = max(0.0, _common(learnt, common) - common)
    return [*pictures, *(replace(hit, similarity=hit.similarity - excess) for hit in learnt)]


def _common(hits: Iterable[TemplateHit], elsewhere: float) -> float:
    """Mean similarity to the ten best artworks but the first; ``elsewhere`` for those that there are not."""
    best: dict[int, float] = {}
    for hit in hits:
        best[hit.artwork_group_id] = max(best.get(hit.artwork_group_id, -1.0), hit.similarity)
    others = sorted(best.values(), reverse=True)[1 : 1 + _OTHERS]
    return sum([*others, *[elsewhere] * (_OTHERS - len(others))]) / _OTHERS
