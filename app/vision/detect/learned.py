"""Cards as the learned finder sees them at two or three looks, each once, its sides on edges near them."""

from __future__ import annotations

import numpy as np

from app.domain.geometry import quad_iou
from app.vision.detect.candidates import Quads
from app.vision.detect.complete import Found, complete_grid
from app.vision.detect.fans import SAME_FANNED_IOU, are_among, lie_under, score_together
from app.vision.detect.planes import Planes
from app.vision.detect.pool import Floats64, Index, Mask
from app.vision.detect.second_look import look_again
from app.vision.detect.shapes import areas, coverage, shape_prior
from app.vision.detect.sides import FINE, fit_sides
from app.vision.detect.votes import Finder, find_covered, find_quads

#: Of the first look, worth a second one; and of all looks together, to be a card.
_LEAST_FIRST_SCORE = 0.4
_LEAST_SCORE = 0.7
_FIRST_SHARE = 0.5
#: A look whose score is lower is in doubt: a third costs little, for few need it.
_SURE = 0.97
_LEAST_SHAPE = 0.1
#: In pixels of the full picture: a narrower card could not be named.
_LEAST_SIDE_PX = 40.0
#: Two quads that overlap so much, which is by three fifths of each, are one card.
_SAME_CARD_IOU = 0.45
#: A quad that lies in another by this share, and is smaller by that factor, is a part of it.
_PART_COVERED = 0.7
_PART_SIZE = 0.6
#: A place in the grid that no card overlaps so much is empty yet; what a second look must see there.
_NEW_IOU = 0.3
_LEAST_COMPLETED_SCORE = 0.9
#: How far a side may move to meet its edge, as a share of the quad's mean side.
_REACH_SHARE = 0.03
_FAR_COST = 0.05
_LEAST_SUPPORT = 0.5


def find_learned(planes: Planes, finder: Finder) -> Found:
    """Cards in working pixels, with the finder's scores at all looks in one."""
    quads, first = _usable(planes, *find_quads(planes.picture, finder))
    sure = first >= _LEAST_FIRST_SCORE
    under = lie_under(quads, first, quads[sure], first[sure])
    quads, first, fanned = quads[sure], first[sure], under[sure]
    if under.any():
        more, chance = _usable(planes, *find_covered(planes.picture, finder))
        new = lie_under(more, chance, quads, first) & ~are_among(more, quads[first >= _LEAST_SCORE])
        quads, first = np.concatenate([quads, more[new]]), np.concatenate([first, chance[new]])
        fanned = np.concatenate([fanned, new[new]])
    quads, score = _looked_at_again(planes, quads, first, int(sure.sum()), finder)
    kept = _each_once(quads, score, fanned, _LEAST_SCORE)
    return _completed(planes, Found(_refined(planes, quads[kept]), score[kept]), fanned[kept], finder)


def _usable(planes: Planes, quads: Quads, first: Floats64) -> tuple[Quads, Floats64]:
    """Those that are wide enough, could be a card, and whose middle lies in the picture."""
    wide = areas(quads) >= (_LEAST_SIDE_PX * planes.scale) ** 2
    usable = wide & (shape_prior(quads) >= _LEAST_SHAPE) & _lie_inside(quads, planes.size)
    return quads[usable], first[usable]


def _looked_at_again(
    planes: Planes, quads: Quads, first: Floats64, sure: int, finder: Finder
) -> tuple[Quads, Floats64]:
    """The quads after a second look, and a third where one of them was in doubt; all scores in one.

    Only the first ``sure`` are such that no others mean the same card.
    """
    quads, closer = look_again(planes.picture, quads, finder)
    covered = (closer > 0) & (np.arange(len(quads)) >= sure)
    first = first.copy()
    first[covered] = score_together(quads[covered], first[covered])
    doubtful = (np.minimum(first, closer) < _SURE) & (closer > 0)
    quads[doubtful], third = look_again(planes.picture, quads[doubtful], finder)
    closer[doubtful] = (closer[doubtful] + third) / 2
    return quads, _FIRST_SHARE * first + (1 - _FIRST_SHARE) * closer


def _lie_inside(quads: Quads, size: tuple[int, int]) -> Mask:
    """Marks quads whose middle lies in the picture of that width and height."""
    middle = quads.mean(axis=1)
    return np.asarray(((middle >= 0) & (middle <= np.array(size))).all(axis=1), dtype=bool)


def _completed(planes: Planes, cards: Found, fanned: Mask, finder: Finder) -> Found:
    """With the cards that the grid of the others says must be there, if a look at their place sees them.

    What looks like a card's back to the first look may be a card; at the place of one, it is looked at again.
    """
    more = complete_grid(planes, cards)
    overlaps = np.array(
        [max((quad_iou(one, card) for card in cards.quads), default=0.0) for one in more.quads]
    )
    added = more.quads[overlaps < _NEW_IOU] if len(more.quads) else more.quads
    looked, score = look_again(planes.picture, added, finder)
    seen = score >= _LEAST_COMPLETED_SCORE
    quads = np.concatenate([cards.quads, _refined(planes, looked[seen])])
    score = np.concatenate([cards.score, score[seen]])
    sureness = score + (np.arange(len(score)) < len(cards.score))  # a look may slide onto a known card
    fanned = np.concatenate([fanned, np.zeros(len(quads) - len(fanned), dtype=bool)])
    kept = np.sort(_each_once(quads, sureness, fanned, _LEAST_COMPLETED_SCORE))
    return Found(quads[kept], score[kept])


def _each_once(quads: Quads, score: Floats64, fanned: Mask, least_score: float) -> Index:
    """Indices of what could be cards, of those that are the same card or its parts the surest."""
    area, covered = areas(quads), coverage(quads)
    possible = (score >= least_score) & (shape_prior(quads) >= _LEAST_SHAPE) & (area > 0)
    kept: list[int] = []
    for index in np.argsort(-score, kind="stable"):
        if possible[index] and not any(
            _is_part(area, covered, index, other) or _is_same(quads, covered, fanned, index, other)
            for other in kept
        ):
            kept.append(int(index))
    return np.array(kept, dtype=np.intp)


def _is_part(area: Floats64, covered: Floats64, one: int, other: int) -> bool:
    """Whether one of two quads is part of the other."""
    inside = max(covered[one, other], covered[other, one])
    smaller, larger = sorted((area[one], area[other]))
    return bool(inside >= _PART_COVERED and smaller < _PART_SIZE * larger)


def _is_same(quads: Quads, covered: Floats64, fanned: Mask, one: int, other: int) -> bool:
    """Whether two quads are one card."""
    if max(covered[one, other], covered[other, one]) <= 0:
        return False
    most = SAME_FANNED_IOU if fanned[one] or fanned[other] else _SAME_CARD_IOU
    return quad_iou(quads[one], quads[other]) > most


def _refined(planes: Planes, quads: Quads) -> Quads:
    """The quads on the edges near them; as they are where no edge is seen under some side."""
    fitted = fit_sides(planes.color, quads, _REACH_SHARE, FINE, _FAR_COST)
    seen = fitted.support.min(axis=1, initial=1.0) >= _LEAST_SUPPORT
    seen &= shape_prior(fitted.quads) >= _LEAST_SHAPE
    return np.asarray(np.where(seen[:, None, None], fitted.quads, quads), np.float64)
