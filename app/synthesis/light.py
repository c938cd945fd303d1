"""Light on a picture: fall-off, shadows, glare, haze and sheen.

It is described by a ``Light``: for each pixel a gain and an added colour, computed on a small grid and
enlarged only when it is applied, so that a 12-megapixel scene costs little more than a card.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import RgbImage
from app.synthesis.degrade import Plane, happens, uniform
from app.synthesis.levels import Range


@dataclass(slots=True)
class Light:
    """Light that falls on a picture and light that lies on top of it, on a small grid.

    Attributes:
        gain: Factor of the picture, (rows, columns), float32.
        veil: Colour added on top (glare, haze, sheen), 0-255, (rows, columns, 3), float32.
    """

    gain: Plane
    veil: NDArray[np.float32]

    @classmethod
    def even(cls, height: int, width: int) -> Light:
        """Light without any effect, on a grid of the given size."""
        return cls(np.ones((height, width), np.float32), np.zeros((height, width, 3), np.float32))

    def dim(self, factor: Plane) -> None:
        """Takes light away: below the plastic, so highlights that already lie on top stay."""
        self.gain *= factor

    def cover(self, opacity: Plane, colour: tuple[float, float, float]) -> None:
        """Lays a translucent colour (0-255) on top; ``opacity`` in [0, 1], (rows, columns)."""
        through = 1.0 - opacity
        self.gain *= through
        self.veil *= through[..., None]
        self.veil += (opacity[..., None] * np.asarray(colour)).astype(np.float32)

    def apply(self, image: RgbImage, top: int = 0, full_height: int | None = None) -> NDArray[np.float32]:
        """The lit picture, float32, 0-255 and beyond (a sensor clips later).

        Args:
            image: The picture, or a band of its rows.
            top: First row of the band.
            full_height: Rows of the whole picture, if this is a band of it.
        """
        size = (image.shape[1], image.shape[0])
        if full_height is None:
            gain, veil = cv2.resize(self.gain, size), cv2.resize(self.veil, size)
        else:  # slower, but it can begin between two rows of the grid
            to_grid = self._grid_of_pixels(size[0], top, full_height)
            flags, border = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
            gain = cv2.warpAffine(self.gain, to_grid, size, flags=flags, borderMode=border)
            veil = cv2.warpAffine(self.veil, to_grid, size, flags=flags, borderMode=border)
        lit = cv2.multiply(image, cv2.cvtColor(gain, cv2.COLOR_GRAY2RGB), dtype=cv2.CV_32F)
        return np.asarray(cv2.add(lit, veil, lit), np.float32)

    def _grid_of_pixels(self, width: int, top: int, full_height: int) -> NDArray[np.float64]:
        """Maps the centre of each pixel of a band onto the grid, (2, 3)."""
        rows, columns = self.gain.shape
        x_step, y_step = columns / width, rows / full_height
        return np.array([[x_step, 0, x_step / 2 - 0.5], [0, y_step, (top + 0.5) * y_step - 0.5]])


def add_gradient(light: Light, rng: np.random.Generator, loss: float) -> None:
    """Light falls off across the picture along a random direction, by up to ``loss`` of itself."""
    rows, columns = light.gain.shape
    angle = float(rng.uniform(0, 2 * np.pi))
    x = np.linspace(-0.5, 0.5, columns, dtype=np.float32) * np.cos(angle)
    y = np.linspace(-0.5, 0.5, rows, dtype=np.float32) * np.sin(angle)
    ramp = (x[None, :] + y[:, None]).astype(np.float32)
    ramp -= ramp.min()
    ramp /= max(float(ramp.max()), 1e-6)
    ramp **= float(rng.uniform(0.6, 1.8))
    light.dim((1.0 - loss * ramp).astype(np.float32))


def add_hard_shadow(light: Light, rng: np.random.Generator, depth: Range = (0.2, 0.55)) -> None:
    """A hand, a phone or a window bar throws a shadow with an edge: the far side of a random line."""
    rows, columns = light.gain.shape
    centre = np.array([columns, rows]) * rng.uniform(0.2, 0.8, 2)
    angle = float(rng.uniform(0, 2 * np.pi))
    along = np.array([np.cos(angle), np.sin(angle)]) * 2 * (rows + columns)
    across = np.array([-along[1], along[0]])
    if happens(rng, 0.3):  # a bar or an arm: a band with two edges
        across *= float(rng.uniform(0.04, 0.12))
    outline = np.array([centre - along, centre + along, centre + along + across, centre - along + across])
    mask = np.zeros((rows, columns), np.uint8)
    cv2.fillConvexPoly(mask, np.rint(outline).astype(np.int32), 255, cv2.LINE_AA)
    softness = max(rows, columns) * uniform(rng, (0.003, 0.03))
    soft = cv2.GaussianBlur(mask, (0, 0), max(softness, 0.3)).astype(np.float32)
    light.dim(1.0 - soft * np.float32(uniform(rng, depth) / 255.0))


def add_glare(light: Light, rng: np.random.Generator, peak: Range, within: Plane | None = None) -> None:
    """1-3 streaks or blown spots of lamp or window light on plastic.

    Args:
        light: Changed in place.
        rng: Source of chance.
        peak: Brightness of a streak, as a share of white.
        within: Where there is plastic, 0 to 1, (rows, columns); everywhere if not given.
    """
    tint = (255.0, 255.0 - float(rng.uniform(0, 25)), 255.0 - float(rng.uniform(0, 45)))
    for _ in range(int(rng.integers(1, 4))):
        shape = _spot if happens(rng, 0.35) else _streak
        opacity = shape(rng, *light.gain.shape) * np.float32(uniform(rng, peak))
        light.cover(opacity if within is None else opacity * within, tint)


def _streak(rng: np.random.Generator, rows: int, columns: int) -> Plane:
    """A soft line of light across the picture, peak 1."""
    mask = np.zeros((rows, columns), np.uint8)
    middle = np.array([columns, rows]) * rng.uniform(0.05, 0.95, 2)
    angle = float(rng.uniform(0, np.pi))
    reach = np.array([np.cos(angle), np.sin(angle)]) * rows * uniform(rng, (0.25, 1.2))
    width = max(1, round(columns * uniform(rng, (0.02, 0.16))))
    ends = np.rint([middle - reach, middle + reach]).astype(int).tolist()
    cv2.line(mask, ends[0], ends[1], 255, width, cv2.LINE_AA)
    return _blurred_to_peak_of_one(mask, width * uniform(rng, (0.15, 0.9)))


def _spot(rng: np.random.Generator, rows: int, columns: int) -> Plane:
    """The mirror image of a lamp: an ellipse with a blown core, peak 1."""
    mask = np.zeros((rows, columns), np.uint8)
    centre = np.array([columns, rows]) * rng.uniform(0.05, 0.95, 2)
    axes = columns * rng.uniform(0.04, 0.22, 2)
    box = (
        (float(centre[0]), float(centre[1])),
        (2 * float(axes[0]), 2 * float(axes[1])),
        float(rng.uniform(0, 180)),
    )
    cv2.ellipse(mask, box, 255, -1, cv2.LINE_AA)
    return _blurred_to_peak_of_one(mask, float(axes.min()) * uniform(rng, (0.15, 0.8)))


def _blurred_to_peak_of_one(mask: NDArray[np.uint8], sigma: float) -> Plane:
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.4, sigma)).astype(np.float32)
    soft *= 1.0 / max(float(soft.max()), 1.0)
    return soft


def add_haze(light: Light, rng: np.random.Generator, share: float, within: Plane | None = None) -> None:
    """A milky sleeve: ``share`` of what is seen is scattered light, a little uneven.

    Args:
        light: Changed in place.
        rng: Source of chance.
        share: Opacity of the haze, 0 to 1.
        within: Where there is plastic, 0 to 1, (rows, columns); everywhere if not given.
    """
    rows, columns = light.gain.shape
    patches = rng.uniform(0.75, 1.1, (4, 3)).astype(np.float32)
    uneven = cv2.resize(patches, (columns, rows), interpolation=cv2.INTER_CUBIC)
    grey = uniform(rng, (165, 250))
    cast = (grey + float(rng.uniform(-10, 10)), grey, grey + float(rng.uniform(-10, 14)))
    opacity = np.clip(uneven * np.float32(share), 0, 1).astype(np.float32)
    light.cover(opacity if within is None else opacity * within, cast)


def add_foil_sheen(light: Light, rng: np.random.Generator, share: float) -> None:
    """Rainbow bands of a foil card, added on top; ``share`` is their amplitude as a share of white."""
    rows, columns = light.gain.shape
    angle = float(rng.uniform(0, np.pi))
    bands = uniform(rng, (1.0, 5.0)) * 2 * np.pi / rows
    x = np.arange(columns, dtype=np.float32) * np.float32(np.cos(angle) * bands)
    y = np.arange(rows, dtype=np.float32) * np.float32(np.sin(angle) * bands)
    phase = x[None, :] + y[:, None] + np.float32(rng.uniform(0, 2 * np.pi))
    brightness = 0.5 + 0.5 * np.sin(phase * np.float32(0.37))
    for channel, shift in enumerate((0.0, 2.1, 4.2)):
        light.veil[..., channel] += (share * 255.0) * brightness * (0.5 + 0.5 * np.sin(phase + shift))
