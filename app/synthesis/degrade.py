"""What lens, sensor, camera and JPEG do to a picture. Each step draws from a generator it is given."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage
from app.synthesis.levels import Range

Plane = NDArray[np.float32]
"""One value a pixel, float32, shape (height, width)."""


def uniform(rng: np.random.Generator, bounds: Range) -> float:
    """One number between the bounds."""
    return bounds[0] + (bounds[1] - bounds[0]) * float(rng.random())


def happens(rng: np.random.Generator, chance: float) -> bool:
    """True with the given chance."""
    return bool(rng.random() < chance)


def lens_blur(image: RgbImage, rng: np.random.Generator, sigma_px: float) -> RgbImage:
    """Out of focus: a Gaussian, or one time in three a disc as a real aperture makes."""
    if sigma_px < 0.25:
        return image
    if sigma_px > 0.9 and happens(rng, 0.33):
        size = int(2 * np.ceil(2 * sigma_px) + 1)  # a disc of radius r has a sigma of r / 2
        offsets = np.arange(size) - size // 2
        disc = np.clip(2 * sigma_px + 0.5 - np.hypot(offsets[:, None], offsets[None, :]), 0, 1)
        return cv2.filter2D(image, -1, disc / disc.sum(), borderType=cv2.BORDER_REPLICATE).astype(
            np.uint8, copy=False
        )
    return cv2.GaussianBlur(image, (0, 0), sigma_px).astype(np.uint8)


def motion_blur(image: RgbImage, rng: np.random.Generator, length_px: float) -> RgbImage:
    """The camera moved along a straight line while the shutter was open."""
    if length_px < 1.0:
        return image
    size = int(2 * np.ceil(length_px / 2) + 1)
    angle = float(rng.uniform(0, np.pi))
    half = np.array([np.cos(angle), np.sin(angle)]) * length_px / 2
    scale = 16  # cv2 draws with 4 bits below the pixel
    ends = np.rint((size // 2 + np.array([-half, half])) * scale).astype(int).tolist()
    kernel = np.zeros((size, size), np.uint8)
    cv2.line(kernel, ends[0], ends[1], 255, 1, cv2.LINE_AA, 4)
    weights = kernel.astype(np.float32)
    weights /= max(float(weights.sum()), 1.0)
    return cv2.filter2D(image, -1, weights, borderType=cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)


def sensor_noise(lit: NDArray[np.float32], rng: np.random.Generator, sigma: float) -> None:
    """Adds noise in place: shot noise grows with the signal, colour noise is coarser and of half the height.

    Args:
        lit: Picture, float32, 0-255, (height, width, 3).
        rng: Source of chance.
        sigma: Standard deviation at full brightness, of 255.
    """
    height, width = lit.shape[:2]
    coarse = _normal(rng, (max(height // 2, 1), max(width // 2, 1), 3), 0.6)
    noise = cv2.resize(coarse, (width, height))
    luma = _normal(rng, (height, width, 1), 1.0)
    cv2.add(noise, cv2.cvtColor(luma, cv2.COLOR_GRAY2RGB), noise)
    # Read-out noise (a third of the variance) stays in the dark; the rest is shot noise.
    amplitude = np.maximum(cv2.blur(lit[..., 1], (3, 3)), 0.0)
    amplitude = np.sqrt(amplitude * np.float32(0.65 / 255.0) + np.float32(0.35))
    cv2.multiply(noise, cv2.cvtColor(amplitude, cv2.COLOR_GRAY2RGB), noise, sigma)
    cv2.add(lit, noise, lit)


def _normal(rng: np.random.Generator, shape: tuple[int, int, int], sigma: float) -> NDArray[np.float32]:
    """Normal numbers by OpenCV, four times as fast as NumPy's, seeded from ``rng``."""
    cv2.setRNGSeed(int(rng.integers(1, 2**31)))
    return np.asarray(cv2.randn(np.empty(shape, np.float32), np.zeros(1), np.full(1, sigma)), np.float32)


def to_uint8(lit: NDArray[np.float32]) -> RgbImage:
    """Clips and rounds, as a sensor does."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(lit, 0.0, out=lit)), np.uint8)


def tone_curve(
    rng: np.random.Generator, white_balance_sigma: float, gamma_log_sigma: float
) -> NDArray[np.uint8]:
    """A camera's white balance, gamma, exposure and contrast as one table, (256, 1, 3), uint8.

    Draws beyond two sigmas are cut off: no camera lets its automatic exposure fail so badly.
    """
    values = np.linspace(0.0, 1.0, 256)[:, None]
    gains = np.exp(_bounded_normal(rng, white_balance_sigma, 3)) * np.exp(
        rng.normal(0.0, white_balance_sigma / 2)
    )
    gamma = float(np.exp(_bounded_normal(rng, gamma_log_sigma, 1)[0]))
    contrast = float(np.exp(_bounded_normal(rng, gamma_log_sigma / 2, 1)[0]))
    black = float(rng.normal(0.0, gamma_log_sigma / 8))
    curve: NDArray[np.float64] = np.clip(values * gains, 0.0, 1.0) ** gamma
    curve = (curve - 0.5) * contrast + 0.5 + black
    table = np.rint(np.clip(curve, 0.0, 1.0) * 255.0).astype(np.uint8)
    return table.reshape(256, 1, 3)


def _bounded_normal(rng: np.random.Generator, sigma: float, count: int) -> NDArray[np.float64]:
    return np.clip(rng.standard_normal(count), -2.0, 2.0) * sigma


def apply_tone_curve(image: RgbImage, curve: NDArray[np.uint8]) -> RgbImage:
    """Looks every channel up in its column of the table."""
    return np.asarray(cv2.LUT(image, curve), np.uint8)


def saturate(image: RgbImage, factor: float) -> RgbImage:
    """Makes colours stronger (above 1) or greyer (below 1) around their luma."""
    luma = np.array([0.299, 0.587, 0.114])
    matrix = factor * np.eye(3) + (1.0 - factor) * np.ones((3, 1)) * luma
    return np.asarray(cv2.transform(image, matrix), np.uint8)


def resample(image: RgbImage, size_px: tuple[int, int], *, sharp: bool = False) -> RgbImage:
    """Resizes without aliasing, about four times as fast as OpenCV's area method.

    Args:
        image: Picture, uint8, (height, width, 3).
        size_px: Wanted width and height.
        sharp: Enlarge by cubic instead of linear interpolation.

    Returns:
        The picture in the wanted size, always a new array.
    """
    shrink = image.shape[0] / size_px[1]
    if shrink >= 2.0:  # halving is exact and quick; the rest is less than 2
        times = int(shrink)
        size = (max(image.shape[1] // times, size_px[0]), max(image.shape[0] // times, size_px[1]))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        shrink = image.shape[0] / size_px[1]
    if shrink > 1.2:
        image = np.asarray(cv2.blur(image, (2, 2)), np.uint8)
    method = cv2.INTER_CUBIC if sharp and shrink < 1.0 else cv2.INTER_LINEAR
    return np.array(cv2.resize(image, size_px, interpolation=method), np.uint8, copy=None)


def jpeg(image: RgbImage, quality: float) -> RgbImage:
    """Compresses and reads back at a quality of 1-100."""
    options = [cv2.IMWRITE_JPEG_QUALITY, int(np.clip(round(quality), 1, 100))]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise RuntimeError("OpenCV could not compress a picture")
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if decoded is None:
        raise RuntimeError("OpenCV could not read its own JPEG back")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
