"""A pinhole camera over a flat scene: where a point of the table lands in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import Quad

Points = NDArray[np.float64]
"""Points of a plane, (count, 2)."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Projects the plane of the table, in millimetres, into the picture, in pixels.

    Attributes:
        size_px: Width and height of the picture.
        homography: Plane (mm) to picture (px), (3, 3).
        px_per_mm: Scale where the camera looks.
    """

    size_px: tuple[int, int]
    homography: NDArray[np.float64]
    px_per_mm: float

    def project(self, points_mm: Points) -> Quad:
        """Where points of the plane lie in the picture, (count, 2)."""
        return np.asarray(cv2.perspectiveTransform(points_mm[None].astype(np.float64), self.homography)[0])

    def visible_mm(self) -> Points:
        """The corners of the picture on the plane, (4, 2)."""
        width, height = self.size_px
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        back = np.linalg.inv(self.homography)
        return np.asarray(cv2.perspectiveTransform(corners[None], back)[0])


@dataclass(frozen=True, slots=True)
class Pose:
    """How the camera is held.

    Attributes:
        tilt_deg: Angle between the optical axis and the normal of the table.
        tilt_towards_deg: Direction of the tilt in the plane.
        roll_deg: Turn around the optical axis.
        focal_share: Focal length as a share of the picture's longer side; 0.75-1 is a phone's main camera.
    """

    tilt_deg: float
    tilt_towards_deg: float
    roll_deg: float
    focal_share: float


def look_at(
    content_mm: Points, size_px: tuple[int, int], pose: Pose, fill: float, off_centre: tuple[float, float]
) -> Camera:
    """A camera that sees all of the content.

    Args:
        content_mm: Outline of what must be in the picture, (count, 2).
        size_px: Width and height of the picture.
        pose: How the camera is held.
        fill: Greatest share of the picture's width or height that the content takes, in (0, 1].
        off_centre: Where the content lies in the room that is left, -1 to 1, to the right and down.
    """
    low, high = content_mm.min(axis=0), content_mm.max(axis=0)
    centre, extent = (low + high) / 2, high - low
    size = np.array(size_px, np.float64)
    px_per_mm = float(fill * (size / extent).min())
    for _ in range(3):  # the spread under perspective is not linear in the scale, but close to it
        homography = _homography(centre, size_px, pose, px_per_mm)
        seen = cv2.perspectiveTransform(content_mm[None].astype(np.float64), homography)[0]
        spread = seen.max(axis=0) - seen.min(axis=0)
        px_per_mm *= float(fill * (size / spread).min())
    homography = _homography(centre, size_px, pose, px_per_mm)
    seen = cv2.perspectiveTransform(content_mm[None].astype(np.float64), homography)[0]
    low, high = seen.min(axis=0), seen.max(axis=0)
    room = np.maximum(size - (high - low), 0.0)
    shift = size / 2 - (low + high) / 2 + np.array(off_centre) * room / 2
    translation = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]], np.float64)
    return Camera(size_px, translation @ homography, px_per_mm)


def _homography(
    centre_mm: NDArray[np.float64], size_px: tuple[int, int], pose: Pose, px_per_mm: float
) -> NDArray[np.float64]:
    """Plane to picture, looking at ``centre_mm``: K [r1 r2 t] (Hartley & Zisserman, 2004, section 8.1)."""
    focal = pose.focal_share * max(size_px)
    towards = np.deg2rad(pose.tilt_towards_deg)
    axis = np.array([np.cos(towards), np.sin(towards), 0.0]) * np.deg2rad(pose.tilt_deg)
    tilt = cv2.Rodrigues(axis)[0]
    roll = cv2.Rodrigues(np.array([0.0, 0.0, np.deg2rad(pose.roll_deg)]))[0]
    rotation = np.asarray(tilt @ roll, np.float64)
    distance = focal / px_per_mm
    extrinsic = np.column_stack([rotation[:, 0], rotation[:, 1], [0.0, 0.0, distance]])
    intrinsic = np.array([[focal, 0, size_px[0] / 2], [0, focal, size_px[1] / 2], [0, 0, 1]])
    to_centre = np.array([[1, 0, -centre_mm[0]], [0, 1, -centre_mm[1]], [0, 0, 1]])
    return np.asarray(intrinsic @ extrinsic @ to_centre, np.float64)
