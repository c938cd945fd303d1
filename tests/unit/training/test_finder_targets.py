"""What the card finder is taught to answer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from app.domain.geometry import quad_iou
from app.vision.detect.votes import read_answers, vote
from models.training.finder.targets import TOO_LARGE_PX, Targets, draw_targets

SIZE_PX = (256, 256)


def card(left: float, top: float, height: float) -> NDArray[np.float64]:
    width = height * 63 / 88
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])


def drawn(*quads: NDArray[np.float64], visible: tuple[float, ...] | None = None) -> Targets:
    shares = np.array(visible if visible is not None else (1.0,) * len(quads))
    return draw_targets(np.array(quads).reshape(-1, 4, 2), shares, SIZE_PX)


def as_maps(targets: Targets) -> NDArray[np.float32]:
    return np.concatenate([16.0 * targets.card[None] - 8.0, targets.corners]).astype(np.float32)


def test_perfect_answers_give_the_cards_back() -> None:
    cards = [card(20, 20, 100), card(120, 30, 90), card(60, 140, 100)]
    quads, _ = vote(read_answers(as_maps(drawn(*cards)), (1.0, 1.0)))
    assert len(quads) == 3
    assert all(max(quad_iou(one, wanted) for one in quads) > 0.98 for wanted in cards)


def test_a_cell_answers_for_the_card_on_top() -> None:
    lower, upper = card(20, 20, 120), card(60, 60, 120)
    targets = drawn(lower, upper)
    row, column = 12, 10  # 84, 100: within both
    first_corner = targets.corners[:2, row, column] * 64 + np.array([84, 100])
    assert np.allclose(first_corner, upper[0], atol=0.01)


def test_a_mirrored_quad_is_answered_clockwise_too() -> None:
    straight, mirrored = drawn(card(40, 40, 120)), drawn(card(40, 40, 120)[::-1])
    x, y = mirrored.corners[0::2, 12, 10], mirrored.corners[1::2, 12, 10]
    assert float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) > 0
    assert np.array_equal(straight.card, mirrored.card)


@pytest.mark.parametrize("height", [20, 250])
def test_cards_of_another_scale_count_neither_way(height: float) -> None:
    targets = drawn(card(10, 3, height))
    assert targets.card.sum() == 0
    assert (targets.weight == 0).sum() > 0


def test_cells_within_a_card_much_too_large_must_show_none() -> None:
    targets = drawn(card(-100, -120, 1.5 * TOO_LARGE_PX))
    assert targets.card.sum() == 0
    assert targets.weight[10, 10] == 1


def test_a_card_that_others_hide_counts_neither_way() -> None:
    targets = drawn(card(40, 40, 120), visible=(0.15,))
    assert targets.card.sum() == 0
    assert targets.weight[12, 10] == 0


def test_of_a_card_mostly_out_of_the_picture_no_corners_are_asked() -> None:
    targets = drawn(card(-70, 40, 140))
    assert targets.size.max() == 0
