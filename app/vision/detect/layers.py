"""Chooses among outlines of one card that lie in each other: its print, its edge, its sleeve, its slab."""

from __future__ import annotations

import cv2
import numpy as np

from app.vision.detect.candidates import Quads
from app.vision.detect.pool import Floats64, Mask, Pool
from app.vision.detect.shapes import angle_between, long_axes
from app.vision.detect.sides import Floats

#: Share of a side by which the two places lie outside and inside an edge whose step is measured: beyond the
#: bright line that the rim of plastic makes, within the narrowest usual border of a card.
_STEP_SHARE = 0.022
_SAMPLES = 14
#: A step of colour (CIELAB, 8-bit) that a clear sleeve or an empty rim does not make.
_OPAQUE_STEP = 18.0
_CLEAR_STEP = 10.0
#: Print inside its border covers half of a card and more; less is a card on something larger.
_BORDER_FRACTION = 0.5
_MIN_FRACTION = 0.4
_MAX_FRACTION = 0.96
#: An art or text box lies crosswise in its card and takes this share of it; a card on a sheet takes less,
#: one of two cards side by side more.
_MIN_ART_FRACTION = 0.15
_MAX_ART_FRACTION = 0.42
#: Least distance of corners of two layers, as a share of the side: a sleeve's 1.5 mm make 2.8 %.
_MIN_RIM_SHARE = 0.02
_GOOD_SCORE = 0.65
#: How much worse than the print inside it a card's edge may be; an edge of a case of plastic is worse still.
_MAX_LAG = 0.15
_FRAME_SCORE = 0.7
_SURE_SCORE = 0.85


def wrong_layers(pool: Pool, step: Floats64, usual: Mask) -> Mask:
    """Marks candidates that are the print inside a card's edge, or something clear or large around it.

    An opaque rim belongs to the card: it is its border. Where the rim looks like what lies outside it, it is
    a sleeve, and the card's edge is the inner outline. Outlines without a rim all round are no layers.

    Args:
        pool: Candidates.
        step: What ``outer_steps`` says of each, (count,).
        usual: Marks those known to be as large as a card is here, which no others overrule, (count,).
    """
    direction = long_axes(pool.quads)
    parallel = angle_between(direction[:, None], direction[None, :], period=np.pi) < np.radians(4.0)
    fraction = pool.area[:, None] / pool.area[None, :]  # of the inner (row) in the outer (column)
    rim = _corner_gaps(pool.quads) >= _MIN_RIM_SHARE * np.sqrt(pool.area)[None, :]
    nested = (pool.covered >= 0.95) & parallel & rim & (fraction > _MIN_FRACTION) & (fraction < _MAX_FRACTION)
    border = nested & ~(usual[:, None] & ~usual[None, :]) & (fraction >= _BORDER_FRACTION)
    good, sure = pool.score >= _GOOD_SCORE, pool.score >= _SURE_SCORE
    across = angle_between(direction[:, None], direction[None, :] + np.pi / 2, period=np.pi) < np.radians(6.0)
    art = (pool.covered >= 0.95) & across & (fraction > _MIN_ART_FRACTION) & (fraction < _MAX_ART_FRACTION)
    art &= ~usual[:, None]
    opaque = step >= _OPAQUE_STEP
    keeps_up = sure[None, :] | (pool.score[None, :] >= pool.score[:, None] - _MAX_LAG)
    is_print = (border & keeps_up & (good & opaque)[None, :]).any(axis=1)
    is_print |= (art & ((pool.score >= _FRAME_SCORE) & opaque)[None, :]).any(axis=1)
    is_plastic = (
        nested
        & ~(usual[None, :] & ~usual[:, None])
        & (sure & ~is_print)[:, None]
        & (step < _CLEAR_STEP)[None, :]
    ).any(axis=0)
    return np.asarray(is_print | is_plastic, dtype=bool)


def _corner_gaps(quads: Quads) -> Floats64:
    """Of the distances between like corners of every pair of quads, the smallest, (count, count)."""
    gaps = [np.linalg.norm(quads[:, None] - np.roll(quads, turn, axis=1)[None], axis=3) for turn in (0, 2)]
    nearer = gaps[0].sum(axis=2) <= gaps[1].sum(axis=2)
    return np.asarray(np.where(nearer, gaps[0].min(axis=2), gaps[1].min(axis=2)), dtype=np.float64)


def outer_steps(color: Floats, quads: Quads) -> Floats64:
    """How much colour differs between just inside and just outside each quad, (count,), 8-bit CIELAB.

    The median along each side, and of the four sides the mean of the two in the middle: one side may touch
    another card, one may lie in glare.
    """
    inside, outside = _rims(color, quads)
    step = np.median(np.linalg.norm(outside - inside, axis=-1), axis=2)
    return np.asarray(np.sort(step, axis=1)[:, 1:3].mean(axis=1), dtype=np.float64)


def looks_clear(color: Floats, quads: Quads) -> Mask:
    """Marks quads that look inside as they do outside, pattern or not: the rims of empty clear pockets."""
    inside, outside = _rims(color, quads)
    step = np.linalg.norm(outside.mean(axis=2) - inside.mean(axis=2), axis=-1)
    return np.asarray(np.sort(step, axis=1)[:, 1:3].mean(axis=1) < _CLEAR_STEP, dtype=bool)


def _rims(color: Floats, quads: Quads) -> tuple[Floats, Floats]:
    """Colours just inside and just outside the sides of quads, (count, 4, samples, 3) each."""
    along = np.linspace(0.1, 0.9, _SAMPLES)[:, None]
    center = quads.mean(axis=1, keepdims=True)
    rims = []
    for scale in (1.0 - 2.0 * _STEP_SHARE, 1.0 + 2.0 * _STEP_SHARE):
        ring = center + (quads - center) * scale
        following = np.roll(ring, -1, axis=1)
        points = (ring[:, :, None] * (1 - along) + following[:, :, None] * along - 0.5).astype(np.float32)
        flat = points.reshape(len(quads), -1, 2)
        sampled = cv2.remap(
            color, flat[..., 0], flat[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        rims.append(np.asarray(sampled, dtype=np.float32).reshape(len(quads), 4, _SAMPLES, 3))
    return rims[0], rims[1]
