"""Fingers over simulated cards."""

import cv2
import numpy as np

from benchmarks.simulator.geometry import project, project_seen
from benchmarks.simulator.levels import level_ranges
from benchmarks.simulator.obstacles import draw_finger, lay_finger
from benchmarks.simulator.single import draw_shot

SKIN = np.array([200.0, 150.0, 120.0])


def _covered_shares(shots):
    rng, ranges = np.random.default_rng(1), level_ranges("hard")
    for _ in range(shots):
        shot = draw_shot(ranges, rng)
        picture = np.zeros((*shot.size_px, 3), np.float32)
        lay_finger(picture, draw_finger(shot.quad_px, rng), SKIN, rng)
        card = cv2.fillPoly(np.zeros(shot.size_px, np.uint8), [np.round(shot.quad_px).astype(np.int32)], 1)
        yield float(((picture[..., 0] > 50) & (card > 0)).sum() / card.sum())


def test_a_finger_covers_part_of_a_card_but_never_most_of_it_however_steeply_the_camera_looks():
    shares = np.array(list(_covered_shares(300)))
    assert shares.max() < 0.25
    assert np.median(shares) > 0.03


def test_what_lies_behind_the_camera_is_cut_off():
    # A plane that recedes downwards: at y = -100 it passes through the camera.
    steep = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.01, 1.0]])
    ahead = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    np.testing.assert_allclose(project_seen(steep, ahead), project(steep, ahead))
    reaching = np.array([[0.0, 10.0], [0.0, -300.0], [10.0, -300.0], [10.0, 10.0]])
    seen = project_seen(steep, reaching, nearest=0.5)
    assert len(seen) == 4
    np.testing.assert_allclose(seen[:, 1].max(), 10 / 1.1)
    np.testing.assert_allclose(seen[:, 1].min(), -100.0)  # y = -50 at half the depth
    assert len(project_seen(steep, np.array([[0.0, -300.0], [5.0, -300.0], [5.0, -310.0]]))) == 0
