"""Sides move onto edges, the near ones first where that is asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.domain.geometry import quad_iou
from app.vision.detect.sides import FINE, fit_sides

CARD = np.array([[60, 60], [186, 60], [186, 236], [60, 236]], np.float64)
SLEEVE = CARD + np.array([[-6, -6], [6, -6], [6, 6], [-6, 6]])
ROUGH = CARD + np.array([[-2, 1], [2, 2], [-1, 2], [1, -2]])
REACH_SHARE = 0.06  # 9 pixels: the sleeve's edge is within it


def card_in_sleeve() -> NDArray[np.float32]:
    """A card that differs less from its sleeve than the sleeve from the table."""
    color = np.zeros((300, 250, 3), np.float32)
    for quad, level in ((SLEEVE, 90.0), (CARD, 110.0)):
        (left, top), (right, bottom) = quad[0].astype(int), quad[2].astype(int)
        color[top:bottom, left:right] = level
    return color


def test_the_strongest_edge_within_reach_wins_where_distance_costs_nothing() -> None:
    fitted = fit_sides(card_in_sleeve(), ROUGH[None], REACH_SHARE, FINE)
    assert quad_iou(fitted.quads[0], SLEEVE) > 0.97


def test_the_near_edge_wins_where_distance_costs() -> None:
    fitted = fit_sides(card_in_sleeve(), ROUGH[None], REACH_SHARE, FINE, far_cost=0.5)
    assert quad_iou(fitted.quads[0], CARD) > 0.97


def test_an_edge_far_off_is_met_all_the_same_where_there_is_no_other() -> None:
    color = np.zeros((300, 250, 3), np.float32)
    color[60:236, 60:186] = 100.0
    fitted = fit_sides(color, (CARD + 6.0)[None], REACH_SHARE, FINE, far_cost=0.2)
    assert quad_iou(fitted.quads[0], CARD) > 0.97
    assert fitted.support.min() > 0.9
