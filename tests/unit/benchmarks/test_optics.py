"""Each effect does what its name and number say."""

import math

import numpy as np
import pytest

from benchmarks.simulator.levels import Camera
from benchmarks.simulator.optics import (
    Light,
    Streak,
    add_streaks,
    jpeg,
    light_field,
    motion_kernel,
    photograph,
    sensor_noise,
)

QUIET = Camera(0.0, 0.0, 0.0, (1.0, 1.0, 1.0), 1.0, 0.0, 0.0, 100)


def _with(**changes):
    values = {name: getattr(QUIET, name) for name in QUIET.__slots__}
    return Camera(**{**values, **changes})


def _photograph_grey(value, camera, seed=0):
    scene = np.full((120, 100, 3), value, dtype=np.float32)
    return photograph(scene, camera, 300.0, np.random.default_rng(seed)).astype(float)


def test_a_quiet_camera_changes_nothing():
    assert np.abs(_photograph_grey(128.0, QUIET) - 128).max() <= 1


def test_white_balance_scales_each_channel():
    photo = _photograph_grey(100.0, _with(channel_gains=(1.2, 1.0, 0.7)))
    assert photo.mean(axis=(0, 1)) == pytest.approx([120, 100, 70], abs=1.5)


def test_gamma_bends_brightness():
    photo = _photograph_grey(64.0, _with(gamma=0.5))
    assert photo.mean() == pytest.approx(255 * math.sqrt(64 / 255), abs=1)


@pytest.mark.parametrize("grain_px", [0.0, 0.7, 1.5])
def test_noise_has_the_stated_deviation_whatever_its_grain(grain_px):
    noise = sensor_noise((300, 300, 3), 12.0, grain_px, np.random.default_rng(0))
    assert noise.std() == pytest.approx(12.0, rel=0.06)
    assert abs(noise.mean()) < 0.5


@pytest.mark.parametrize("angle_rad", [0.0, 0.6, math.pi / 2])
def test_motion_spreads_a_point_along_its_direction_and_keeps_its_light(angle_rad):
    kernel = motion_kernel(6.0, angle_rad).astype(float)
    assert kernel.sum() == pytest.approx(1.0)
    rows, columns = np.mgrid[: kernel.shape[0], : kernel.shape[1]] - kernel.shape[0] // 2
    along = columns * math.cos(angle_rad) + rows * math.sin(angle_rad)
    # A uniform line of length l has a deviation of l / sqrt(12); pixels add a little.
    assert math.sqrt((kernel * along**2).sum()) == pytest.approx(6 / math.sqrt(12), abs=0.25)
    across = rows * math.cos(angle_rad) - columns * math.sin(angle_rad)
    assert (kernel * across**2).sum() < 0.3


def test_blur_grows_with_the_card():
    edge = np.zeros((80, 80, 3), dtype=np.float32)
    edge[:, 40:] = 255
    widths = []
    for card_height_px in (300.0, 900.0):
        photo = photograph(
            edge.copy(), _with(lens_blur_sigma_px=1.0), card_height_px, np.random.default_rng(0)
        )
        widths.append(((photo[40, :, 0] > 20) & (photo[40, :, 0] < 235)).sum())
    assert widths[1] > 2 * widths[0] > 0


def test_the_gradient_takes_its_share_at_the_far_end():
    light = Light(0.4, 0.0, 0.0, 100.0, 0.0, np.zeros((4, 2)), 1.0)
    field = light_field(light, 10, 101)
    assert field[5, 0, 0] == pytest.approx(1.0) and field[5, 100, 0] == pytest.approx(0.6)


def test_a_hard_shadow_has_an_edge():
    outline = np.array([[50.0, -50.0], [200.0, -50.0], [200.0, 150.0], [50.0, 150.0]])
    field = light_field(Light(0.0, 0.0, 0.0, 100.0, 0.5, outline, 1.0), 40, 100)[20, :, 0]
    assert field[40] == pytest.approx(1.0, abs=0.01) and field[60] == pytest.approx(0.5, abs=0.01)


def test_glare_reaches_its_peak_and_stays_on_the_film():
    picture = np.zeros((100, 100, 3), dtype=np.float32)
    film = np.array([[20.0, 20.0], [80.0, 20.0], [80.0, 80.0], [20.0, 80.0]])
    add_streaks(picture, [Streak((50.0, 50.0), 0.0, 8.0, 100.0, 0.0, 0.8)], film)
    assert picture.max() == pytest.approx(0.8 * 255, rel=0.02)
    assert picture[:19].max() == 0 and picture[:, 82:].max() == 0


def test_poorer_jpeg_differs_more():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    good, poor = (np.abs(jpeg(picture, quality).astype(int) - picture).mean() for quality in (95, 30))
    assert good < poor
