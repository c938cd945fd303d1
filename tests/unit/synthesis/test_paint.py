"""Shapes that a canvas must be able to fill."""

from __future__ import annotations

import numpy as np
import pytest

from app.synthesis.art.paint import Canvas, Material

RAMP = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


@pytest.mark.parametrize("reach", [0.3, 1.0, 5.0])
def test_a_lit_shape_of_any_size_can_be_filled_even_one_larger_than_the_canvas(reach: float) -> None:
    canvas = Canvas(np.random.default_rng(1), 60, 40)
    middle = np.array([canvas.aspect / 2, 0.5])
    corners = middle + reach * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    canvas.solid(corners, Material(RAMP))
    assert canvas.pixels[30, 20].max() > 0
