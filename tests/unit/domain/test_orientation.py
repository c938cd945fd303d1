"""The first corner tells which way up a card lies."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.orientation import quad_rotation

UPRIGHT = np.array([[0, 0], [63, 0], [63, 88], [0, 88]], dtype=np.float64)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("wobble", [-40, -10, 0, 10, 40])
def test_a_turn_is_rounded_to_the_nearest_quarter(degrees: int, wobble: int) -> None:
    angle = np.radians(degrees + wobble)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert quad_rotation(UPRIGHT @ turn.T + 100.0) == degrees


def test_starting_half_way_round_is_upside_down() -> None:
    assert quad_rotation(np.roll(UPRIGHT, 2, axis=0)) == 180


def test_starting_at_the_top_right_is_a_quarter_turn_clockwise() -> None:
    assert quad_rotation(np.roll(UPRIGHT, -1, axis=0)) == 90
