"""Where cards lie and how a camera sees a plane.

Points are continuous: the first pixel covers [0, 1] x [0, 1]. Quads run from the card's own top left,
clockwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

RgbImage = NDArray[np.uint8]
FloatImage = NDArray[np.float32]
Points = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: A trading card, in millimetres: the size most games share, with the usual rounding of its corners.
CARD_WIDTH_MM = 63.0
CARD_HEIGHT_MM = 88.0
CORNER_RADIUS_MM = 3.0

#: Size of a rectified card, in pixels: 6 px a millimetre.
CROP_WIDTH_PX = 378
CROP_HEIGHT_PX = 528

#: Distance of a hand-held camera from the middle of what it takes, in longest sides of that.
CAMERA_DISTANCE = (1.2, 2.5)


@dataclass(frozen=True, slots=True)
class View:
    """How a camera stands to the plane that cards lie in.

    Attributes:
        roll_rad: Turn of the plane in the picture, clockwise.
        tilt_rad: Angle between the camera's axis and the plane's normal.
        tilt_axis_rad: Direction in the plane about which it is tilted.
        distance_mm: From the camera to the middle of what it takes.
    """

    roll_rad: float
    tilt_rad: float
    tilt_axis_rad: float
    distance_mm: float


def check_card(card: RgbImage) -> None:
    """Raises ValueError where a card is not RGB uint8 (height, width, 3)."""
    if card.ndim != 3 or card.shape[2] != 3 or card.dtype != np.uint8 or card.size == 0:
        raise ValueError(f"a card must be RGB uint8 (height, width, 3), got {card.dtype} {card.shape}")


def draw_view(tilt_max_deg: float, roll_max_deg: float, extent_mm: float, rng: np.random.Generator) -> View:
    """Draws a view with a tilt of 0 to ``tilt_max_deg`` of something ``extent_mm`` long."""
    return View(
        roll_rad=math.radians(float(rng.uniform(-roll_max_deg, roll_max_deg))),
        tilt_rad=math.radians(float(rng.uniform(0.0, tilt_max_deg))),
        tilt_axis_rad=float(rng.uniform(0.0, 2 * math.pi)),
        distance_mm=extent_mm * float(rng.uniform(*CAMERA_DISTANCE)),
    )


def plane_to_picture(view: View) -> Matrix:
    """Returns the homography (3, 3) from plane to picture: origin to origin, 1 px a millimetre there."""
    roll = _rotation(view.roll_rad)
    to_axis = _rotation(-view.tilt_axis_rad)
    depth = math.sin(view.tilt_rad) / view.distance_mm
    tilt = np.array([[1.0, 0.0, 0.0], [0.0, math.cos(view.tilt_rad), 0.0], [0.0, depth, 1.0]])
    return np.asarray(to_axis.T @ tilt @ to_axis @ roll)


def scale_and_shift(scale: float, shift_px: Points) -> Matrix:
    """Returns the homography that scales about the origin, then shifts by ``shift_px`` (2,)."""
    return np.array([[scale, 0.0, shift_px[0]], [0.0, scale, shift_px[1]], [0.0, 0.0, 1.0]])


def project(homography: Matrix, points: Points) -> Points:
    """Maps points (n, 2) through a homography (3, 3)."""
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ homography.T
    return homogeneous[:, :2] / homogeneous[:, 2:]


def project_seen(homography: Matrix, outline: Points, nearest: float = 0.3) -> Points:
    """Maps a convex outline (n, 2), less of it what would lie beside or behind the camera.

    Without the cut, the far end of a forearm would come back into the picture from the other side.

    Args:
        homography: Of a plane that the camera looks at, (3, 3); its origin is in view.
        outline: In the plane.
        nearest: Depth, as a share of the origin's, at which things are cut off.

    Returns:
        The outline in the picture, (m, 2); empty where nothing of it is seen.
    """
    depths = np.concatenate([outline, np.ones((len(outline), 1))], axis=1) @ homography[2] / homography[2, 2]
    kept = []
    for here, there in zip(range(len(outline)), np.roll(range(len(outline)), -1), strict=True):
        if depths[here] >= nearest:
            kept.append(outline[here])
        if (depths[here] >= nearest) != (depths[there] >= nearest):
            share = (nearest - depths[here]) / (depths[there] - depths[here])
            kept.append(outline[here] + share * (outline[there] - outline[here]))
    return project(homography, np.array(kept).reshape(-1, 2))


def box_quad(left: float, top: float, width: float, height: float) -> Points:
    """Returns the corners (4, 2) of an upright box, clockwise from its top left."""
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])


def card_quad_mm(centre_mm: Points, turn_rad: float) -> Points:
    """Returns the corners (4, 2) of a card about ``centre_mm`` (2,), turned clockwise by ``turn_rad``."""
    upright = box_quad(-CARD_WIDTH_MM / 2, -CARD_HEIGHT_MM / 2, CARD_WIDTH_MM, CARD_HEIGHT_MM)
    return project(_rotation(turn_rad), upright) + centre_mm


def card_height_px(quad_px: Points) -> float:
    """Returns the mean length of the two long sides of a card's quad (4, 2)."""
    right = np.linalg.norm(quad_px[2] - quad_px[1])
    left = np.linalg.norm(quad_px[3] - quad_px[0])
    return float(right + left) / 2


