"""However a labelled scene is turned, tilted, scaled or cut, the quads that are found move with its cards."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.domain.geometry import quad_iou
from app.domain.types import DetectedQuad, Quad, RgbImage
from app.inference.finder import FINDER_FOLDER, FinderGraph
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import invent_catalogue
from app.synthesis.layouts import SceneKind
from app.synthesis.levels import Level
from app.synthesis.scenes import SceneCard, photograph_scene
from app.vision.detect import detect_cards

SEED = 8123  # scenes that no training and no choice of a constant has seen
IOU_MIN = 0.8
SURROUNDINGS = (92, 84, 76)  # what is seen beyond the edge of the photo


@dataclass(frozen=True)
class LabelledScene:
    """A photo and the true quads (4, 2) of its cards."""

    image: RgbImage
    quads: tuple[Quad, ...]


@pytest.fixture(scope="module")
def finder() -> FinderGraph:
    return FinderGraph(FINDER_FOLDER, threads=1)


@pytest.fixture(scope="module")
def scene() -> LabelledScene:
    """Six loose cards and none that covers another, 800 px at most."""
    faces = [draw_card(card, 420) for card in invent_catalogue(SEED, 6)[:6]]
    drawn = photograph_scene(
        SceneKind.TABLE, Level.EASY, [SceneCard(face) for face in faces], np.random.default_rng(SEED)
    )
    scale = 800 / max(drawn.image.shape[:2])
    image = cv2.resize(drawn.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return LabelledScene(np.asarray(image, np.uint8), tuple(card.quad_px * scale for card in drawn.cards))


def warped(scene: LabelledScene, warp: NDArray[np.float64]) -> LabelledScene:
    """The whole scene as seen through a homography (3, 3), in a picture just large enough for it."""
    height, width = scene.image.shape[:2]
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    seen = through(warp, frame)
    low, high = seen.min(axis=0), seen.max(axis=0)
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]])
    size = tuple(int(side) for side in np.ceil(high - low))
    image = cv2.warpPerspective(
        scene.image, shift @ warp, size, flags=cv2.INTER_AREA, borderValue=SURROUNDINGS
    )
    return LabelledScene(
        np.asarray(image, np.uint8), tuple(through(shift @ warp, quad) for quad in scene.quads)
    )


def through(warp: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    lifted = np.column_stack([points, np.ones(len(points))]) @ warp.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:], np.float64)


def assert_corresponding(found: list[DetectedQuad], scene: LabelledScene) -> None:
    """One quad for each card and no other, all of them clockwise as seen on the screen."""
    assert len(found) == len(scene.quads)
    for quad in scene.quads:
        assert max(quad_iou(one.quad_px, quad) for one in found) >= IOU_MIN
    for one in found:
        x, y = one.quad_px.T
        assert np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) > 0


def test_the_scene_itself_is_found(scene: LabelledScene, finder: FinderGraph) -> None:
    assert_corresponding(detect_cards(scene.image, finder), scene)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(turn_deg=st.floats(-180, 180))
def test_any_turn_is_followed(scene: LabelledScene, finder: FinderGraph, turn_deg: float) -> None:
    turned = cv2.getRotationMatrix2D((400, 300), turn_deg, 1.0)
    seen = warped(scene, np.vstack([turned, [0, 0, 1]]))
    assert_corresponding(detect_cards(seen.image, finder), seen)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(towards=st.floats(0, 2 * np.pi), lean=st.floats(0, 0.3))
def test_any_perspective_is_followed(
    scene: LabelledScene, finder: FinderGraph, towards: float, lean: float
) -> None:
    """``lean``: how much nearer one side of the picture is than its middle."""
    height, width = scene.image.shape[:2]
    to_middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    leaning = np.eye(3)
    leaning[2, :2] = np.array([np.cos(towards), np.sin(towards)]) * lean / (max(width, height) / 2)
    seen = warped(scene, np.linalg.inv(to_middle) @ leaning @ to_middle)
    assert_corresponding(detect_cards(seen.image, finder), seen)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(scale=st.floats(0.5, 3.0))
def test_any_scale_is_followed(scene: LabelledScene, finder: FinderGraph, scale: float) -> None:
    seen = warped(scene, np.diag([scale, scale, 1.0]))
    assert_corresponding(detect_cards(seen.image, finder), seen)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_crop_that_leaves_a_card_whole_leaves_its_quad(
    scene: LabelledScene, finder: FinderGraph, data: st.DataObject
) -> None:
    height, width = scene.image.shape[:2]
    kept = scene.quads[data.draw(st.integers(0, len(scene.quads) - 1))]
    left, top = (data.draw(st.integers(0, max(0, int(low) - 12))) for low in kept.min(axis=0))
    right, bottom = (
        data.draw(st.integers(min(int(high) + 12, side), side))
        for high, side in zip(kept.max(axis=0), (width, height), strict=True)
    )
    crop = np.ascontiguousarray(scene.image[top:bottom, left:right])
    found = detect_cards(crop, finder)
    assert max(quad_iou(one.quad_px, kept - [left, top]) for one in found) >= IOU_MIN
