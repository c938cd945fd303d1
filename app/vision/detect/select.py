"""Chooses, of all candidates, those that are cards: not pages, sleeves, art boxes or chance.

Three things are known of any picture of cards: all cards have one size, so that their sizes in the picture
agree but for perspective; cards do not lie in cards; and what is printed on a card is parallel to its sides.
"""

from __future__ import annotations

import numpy as np

from app.domain.types import CARD_ASPECT
from app.vision.detect.layers import outer_steps, wrong_layers
from app.vision.detect.pool import Floats64, Index, Mask, Pool
from app.vision.detect.shapes import angle_between, aspects, long_axes
from app.vision.detect.sides import Floats

_GOOD_SCORE = 0.62
_MIN_LONE_SCORE = 0.62
_MIN_ALIKE_SCORE = 0.5
#: What fills so much of the picture is more often a page or a box than a card close by.
_MOST_OF_PICTURE = 0.6
_SURE_SCORE = 0.85
#: Two cards of one picture differ at most so much in the logarithm of their size, by perspective.
_MAX_SIZE_STEP = 0.6
#: From this trust in the usual size on it is stronger evidence than what lies in or around a candidate, for
#: candidates whose size differs by no more than the step (of its logarithm).
_AGREED = 0.6
_USUAL_STEP = 0.1
#: A page of which so little shows print has many empty pockets; a card shows more.
_BARE_SHARE = 0.6


def select_cards(color: Floats, pool: Pool) -> Index:
    """Indices of the cards, disjoint; ``color`` is the picture in CIELAB."""
    if len(pool) == 0:
        return np.zeros(0, dtype=np.intp)
    steps = outer_steps(color, pool.quads)
    picture = color.shape[0] * color.shape[1]
    holds = _holds_cards(pool)
    usual = np.zeros(len(pool), dtype=bool)
    chosen = _choose(pool, steps, holds, usual, picture)
    expected, strength = _usual_size(pool, chosen)
    if strength >= _AGREED:  # three cards say how large a card is: what is so large is no page or part
        usual = (np.abs(np.log(pool.area) / 2 - expected) < _USUAL_STEP) & (pool.score >= _MIN_ALIKE_SCORE)
        chosen = _choose(pool, steps, holds & ~usual, usual, picture)
    return chosen


def _choose(pool: Pool, steps: Floats64, holds: Mask, usual: Mask, picture: int) -> Index:
    """Indices of disjoint cards.

    Args:
        pool: All candidates.
        steps: Colour step of each at its rim, (count,).
        holds: Marks candidates that are pages or rows.
        usual: Marks candidates known to be as large as a card is here.
        picture: Area of the picture in square pixels.
    """
    usable = np.flatnonzero(~holds)
    usable = usable[~wrong_layers(pool.take(usable), steps[usable], usual[usable])]
    pool = pool.take(usable)
    evidence = pool.score + 0.2 * _frames_print(pool)
    alone = np.where(pool.area > _MOST_OF_PICTURE * picture, _SURE_SCORE, _MIN_LONE_SCORE)
    by_size = evidence + 0.12 * np.log2(pool.area / pool.area.max())
    first = _pick_disjoint(pool, by_size, pool.score >= alone)
    if len(first) == 0:
        return usable[first]
    expected, strength = _usual_size(pool, first)
    off = np.abs(np.log(pool.area) / 2 - expected)
    most = _MAX_SIZE_STEP - 0.1 * strength
    needed = np.where(off < 0.15, _MIN_ALIKE_SCORE, np.where(off < most, alone, 2.0))
    fits = np.clip(1.0 - off / 0.15, -2.0, 1.0)
    return usable[_pick_disjoint(pool, evidence + 0.25 * strength * fits, pool.score >= needed)]


def _frames_print(pool: Pool) -> Mask:
    """Marks quads that hold a smaller, well supported quad parallel to them, as a card holds its art."""
    parallel = angle_between(pool.turn[:, None], pool.turn[None, :]) < np.radians(4.0)
    inner = (pool.covered > 0.95) & (pool.area[:, None] < 0.75 * pool.area[None, :])
    inner &= pool.area[:, None] > 0.1 * pool.area[None, :]
    return np.asarray((inner & parallel & (pool.score >= 0.7)[:, None]).any(axis=0), dtype=bool)


def _holds_cards(pool: Pool) -> Mask:
    """Marks quads that hold several like quads side by side: the outline of a page or of a row."""
    good = (pool.score >= _GOOD_SCORE) & (np.abs(aspects(pool.quads) - CARD_ASPECT) < 0.15)
    holds = np.zeros(len(pool), dtype=bool)
    for parent in np.argsort(pool.area):
        inside = (pool.covered[:, parent] > 0.9) & (pool.area < 0.55 * pool.area[parent])
        inner = np.flatnonzero(inside & good & ~holds & (pool.area > pool.area[parent] / 250))
        holds[parent] = _has_tiling(pool, inner, parent)
    return holds


