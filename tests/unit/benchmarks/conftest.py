"""Invented pictures of cards for the simulator's tests."""

import cv2
import numpy as np
import pytest


def _draw_card(seed):
    """A framed card (440, 315, 3) with art, a title bar at the top and text at the bottom: no symmetry."""
    rng = np.random.default_rng(seed)
    card = np.empty((440, 315, 3), dtype=np.uint8)
    card[:] = rng.integers(20, 90, 3)
    card[16:50, 16:-16] = rng.integers(150, 250, 3)
    art = rng.integers(0, 256, (12, 14, 3)).astype(np.uint8)
    card[60:260, 20:-20] = cv2.resize(art, (275, 200), interpolation=cv2.INTER_CUBIC)
    card[275:420, 20:-20] = 235
    for row in range(285, 410, 12):
        card[row : row + 4, 30 : 30 + int(rng.integers(80, 250))] = 30
    return card


@pytest.fixture(scope="session")
def cards():
    """Twelve different cards."""
    return [_draw_card(seed) for seed in range(12)]
