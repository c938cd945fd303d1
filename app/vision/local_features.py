"""What a card shows in place: patches of its reference picture, found again in a rectified crop.

A crop is nearly aligned already, so each patch is searched only nearby, by normalised correlation, which
neither light nor haze nor blur fools easily. Places that move together say that it is the same picture, and
how the crop lies on it. On hard photos keypoints with binary descriptors (ORB) agree on a handful of places
at most; patches agree on dozens (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from app.domain.types import RgbImage

GrayPicture = NDArray[np.uint8]
"""A picture in grey, uint8, (height, width)."""

Points = NDArray[np.float32]
"""Places in pixels, x to the right and y down, (count, 2)."""

Affine = NDArray[np.float64]
"""Maps (x, y, 1) to (x, y), (2, 3)."""

#: Height and width of the picture that a reference's features are.
FEATURES_SIZE_PX = (134, 96)
#: No reference's features take more.
FEATURES_MOST_BYTES = 8 * 1024
_QUALITIES = (92, 85, 75, 60, 40)


@dataclass(frozen=True, slots=True)
class PatchGrid:
    """Where patches of a picture lie and how far around each is searched.

    Attributes:
        size_px: Height and width of the pictures.
        columns: Patches side by side; the outer ones touch the edge.
        rows: Likewise, one below the other.
        patch_px: Side of a patch, even.
        reach_px: How far from its place a patch is searched.
        tolerance_px: How far a patch that moves with the others may be from where they put it.
    """

    size_px: tuple[int, int]
    columns: int
    rows: int
    patch_px: int
    reach_px: int
    tolerance_px: float

    def middles(self) -> NDArray[np.int64]:
        """Middles of the patches, (rows * columns, 2)."""
        half = self.patch_px / 2
        height, width = self.size_px
        x = np.linspace(half, width - half, self.columns).round().astype(np.int64)
        y = np.linspace(half, height - half, self.rows).round().astype(np.int64)
        return np.stack([np.tile(x, self.rows), np.repeat(y, self.columns)], axis=1)


#: Searched for a picture that may lie 10 % beside its place.
COARSE_GRID = PatchGrid(FEATURES_SIZE_PX, 7, 9, 20, 10, 1.6)
_LEAST_CORRELATION = 0.3  # of a patch that is thought to be found at all
_LEAST_FOUND = 6


@dataclass(frozen=True, slots=True)
class PatchMatch:
    """How a reference lies in a crop.

    Attributes:
        places: Of the patches' middles in the reference, (count, 2).
        found: Where they were found in the crop, (count, 2).
        correlations: How well each fits there, -1 to 1, (count,).
        together: Which of them move together, bool (count,).
        affine: Reference to crop, for those; None where too few agree.
    """

    places: Points
    found: Points
    correlations: NDArray[np.float32]
    together: NDArray[np.bool_]
    affine: Affine | None

    @property
    def likely(self) -> NDArray[np.bool_]:
        """Patches that fit well enough to be thought found at all, bool (count,)."""
        return self.correlations >= _LEAST_CORRELATION

    @property
    def inliers(self) -> int:
        """Patches that move together."""
        return int(self.together.sum())

    @property
    def agreement(self) -> float:
        """Mean correlation of all patches, those that do not move together counting nothing, 0 to 1."""
        return float(np.clip(self.correlations, 0, 1)[self.together].sum() / len(self.places))


def gray_picture(image: RgbImage, size_px: tuple[int, int]) -> GrayPicture:
    """A card in grey, resized to (height, width)."""
    small = cv2.resize(image, size_px[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def make_features(image: RgbImage) -> bytes:
    """The features of a clean card, at most ``FEATURES_MOST_BYTES``."""
    gray = gray_picture(image, FEATURES_SIZE_PX)
    for quality in _QUALITIES:
        done, data = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if done and len(data) <= FEATURES_MOST_BYTES:
            return data.tobytes()
    raise RuntimeError("OpenCV could not compress the features of a picture")


def read_features(data: bytes) -> GrayPicture:
    """The picture that ``make_features`` wrote, (134, 96).

    Raises:
        ValueError: the bytes are something else.
    """
    gray = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if gray is None or gray.shape != FEATURES_SIZE_PX:
        raise ValueError(f"features are a picture of {FEATURES_SIZE_PX}, not {len(data)} other bytes")
    return np.asarray(gray, np.uint8)


def match_patches(crop: GrayPicture, reference: GrayPicture, grid: PatchGrid = COARSE_GRID) -> PatchMatch:
    """Looks for the patches of a reference in a crop.

    Args:
        crop: Of the grid's size.
        reference: Of the grid's size.
        grid: Which patches, and how far they may have moved.
    """
    middles = grid.middles()
    reach, half = grid.reach_px, grid.patch_px // 2
    padded = cv2.copyMakeBorder(crop, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    moves = np.zeros((len(middles), 2), np.float32)
    correlations = np.zeros(len(middles), np.float32)
    flat = np.zeros(len(middles), bool)
    for index, (x, y) in enumerate(middles):
        patch = reference[y - half : y + half, x - half : x + half]
        around = padded[y - half : y + half + 2 * reach, x - half : x + half + 2 * reach]
        fit = cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED)
        _, correlations[index], _, at = cv2.minMaxLoc(fit)
        moves[index] = _refined(fit, at)
        # An even patch has no correlation; OpenCV then calls every place perfect.
        flat[index] = cv2.meanStdDev(patch)[1][0, 0] < 1.0
    correlations[flat | ~np.isfinite(correlations)] = 0.0
    places = middles.astype(np.float32)
    found = places + moves - reach
    return _agreeing(places, found, correlations, grid.tolerance_px)


def _refined(fit: MatLike, at: Sequence[int]) -> tuple[float, float]:
    """The top of the parabola through a peak and its neighbours, x and y, half a pixel away at most."""
    x, y = at
    return x + _vertex(fit[y], x), y + _vertex(fit[:, x], y)


def _vertex(line: MatLike, peak: int) -> float:
    if not 0 < peak < len(line) - 1:
        return 0.0
    before, top, after = (float(value) for value in line[peak - 1 : peak + 2])
    bend = before - 2 * top + after
    return min(0.5, max(-0.5, 0.5 * (before - after) / bend)) if bend < -1e-6 else 0.0


def _agreeing(
    places: Points, found: Points, correlations: NDArray[np.float32], tolerance_px: float
) -> PatchMatch:
    """Keeps the patches that one affine map moves, by RANSAC (Fischler and Bolles 1981)."""
    likely = correlations >= _LEAST_CORRELATION
    nothing = np.zeros(len(places), bool)
    if likely.sum() < _LEAST_FOUND:
        return PatchMatch(places, found, correlations, nothing, None)
    affine, _ = cv2.estimateAffine2D(
        places[likely], found[likely], method=cv2.RANSAC, ransacReprojThreshold=tolerance_px, maxIters=300
    )
    if affine is None:
        return PatchMatch(places, found, correlations, nothing, None)
    expected = places @ affine[:, :2].T + affine[:, 2]
    together = likely & (np.linalg.norm(found - expected, axis=1) <= tolerance_px)
    if together.sum() < _LEAST_FOUND:
        return PatchMatch(places, found, correlations, nothing, None)
    return PatchMatch(places, found, correlations, together, np.asarray(affine, np.float64))