def _has_tiling(pool: Pool, inner: Index, parent: int) -> bool:
    """Whether some quad inside and its likes, none overlapping, fill much of the parent."""
    direction = long_axes(pool.quads)
    for lead in inner[np.argsort(-pool.area[inner])]:
        along = angle_between(direction[lead], direction[parent], period=np.pi) < np.radians(20)
        small = pool.area[lead] < 0.28 * pool.area[parent]
        needed = 2 if small or not along else 3
        if pool.area[lead] * needed > 1.05 * pool.area[parent]:
            continue
        alike = np.abs(np.log(pool.area[inner] / pool.area[lead])) < 0.35
        alike &= angle_between(direction[inner], direction[lead], period=np.pi) < np.radians(15)
        tiles = inner[alike]
        tiles = tiles[_pick_disjoint(pool.take(tiles), pool.score[tiles], np.ones(len(tiles), dtype=bool))]
        share = 0.3 if small or along else 0.85
        if small and (
            len(tiles) >= 6 or pool.printed[parent] < _BARE_SHARE or _are_cards(pool, tiles, parent)
        ):
            share = 0.12
        if not small and not along:  # two cards; or the art over the text of one, but inside its border
            tiles = tiles[_share_corners(pool, tiles, parent)]
        if small and not along and len(tiles) == 2 and not _are_cards(pool, tiles, parent):
            continue  # likewise, with wide borders
        if len(tiles) >= needed and pool.area[tiles].sum() > share * pool.area[parent]:
            return True
    return False


def _are_cards(pool: Pool, tiles: Index, parent: int) -> bool:
    """Whether all tiles have sure edges (three: good ones), a card's shape and lie straight in the parent."""
    straight = angle_between(pool.turn[tiles], pool.turn[parent]) < np.radians(6)
    shaped = np.abs(aspects(pool.quads[tiles]) - CARD_ASPECT) < 0.08
    sure = 0.85 if len(tiles) < 3 else _GOOD_SCORE
    return bool(np.all(straight & shaped & (pool.score[tiles] >= sure)))


def _share_corners(pool: Pool, tiles: Index, parent: int) -> Mask:
    """Marks tiles two corners of which are those of the parent."""
    gaps = np.linalg.norm(pool.quads[tiles][:, :, None] - pool.quads[parent][None, None], axis=3)
    return np.asarray((gaps.min(axis=2) < 0.025 * np.sqrt(pool.area[parent])).sum(axis=1) == 2, dtype=bool)


def _pick_disjoint(pool: Pool, worth: Floats64, eligible: Mask) -> Index:
    """Indices of eligible quads taken by falling worth, each only if it overlaps none taken before."""
    taken: list[int] = []
    free = eligible.copy()
    for index in np.argsort(-worth, kind="stable"):
        if free[index]:
            taken.append(int(index))
            free &= np.maximum(pool.covered[index], pool.covered[:, index]) < 0.2
    return np.array(taken, dtype=np.intp)


def _usual_size(pool: Pool, picked: Index) -> tuple[Floats64, float]:
    """The logarithm of the size that a card would have at each candidate's place.

    Returns:
        Half the logarithm of the area (count,), and how far to trust it, in [0, 1]: 0 where no two picked
        quads agree.
    """
    good = picked[pool.score[picked] >= _GOOD_SCORE]
    if len(good) == 0:
        return np.zeros(len(pool)), 0.0
    size = np.log(pool.area[good]) / 2
    weight = pool.score[good] * np.sqrt(pool.area[good])
    order = np.argsort(size)
    middle = size[order][np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)]
    centers = pool.quads.mean(axis=1)
    expected = np.full(len(pool), middle)
    near = np.abs(size - middle) < 0.35
    if near.sum() >= 5:
        expected = _size_plane(centers[good[near]], size[near], centers)
        near = np.abs(size - expected[good]) < 0.15
    return expected, float(np.clip((near.sum() - 1) / 3.0, 0.0, 1.0))


def _size_plane(places: Floats64, size: Floats64, where: Floats64) -> Floats64:
    """Fits size as a plane over the picture, outliers weighing little, and evaluates it elsewhere."""
    middle, spread = places.mean(axis=0), max(float(places.std()), 1.0)
    design = np.column_stack([np.ones(len(places)), (places - middle) / spread])
    ridge = np.diag([1e-6, 0.3, 0.3])
    weight: Floats64 = np.ones(len(places))
    solution: Floats64 = np.zeros(3)
    for _ in range(5):
        weighted = design * weight[:, None]
        solution = np.asarray(
            np.linalg.solve(design.T @ weighted + ridge, weighted.T @ size), dtype=np.float64
        )
        weight = np.asarray(1.0 / (1.0 + ((size - design @ solution) / 0.08) ** 2), dtype=np.float64)
    return np.asarray(
        np.column_stack([np.ones(len(where)), (where - middle) / spread]) @ solution, dtype=np.float64
    )
