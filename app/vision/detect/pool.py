"""The candidates that are worth a choice, with what the choice looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.vision.detect.candidates import Quads
from app.vision.detect.detail import print_shares
from app.vision.detect.shapes import areas, coverage, shape_prior, short_side_first, turns
from app.vision.detect.sides import FittedQuads, Floats

Floats64 = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

_MAX_POOL = 260
#: Of each doubling of size: the squares of a cloth are many and sharp, the one card on it need not be.
_POOL_OF_EACH_SIZE = 50
_MIN_SCORE = 0.45
#: Less of a card's face than this is bare, on all but a few in a thousand.
MIN_PRINT_SHARE = 0.45
#: Quads whose corners all lie this near to those of a better one, as a share of their size, repeat it.
_REPEAT_SHARE = 0.015


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates, best first.

    Attributes:
        quads: (count, 4, 2), working pixels, short side first.
        score: How well edges support each as a card, (count,), in [0, 1].
        area: (count,), square pixels.
        turn: Angle of the sides in radians, a quarter apart, (count,).
        printed: Share of each quad's inside that shows print, (count,).
        covered: Share of quad i that lies in quad j, (count, count).
    """

    quads: Quads
    score: Floats64
    area: Floats64
    turn: Floats64
    printed: Floats64
    covered: Floats64

    def __len__(self) -> int:
        return len(self.quads)

    def take(self, index: Index | Mask) -> Pool:
        """The candidates of an index or mask."""
        return Pool(
            self.quads[index],
            self.score[index],
            self.area[index],
            self.turn[index],
            self.printed[index],
            self.covered[index][:, index],
        )


def make_pool(color: Floats, fitted: FittedQuads) -> Pool:
    """The best candidates that show print, without repeats."""
    score = score_quads(fitted)
    order = np.argsort(-score, kind="stable")
    order = order[score[order] >= _MIN_SCORE]
    quads = short_side_first(fitted.quads[order])
    kept = _without_repeats(quads)
    kept = kept[_spread(areas(quads[kept]))]
    printed = print_shares(color, quads[kept])
    kept, printed = kept[printed >= MIN_PRINT_SHARE], printed[printed >= MIN_PRINT_SHARE]
    quads = quads[kept]
    return Pool(quads, score[order][kept], areas(quads), turns(quads), printed, coverage(quads))


def score_quads(fitted: FittedQuads) -> Floats64:
    """Edge under the sides, the weakest side counting as much as all, times the shape prior: (count,)."""
    support = 0.5 * fitted.support.min(axis=1) + 0.5 * fitted.support.mean(axis=1)
    prior = shape_prior(fitted.quads)
    return np.asarray(np.where(prior > 0.0, support * (0.4 + 0.6 * prior), 0.0), dtype=np.float64)


def _spread(area: Floats64) -> Index:
    """Indices of the first of all, but of each size as many as it takes that none crowds out the others.

    Args:
        area: Square pixels of the candidates, (count,), best first.
    """
    octave = np.round(np.log2(np.maximum(area, 1.0)) / 2).astype(int)
    rank = np.zeros(len(area), dtype=int)
    for size in np.unique(octave):
        of_size = octave == size
        rank[of_size] = np.arange(of_size.sum())
    order = np.lexsort((np.arange(len(area)), rank >= _POOL_OF_EACH_SIZE))
    return np.asarray(np.sort(order[:_MAX_POOL]), dtype=np.intp)


def _without_repeats(quads: Quads) -> Index:
    """Indices, in the order given, of quads that are not nearly the same as an earlier one."""
    reach = _REPEAT_SHARE * np.sqrt(np.maximum(areas(quads), 1.0))
    halves = np.roll(quads, 2, axis=1)
    free = np.ones(len(quads), dtype=bool)
    kept: list[int] = []
    for index in range(len(quads)):
        if not free[index]:
            continue
        kept.append(index)
        moved = np.abs(quads - quads[index]).max(axis=(1, 2))
        turned = np.abs(halves - quads[index]).max(axis=(1, 2))
        free &= np.minimum(moved, turned) > reach[index]
    return np.array(kept, dtype=np.intp)
