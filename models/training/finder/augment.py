"""Views of a scene that a step of training looks at: turned, scaled, cut out, in another light."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.types import CARD_ASPECT, RgbImage
from app.vision.detect.second_look import CARD_HEIGHT_PX, CORNER_SIGNS
from models.training.finder.scenes import TrainingScene

_HEIGHTS_PX = (30.0, 480.0)
_LARGEST_ZOOM = 2.2
_ANY_TURN = 0.5  # of the views; the others are turned by quarters and a little
#: Share of the views that look at one card as ``app.vision.detect.second_look`` does: cut out upright by an
#: answer that is a little off (standard deviation of a corner as a share of the card's side).
_CLOSER = 0.25
_ANSWER_ERROR = 0.05
#: Share of those that are far off: beside the card, round its holder, on a part of it. Without them a look
#: from near would learn that there always is a card.
_ASTRAY = 0.4
#: Below it a view is blurred first.
_SHRINKS = 0.7
_TRIES = 4
_LEAST_DETERMINANT = 1e-9  # of a quad that is none
_BORDERS = (cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT)


def view_of(
    scene: TrainingScene, size_px: int, rng: np.random.Generator, tilt: float = 0.0
) -> tuple[RgbImage, NDArray[np.float64]]:
    """Cuts a square view out of a scene.

    Args:
        scene: Picture and cards.
        size_px: Side of the view.
        rng: Source of chance; the same state gives the same view.
        tilt: Deviation of how much nearer one side of the view is than its middle.

    Returns:
        RGB uint8 (size_px, size_px, 3), and the corners of all cards in its pixels, (count, 4, 2).
    """
    warp = _chosen(scene, size_px, rng, tilt)
    border = _BORDERS[int(rng.integers(len(_BORDERS)))]
    colour = [int(v) for v in rng.integers(0, 256, 3)]
    scale = _scale_in_the_middle(warp, size_px)
    image = scene.image
    if scale < _SHRINKS:  # a warp skips pixels where it shrinks
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.4 / scale), np.uint8)
    view = cv2.warpPerspective(image, warp, (size_px, size_px), borderMode=border, borderValue=colour)
    return _relight(np.asarray(view, np.uint8), rng), _warped(scene.quads, warp)


def _chosen(scene: TrainingScene, size_px: int, rng: np.random.Generator, tilt: float) -> NDArray[np.float64]:
    """From the scene to the view, (3, 3); no card of the scene reaches behind the horizon of the view."""
    for _ in range(_TRIES):
        if len(scene.quads) and rng.random() < _CLOSER:
            warp = _aim_closer(scene, size_px, rng)
        elif tilt > 0:
            warp = _tilted(size_px, rng.normal(0, tilt, 2)) @ _aim(scene, size_px, rng)
        else:
            break
        if _all_in_front(scene.quads, warp, size_px):
            return warp
    return _aim(scene, size_px, rng)  # without perspective there is no horizon


def _all_in_front(quads: NDArray[np.float64], warp: NDArray[np.float64], size_px: int) -> bool:
    """Whether all corners are less than ten times as far away as what the middle of the view shows."""
    if abs(np.linalg.det(warp)) < _LEAST_DETERMINANT:
        return False
    depth_in_the_middle = 1.0 / (np.linalg.inv(warp)[2] @ np.array([size_px / 2, size_px / 2, 1.0]))
    depths = quads.reshape(-1, 2) @ warp[2, :2] + warp[2, 2]
    return bool((depths / depth_in_the_middle > 0.1).all())


def _scale_in_the_middle(warp: NDArray[np.float64], size_px: int) -> float:
    """Pixels of the view for one of the scene."""
    middle = size_px / 2
    there = np.array([[middle, middle, 1.0], [middle + 1, middle, 1.0], [middle, middle + 1, 1.0]])
    lifted = there @ np.linalg.inv(warp).T
    here, right, below = lifted[:, :2] / lifted[:, 2:]
    return float(abs(np.linalg.det(np.stack([right - here, below - here]))) ** -0.5)


def _warped(quads: NDArray[np.float64], warp: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quads (count, 4, 2) after a perspective (3, 3)."""
    lifted = np.concatenate([quads, np.ones((*quads.shape[:2], 1))], axis=2) @ warp.T
    return np.asarray(lifted[..., :2] / lifted[..., 2:], np.float64)


