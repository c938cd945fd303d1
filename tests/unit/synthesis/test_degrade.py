import numpy as np
import pytest

from app.synthesis import degrade
from app.synthesis.light import Light, add_glare, add_gradient, add_haze


def grey(level: int, height: int = 120, width: int = 90) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_even_light_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (60, 40, 3), dtype=np.uint8)
    assert np.array_equal(degrade.to_uint8(Light.even(10, 8).apply(image)), image)


def test_light_applied_in_bands_equals_light_applied_at_once():
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (100, 64, 3), dtype=np.uint8)
    light = Light.even(25, 16)
    add_gradient(light, rng, 0.5)
    add_glare(light, rng, (0.5, 0.9))
    bands = [light.apply(image[top : top + 30], top, 100) for top in range(0, 100, 30)]
    assert np.allclose(np.concatenate(bands), light.apply(image), atol=2.0)


def test_a_gradient_takes_at_most_the_stated_share_of_light():
    light = Light.even(40, 30)
    add_gradient(light, np.random.default_rng(2), 0.4)
    assert light.gain.min() == pytest.approx(0.6, abs=0.01)
    assert light.gain.max() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_glare_stays_where_there_is_plastic_and_brightens_it(seed):
    light = Light.even(60, 40)
    within = np.zeros((60, 40), np.float32)
    within[20:40] = 1.0
    add_glare(light, np.random.default_rng(seed), (0.8, 1.0), within)
    assert not light.veil[:20].any()
    assert not light.veil[40:].any()
    lit = light.apply(grey(60, 60, 40))
    assert lit.max() > 60 or not light.veil.any()


def test_haze_lifts_black_and_lowers_contrast():
    light = Light.even(20, 20)
    add_haze(light, np.random.default_rng(3), 0.4)
    black, white = light.apply(grey(0)).mean(), light.apply(grey(255)).mean()
    assert black > 30
    assert white - black == pytest.approx(255 * 0.6, rel=0.2)


@pytest.mark.parametrize("sigma", [3.0, 12.0])
def test_noise_has_about_the_stated_deviation_and_less_in_the_dark(sigma):
    deviations = []
    for level in (240, 10):
        lit = grey(level, 200, 200).astype(np.float32)
        degrade.sensor_noise(lit, np.random.default_rng(4), sigma)
        deviations.append(float(lit.std()))
    assert deviations[0] == pytest.approx(sigma * 1.08, rel=0.12)
    assert deviations[1] < 0.75 * deviations[0]


def test_noise_is_the_same_for_the_same_seed():
    first, second = (grey(100).astype(np.float32) for _ in range(2))
    for lit in (first, second):
        degrade.sensor_noise(lit, np.random.default_rng(5), 8.0)
    assert np.array_equal(first, second)


@pytest.mark.parametrize("length_px", [2.0, 5.0, 9.0])
def test_motion_and_lens_blur_keep_brightness_and_remove_detail(length_px):
    rng = np.random.default_rng(6)
    image = rng.integers(0, 256, (80, 80, 3), dtype=np.uint8)
    for blurred in (degrade.motion_blur(image, rng, length_px), degrade.lens_blur(image, rng, length_px / 2)):
        assert blurred.mean() == pytest.approx(image.mean(), abs=2)
        assert blurred.std() < 0.8 * image.std()


def test_a_tone_curve_rises_and_is_flat_only_where_it_clips():
    for seed in range(10):
        curve = degrade.tone_curve(np.random.default_rng(seed), 0.2, 0.4).astype(int)
        assert curve.shape == (256, 1, 3)
        assert (np.diff(curve, axis=0) >= 0).all()
        assert (curve[-1] > curve[0] + 40).all()


def test_more_compression_means_more_error():
    image = np.random.default_rng(7).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    errors = [np.abs(degrade.jpeg(image, q).astype(int) - image).mean() for q in (95, 60, 20)]
    assert errors == sorted(errors)
    assert errors[0] < errors[2]


@pytest.mark.parametrize("size_px", [(300, 420), (90, 126), (60, 84), (20, 28)])
def test_resampling_gives_the_wanted_size_and_keeps_brightness(size_px):
    image = np.random.default_rng(8).integers(0, 256, (252, 180, 3), dtype=np.uint8)
    resampled = degrade.resample(image, size_px)
    assert resampled.shape == (size_px[1], size_px[0], 3)
    assert resampled.mean() == pytest.approx(image.mean(), abs=2)


def test_resampling_to_the_same_size_is_a_copy():
    image = grey(10)
    resampled = degrade.resample(image, (90, 120))
    resampled[:] = 0
    assert (image == 10).all()
