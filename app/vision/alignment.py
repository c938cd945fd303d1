"""Lays a crop precisely onto a reference picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import Quad, RgbImage
from app.vision.local_features import Affine, PatchGrid, gray_picture, match_patches

Homography = NDArray[np.float64]
"""Maps (x, y, 1) to multiples of (x, y, 1), (3, 3)."""

#: Once the crop lies within 3 % of its place: patches of an eighth of the card, to a fraction of a pixel.
FINE_GRID = PatchGrid((264, 189), 7, 9, 32, 6, 1.5)
_ROUNDS = 2
#: Of hard photos one in a hundred has fewer; another card of the same set has 7 there in the median, 15 on an
#: easy photo (docs/experiments.md).
_LEAST_INLIERS = 12
#: A rectified crop lies no farther off, as a share of the card's sides.
_FARTHEST = 0.15
#: A round that moves no corner farther is the last: a third of a pixel of the fine pictures.
_SETTLED = 0.0015
_UNIT_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


@dataclass(frozen=True, slots=True)
class Alignment:
    """How a crop lies on a reference.

    Attributes:
        to_crop: From places on the reference to places in the crop, both as shares of width and height.
        inliers: Fine patches that agree with it.
    """

    to_crop: Homography
    inliers: int


def align(crop: RgbImage, reference: RgbImage, coarse: Affine, size_px: tuple[int, int]) -> Alignment | None:
    """Refines a coarse match until the crop lies on the reference to a fraction of a pixel.

    Args:
        crop: The rectified card, RGB uint8 of any size.
        reference: The clean card, RGB uint8 of any size.
        coarse: Reference to crop, in pixels of ``size_px``.
        size_px: Height and width of the pictures that ``coarse`` was found on.

    Returns:
        None where too few patches agree.
    """
    to_crop = affine_in_shares(coarse, size_px)
    seen = gray_picture(crop, FINE_GRID.size_px)
    wanted = gray_picture(reference, FINE_GRID.size_px)
    inliers = 0
    for _ in range(_ROUNDS):
        match = match_patches(warp_gray(seen, to_crop), wanted, FINE_GRID)
        if match.inliers < _LEAST_INLIERS:
            return None
        step, kept = cv2.findHomography(
            match.places[match.together], match.found[match.together], cv2.RANSAC, FINE_GRID.tolerance_px
        )
        if step is None or (inliers := int(kept.sum())) < _LEAST_INLIERS:
            return None
        further = _in_shares(np.asarray(step, np.float64), FINE_GRID.size_px)
        to_crop = to_crop @ further
        if _corner_moves(further) <= _SETTLED:
            break
    to_crop = to_crop / to_crop[2, 2]
    return Alignment(to_crop, inliers) if _corner_moves(to_crop) <= _FARTHEST else None


def affine_in_shares(affine: Affine, size_px: tuple[int, int]) -> Homography:
    """A map between pictures of (height, width) as one between shares of width and height."""
    return _in_shares(np.vstack([affine, [0.0, 0.0, 1.0]]), size_px)


def correct_quad(quad_px: Quad, to_crop: Homography) -> Quad:
    """Where a card lies whose reference lies so in the crop that was cut out by ``quad_px``.

    Args:
        quad_px: Corners (4, 2) in pixels of the picture, from the card's own top left, clockwise.
        to_crop: Reference to crop, both as shares of width and height.

    Returns:
        Corners (4, 2) likewise; ``quad_px`` itself where a corner would move farther than a crop lies off.
    """
    if _corner_moves(to_crop) > _FARTHEST:
        return quad_px
    into_picture = cv2.getPerspectiveTransform(_UNIT_SQUARE, quad_px.astype(np.float32))
    in_crop = cv2.perspectiveTransform(_UNIT_SQUARE[None].astype(np.float64), to_crop)
    return np.asarray(cv2.perspectiveTransform(in_crop, into_picture)[0], np.float64)


def _corner_moves(to_crop: Homography) -> float:
    """How far it moves the corner that it moves farthest, as a share of the card's sides."""
    moved = cv2.perspectiveTransform(_UNIT_SQUARE[None].astype(np.float64), to_crop)[0]
    return float(np.abs(moved - _UNIT_SQUARE).max())


def warp_gray(image: NDArray[np.uint8], to_crop: Homography) -> NDArray[np.uint8]:
    """The crop as it lies on the reference, in its own size, of one channel or three."""
    return warp_onto(image, to_crop, (image.shape[0], image.shape[1]))


def warp_onto(image: NDArray[np.uint8], to_crop: Homography, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """The crop as it lies on the reference, resampled to (height, width), of one channel or three."""
    from_unit = np.diag([image.shape[1], image.shape[0], 1.0])
    to_unit = np.diag([1.0 / size_px[1], 1.0 / size_px[0], 1.0])
    warped = cv2.warpPerspective(
        image,
        _centred(from_unit @ to_crop @ to_unit),
        size_px[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, np.uint8)


def _in_shares(pixels: Homography, size_px: tuple[int, int]) -> Homography:
    """The same map between shares of width and height; patches' middles lie on the corners of pixels."""
    scale = np.diag([size_px[1], size_px[0], 1.0])
    return np.asarray(np.linalg.inv(scale) @ pixels @ scale, np.float64)


def _centred(edges: Homography) -> Homography:
    """OpenCV puts integer coordinates on the middle of a pixel, shares start at its corner."""
    shift = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    return np.asarray(np.linalg.inv(shift) @ edges @ shift, np.float64)