def _aim(scene: TrainingScene, size_px: int, rng: np.random.Generator) -> NDArray[np.float64]:
    height, width = scene.image.shape[:2]
    if len(scene.quads):
        heights = np.linalg.norm(scene.quads[:, 3] - scene.quads[:, 0], axis=1)
        wanted = float(np.exp(rng.uniform(*np.log(_HEIGHTS_PX))))
        scale = min(wanted / float(np.median(heights)), _LARGEST_ZOOM)
        middle = scene.quads[int(rng.integers(len(scene.quads)))].mean(axis=0)
    else:
        scale, middle = size_px / max(height, width), np.array([width, height]) / 2
    if rng.random() < _ANY_TURN:
        turn = float(rng.uniform(0, 2 * np.pi))
    else:
        turn = float(rng.choice([0, 0, 0, 1, 2, 3])) * np.pi / 2 + float(rng.normal(0, 0.06))
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shear = np.eye(2) + rng.normal(0, 0.04, (2, 2))
    mirrored = np.diag([float(rng.choice([1.0, -1.0])), 1.0])
    linear = linear @ shear @ mirrored  # of cards seen in a mirror the outline is still right
    target = size_px / 2 + rng.uniform(-0.4, 0.4, 2) * size_px
    return np.vstack([np.column_stack([linear, target - linear @ middle]), [0.0, 0.0, 1.0]])


def _aim_closer(scene: TrainingScene, size_px: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The perspective that lays one card upright in the middle of a view, but for the error of an answer."""
    quad = scene.quads[int(rng.integers(len(scene.quads)))]
    if rng.random() < _ASTRAY:
        quad = _astray(quad, rng)
    sides = np.linalg.norm(quad - np.roll(quad, 1, axis=0), axis=1)
    answer = quad + rng.normal(0, _ANSWER_ERROR, (4, 2)) * sides.mean()
    height_px = CARD_HEIGHT_PX * float(np.exp(rng.normal(0, 0.06)))
    upright = size_px / 2 + CORNER_SIGNS * np.array([CARD_ASPECT * height_px, height_px]) / 2
    turned = np.roll(upright, 2 * int(rng.integers(2)), axis=0)
    warp = cv2.getPerspectiveTransform(answer.astype(np.float32), turned.astype(np.float32))
    return np.asarray(warp, np.float64)


def _astray(quad: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A quad beside the card, or one that is too large or too small for it, (4, 2)."""
    across, down = quad[1] - quad[0], quad[3] - quad[0]
    offset = rng.uniform(-1.2, 1.2, 2) if rng.random() < 0.6 else np.zeros(2)
    stretch = np.exp(rng.normal(0, 0.3, 2))
    middle = quad.mean(axis=0)
    local = np.linalg.solve(np.stack([across, down], axis=1), (quad - middle).T).T * stretch + offset
    return np.asarray(middle + local @ np.stack([across, down]), np.float64)


def _tilted(size_px: int, lean: NDArray[np.float64]) -> NDArray[np.float64]:
    """The perspective that leaves the middle of a view where it is and brings one side nearer, (3, 3)."""
    half = size_px / 2
    to_middle = np.array([[1, 0, -half], [0, 1, -half], [0, 0, 1]])
    lean = np.clip(lean, -0.3, 0.3) / half
    leaning = np.array([[1, 0, 0], [0, 1, 0], [lean[0], lean[1], 1]])
    return np.asarray(np.linalg.inv(to_middle) @ leaning @ to_middle, np.float64)


def _relight(view: RgbImage, rng: np.random.Generator) -> RgbImage:
    gains = np.exp(rng.normal(0, 0.12, 3) + rng.normal(0, 0.2))
    gamma = float(np.exp(rng.normal(0, 0.25)))
    table = np.clip((np.arange(256)[:, None] / 255.0) ** gamma * gains * 255.0, 0, 255)
    lit = cv2.LUT(view, table.astype(np.uint8).reshape(1, 256, 3)).astype(np.float32)
    if rng.random() < 0.5:
        noise = rng.standard_normal((view.shape[0] // 2, view.shape[1] // 2, 3), dtype=np.float32)
        lit += cv2.resize(noise, view.shape[1::-1]) * float(rng.uniform(2, 14))
    return np.asarray(np.clip(lit, 0, 255), np.float32).astype(np.uint8)
