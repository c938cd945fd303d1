"""The views of a picture in which the outlines of cards are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage

#: Long side of the picture in which outlines are looked for: a card of 4 % of it still has 48.
WORK_LONG_SIDE_PX = 1200

#: Noise grows with the picture: more than this would draw edges of it.
_MAX_GAIN = 4.0
#: Lifts the shadows: a black border on a dark page is told from it by few steps of brightness.
_GAMMA = 0.7
_MIN_CORRELATION = 0.2
_NOISE_STEP_PX = 3

Gray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Planes:
    """One picture at working size.

    Attributes:
        scale: Working pixels for each pixel of the full picture.
        picture: RGB uint8 (height, width, 3), as it is but for its size.
        color: CIELAB, float32 (height, width, 3), smoothed: distances in it are about what the eye sees.
        exposed: The picture with its shadows lifted, RGB uint8 (height, width, 3).
    """

    scale: float
    picture: RgbImage
    color: NDArray[np.float32]
    exposed: RgbImage

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in working pixels."""
        return self.color.shape[1], self.color.shape[0]


def make_planes(image: RgbImage) -> Planes:
    """Shrinks a picture to working size and lifts its shadows."""
    height, width = image.shape[:2]
    scale = min(1.0, WORK_LONG_SIDE_PX / max(height, width))
    picture = shrink(image, scale)
    exposed = _expose(picture)
    smoothed = cv2.GaussianBlur(cv2.cvtColor(exposed, cv2.COLOR_RGB2LAB), (0, 0), 0.8)
    return Planes(scale=scale, picture=picture, color=smoothed.astype(np.float32), exposed=exposed)


def outline_channels(planes: Planes) -> tuple[Gray, ...]:
    """Views uint8 (height, width) in at least one of which a card differs from what it lies on."""
    lab = cv2.cvtColor(planes.exposed, cv2.COLOR_RGB2LAB)
    saturation = cv2.cvtColor(planes.exposed, cv2.COLOR_RGB2HSV)[:, :, 1]
    luma = lab[:, :, 0]
    local = cv2.createCLAHE(clipLimit=4.0, tileGridSize=(8, 8)).apply(luma)
    channels = (luma, _stretch(lab[:, :, 1]), _stretch(lab[:, :, 2]), saturation, local)
    return tuple(cast(Gray, cv2.GaussianBlur(channel, (5, 5), 0)) for channel in channels)


def is_noise(planes: Planes) -> bool:
    """Whether pixels three apart have nothing to do with each other, as they have in any picture."""
    if planes.size[0] <= _NOISE_STEP_PX:
        return False
    rows = planes.color[::4, :, 0]  # every fourth: enough, and less memory at the peak of a scan
    luma = rows - rows.mean()
    alike = float((luma[:, _NOISE_STEP_PX:] * luma[:, :-_NOISE_STEP_PX]).mean())
    return alike < _MIN_CORRELATION * float((luma**2).mean())


def shrink(image: RgbImage, scale: float) -> RgbImage:
    """The picture at a scale of at most 1, by area, at least one pixel each way."""
    while scale <= 0.5:  # halving has a path of its own in OpenCV, and takes half the time together
        size = (max(1, image.shape[1] // 2), max(1, image.shape[0] // 2))
        image, scale = cast(RgbImage, cv2.resize(image, size, interpolation=cv2.INTER_AREA)), scale * 2
    if scale >= 1.0:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cast(RgbImage, cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _expose(image: RgbImage) -> RgbImage:
    """Brightens a dark or tinted picture: the top hundredth of each channel nearly white, shadows lifted."""
    tops = np.percentile(image[::4, ::4].reshape(-1, 3), 99, axis=0)
    gains = np.clip(235.0 / np.maximum(tops, 1.0), 1.0, _MAX_GAIN)
    light = np.minimum(np.arange(256)[:, None] * gains / 255.0, 1.0)
    tables = (255.0 * light**_GAMMA).astype(np.uint8)
    return cast(RgbImage, cv2.LUT(image, tables.reshape(1, 256, 3)))


def _stretch(channel: NDArray[np.generic]) -> Gray:
    """Spreads the chroma of a dull picture over the whole range, but noise at most fourfold."""
    values = channel.astype(np.float32) - 128.0
    reach = float(np.percentile(np.abs(values[::4, ::4]), 99))
    gain = min(4.0, 127.0 / max(reach, 1.0))
    return np.asarray(np.clip(values * gain + 128.0, 0, 255), dtype=np.float32).astype(np.uint8)