def grow_quad(quad_px: Points, shares: Points) -> Points:
    """Moves the edges of a quad outwards.

    Args:
        quad_px: Corners (4, 2).
        shares: How far to move the left, top, right and bottom edge (4,), as shares of the width or height.

    Returns:
        Corners (4, 2), in the perspective of ``quad_px``.
    """
    left, top, right, bottom = (float(share) for share in shares)
    grown = box_quad(-left, -top, 1 + left + right, 1 + top + bottom)
    return project(homography_between(box_quad(0, 0, 1, 1), quad_px), grown)


def homography_between(source: Points, target: Points) -> Matrix:
    """Returns the homography (3, 3) that takes four points (4, 2) to four others."""
    matrix = cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32))
    return np.asarray(matrix, dtype=np.float64)


def warp(
    image: NDArray[np.uint8],
    homography: Matrix,
    width_px: int,
    height_px: int,
    border: int = cv2.BORDER_REFLECT_101,
) -> NDArray[np.uint8]:
    """Warps a picture (h, w) or (h, w, 3) by a homography between continuous coordinates.

    Beyond the picture lies its mirror image, or black with ``cv2.BORDER_CONSTANT``.
    """
    half = scale_and_shift(1.0, np.array([0.5, 0.5]))
    matrix = np.linalg.inv(half) @ homography @ half
    warped = cv2.warpPerspective(
        image, matrix, (width_px, height_px), flags=cv2.INTER_LINEAR, borderMode=border
    )
    return np.asarray(warped, dtype=np.uint8)


def shrink_for(image: NDArray[np.uint8], target_height_px: float) -> NDArray[np.uint8]:
    """Averages a picture down to about ``target_height_px``, so that warping it there does not alias."""
    scale = target_height_px / image.shape[0]
    if scale >= 1.0:
        return image
    size = (max(2, round(image.shape[1] * scale)), max(2, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def rectify(picture: RgbImage, quad_px: Points) -> RgbImage:
    """Cuts out what lies in a quad, upright.

    Args:
        picture: RGB uint8 (height, width, 3).
        quad_px: Corners (4, 2), from the card's own top left, clockwise.

    Returns:
        RGB uint8 (528, 378, 3).
    """
    shrunk = shrink_for(picture, picture.shape[0] * min(1.0, CROP_HEIGHT_PX / card_height_px(quad_px)))
    scale = np.array([shrunk.shape[1] / picture.shape[1], shrunk.shape[0] / picture.shape[0]])
    homography = homography_between(quad_px * scale, box_quad(0, 0, CROP_WIDTH_PX, CROP_HEIGHT_PX))
    return warp(shrunk, homography, CROP_WIDTH_PX, CROP_HEIGHT_PX)


def _rotation(angle_rad: float) -> Matrix:
    """Returns the homography that turns clockwise as seen in a picture (y down)."""
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
