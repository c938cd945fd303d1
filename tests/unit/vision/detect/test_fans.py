"""Cards that lie under others, turned against them."""

from __future__ import annotations

import numpy as np
import pytest

from app.vision.detect.fans import are_among, lie_under, score_together
from app.vision.detect.pool import Floats64


def turned_quad(degrees: float, left: float = 0.0) -> Floats64:
    """A card of 100 x 140 px, turned about its middle."""
    corners = np.array([[-50, -70], [50, -70], [50, 70], [-50, 70]], np.float64)
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return corners @ turn + (left + 200, 200)


@pytest.mark.parametrize(
    ("degrees", "left", "score", "expected"),
    [
        (15.0, -40.0, 0.3, True),
        (2.0, -40.0, 0.3, False),  # lies straight: the cards of a page, or one card seen twice
        (15.0, -300.0, 0.3, False),  # lies elsewhere
        (15.0, -40.0, 0.15, False),  # hardly seen at all
        (15.0, -40.0, 0.95, False),  # surer than the other: it lies above
    ],
)
def test_what_is_turned_against_a_surer_card_and_overlaps_it_may_lie_under_it(
    degrees: float, left: float, score: float, expected: bool
) -> None:
    quads = turned_quad(degrees, left)[None]
    under = lie_under(quads, np.array([score]), turned_quad(0.0)[None], np.array([0.9]))
    assert under.tolist() == [expected]


def test_nothing_lies_under_a_card_where_no_card_is_sure() -> None:
    quads = np.stack([turned_quad(15.0), turned_quad(0.0)])
    nothing = np.zeros((0, 4, 2))
    assert not lie_under(quads, np.array([0.3, 0.3]), nothing, np.zeros(0)).any()


def test_looks_at_one_covered_card_count_together_and_others_alone() -> None:
    quads = np.stack([turned_quad(15.0), turned_quad(16.0, 2.0), turned_quad(15.0, 80.0)])
    first = np.array([0.3, 0.4, 0.5])
    assert score_together(quads, first) == pytest.approx([0.7, 0.7, 0.5])
    assert score_together(quads, first + 0.4).max() == 1.0
    assert score_together(np.zeros((0, 4, 2)), np.zeros(0)).shape == (0,)


def test_a_quad_is_among_the_known_cards_where_it_lies_on_one() -> None:
    known = np.stack([turned_quad(0.0), turned_quad(0.0, 300.0)])
    looked_at = np.stack([turned_quad(4.0, 3.0), turned_quad(15.0, 50.0)])
    assert are_among(looked_at, known).tolist() == [True, False]
