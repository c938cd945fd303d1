import numpy as np
import pytest

from app.synthesis.camera import Pose, look_at
from app.synthesis.canvas import Placement

PAGE = np.array([[-110, -150], [110, -150], [110, 150], [-110, 150]], float)


def test_a_camera_without_tilt_keeps_right_angles_and_the_scale():
    camera = look_at(PAGE, (900, 1200), Pose(0.0, 0.0, 0.0, 1.0), 0.9, (0.0, 0.0))
    seen = camera.project(PAGE)
    assert np.ptp(seen[:, 1]) == pytest.approx(0.9 * 1200)
    assert np.ptp(seen[:, 0]) == pytest.approx(0.9 * 1200 * 220 / 300)
    assert seen.mean(axis=0) == pytest.approx([450, 600])
    assert camera.px_per_mm == pytest.approx(0.9 * 1200 / 300)


@pytest.mark.parametrize("tilt_deg", [5.0, 18.0, 30.0])
@pytest.mark.parametrize("towards_deg", [0.0, 77.0, 190.0, 300.0])
@pytest.mark.parametrize("roll_deg", [0.0, 12.0, 90.0, 270.0])
def test_everything_that_must_be_seen_is_in_the_picture(tilt_deg, towards_deg, roll_deg):
    camera = look_at(PAGE, (1000, 1000), Pose(tilt_deg, towards_deg, roll_deg, 0.8), 0.96, (0.9, -0.9))
    seen = camera.project(PAGE)
    assert (seen >= 0).all()
    assert (seen <= 1000).all()
    assert max(np.ptp(seen, axis=0)) > 0.9 * 1000


def test_a_tilted_camera_sees_the_near_edge_longer_than_the_far_one():
    seen = look_at(PAGE, (1000, 1000), Pose(25.0, 0.0, 0.0, 0.9), 0.9, (0, 0)).project(PAGE)
    top, bottom = np.linalg.norm(seen[1] - seen[0]), np.linalg.norm(seen[2] - seen[3])
    assert max(top, bottom) / min(top, bottom) > 1.15


def test_the_corners_of_the_picture_are_found_on_the_plane():
    camera = look_at(PAGE, (800, 600), Pose(20.0, 40.0, 7.0, 0.9), 0.8, (0.3, 0.2))
    assert camera.project(camera.visible_mm()) == pytest.approx(
        np.array([[0, 0], [800, 0], [800, 600], [0, 600]]), abs=1e-6
    )


def test_a_thing_turned_clockwise_has_its_top_left_corner_at_the_top_right():
    corners = Placement((10.0, 20.0), (63.0, 88.0), 90.0).corners_mm()
    assert corners[0] == pytest.approx([10 + 44, 20 - 31.5])
    assert corners[1] == pytest.approx([10 + 44, 20 + 31.5])
