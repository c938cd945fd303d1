"""The detectors that ``benchmarks.detection`` compares: the product's, its parts, and two baselines."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from app.domain.types import Quad, RgbImage
from app.inference.finder import FINDER_FOLDER, FinderGraph
from app.vision.detect import detect_cards
from app.vision.detect.candidates import find_candidates
from app.vision.detect.planes import make_planes
from app.vision.detect.pool import score_quads
from app.vision.detect.shapes import coverage, shape_prior
from app.vision.detect.sides import COARSE, fit_sides

Detector = Callable[[RgbImage], list[Quad]]

_CONTOUR_LONG_SIDE_PX = 1000
_LEAST_CONTOUR_SHARE = 0.01
_NAIVE_SCORE = 0.6
_MOST_COVERED = 0.2


def detectors() -> dict[str, Detector]:
    """Every detector by name; ``product`` is what the service uses."""
    finder = FinderGraph(FINDER_FOLDER)
    return {
        "product": lambda image: [card.quad_px for card in detect_cards(image, finder)],
        "outlines": lambda image: [card.quad_px for card in detect_cards(image)],
        "naive": naive_candidates,
        "contours": largest_contours,
    }


def largest_contours(image: RgbImage) -> list[Quad]:
    """What tutorials do: blur, Canny, and every large outer contour that four corners describe."""
    scale = min(1.0, _CONTOUR_LONG_SIDE_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    gray = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (5, 5), 0)
    edges = cv2.dilate(cv2.Canny(gray, 50, 150), np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    quads = []
    for contour in contours:
        outline = cv2.approxPolyDP(contour, 0.02 * cv2.arcLength(contour, True), True).reshape(-1, 2)
        large = cv2.contourArea(contour) >= _LEAST_CONTOUR_SHARE * gray.size
        if len(outline) == 4 and large and cv2.isContourConvex(outline):
            quads.append(outline.astype(np.float64) / scale)
    return quads


def naive_candidates(image: RgbImage) -> list[Quad]:
    """Quads of five channels by Canny and Otsu, the best supported by edges first, none overlapping."""
    planes = make_planes(image)
    candidates = find_candidates(planes)
    candidates = candidates[shape_prior(candidates) > 0.0] if len(candidates) else candidates
    fitted = fit_sides(planes.color, candidates, 0.03, COARSE)
    score = score_quads(fitted)
    best = [int(index) for index in np.argsort(-score, kind="stable") if score[index] >= _NAIVE_SCORE]
    quads = fitted.quads[best]
    covered = coverage(quads)
    kept: list[int] = []
    for index in range(len(quads)):
        if all(max(covered[index, other], covered[other, index]) < _MOST_COVERED for other in kept):
            kept.append(index)
    return [quads[index] / planes.scale for index in kept]
