"""Finds every card in a picture."""

from __future__ import annotations

import numpy as np

from app.domain.geometry import start_upright
from app.domain.types import DetectedQuad, RgbImage
from app.vision.detect.candidates import Quads, find_candidates
from app.vision.detect.closeup import or_whole_picture, or_whole_seen
from app.vision.detect.complete import Found, complete_grid
from app.vision.detect.learned import find_learned
from app.vision.detect.planes import Planes, is_noise, make_planes
from app.vision.detect.pool import make_pool, score_quads
from app.vision.detect.select import select_cards
from app.vision.detect.shapes import areas, shape_prior
from app.vision.detect.sides import COARSE, FINE, fit_sides
from app.vision.detect.votes import Finder

#: A picture smaller than this shows no card that could be named.
_MIN_PICTURE_PX = 48
_MAX_FITTED = 900
#: How far a side may move to meet its edge, as a share of the quad's mean side.
_REACH_SHARE = 0.03
_MIN_COARSE_SCORE = 0.4


def detect_cards(image: RgbImage, finder: Finder | None = None) -> list[DetectedQuad]:
    """Finds all cards of a binder page, of a flatbed scan, lying loose in any turn, or a single card.

    Args:
        image: RGB uint8 (height, width, 3), of any size.
        finder: The learned one; without it cards are found by their outlines alone.

    Returns:
        One quad a card, in pixels of ``image``, in no particular order; none where there is no card.
    """
    if min(image.shape[:2]) < _MIN_PICTURE_PX:
        return []
    planes = make_planes(image)
    if is_noise(planes):
        return []
    if finder is None:
        cards = or_whole_picture(planes, _by_outline(planes))
    else:
        cards = or_whole_seen(planes, find_learned(planes, finder), finder)
    return [
        DetectedQuad(quad_px=start_upright(quad / planes.scale), score=float(score))
        for quad, score in zip(cards.quads, cards.score, strict=True)
    ]


def _by_outline(planes: Planes) -> Found:
    """Cards whose edges are seen, and those that the grid of the others vouches for."""
    candidates = _plausible(find_candidates(planes), planes)
    looked_at = fit_sides(planes.color, candidates, _REACH_SHARE, COARSE)
    likely = looked_at.quads[score_quads(looked_at) >= _MIN_COARSE_SCORE]
    pool = make_pool(planes.color, fit_sides(planes.color, likely, _REACH_SHARE / 2, FINE))
    chosen = select_cards(planes.color, pool)
    return complete_grid(planes, Found(pool.quads[chosen], pool.score[chosen]))


def _plausible(quads: Quads, planes: Planes) -> Quads:
    """Those that could be cards by shape, the largest where there are too many."""
    width, height = planes.size
    quads = quads[(shape_prior(quads) > 0.0) & (areas(quads) < 0.98 * width * height)]
    order = np.argsort(-areas(quads), kind="stable")
    return np.asarray(quads[order[:_MAX_FITTED]], dtype=np.float64)
