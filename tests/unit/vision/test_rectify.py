"""Rectifying: the right pixels, the right way up, without aliasing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.domain.types import RECTIFIED_HEIGHT_PX, RECTIFIED_WIDTH_PX, Quad, RgbImage
from app.vision.rectify import rectify


def quartered_card(width: int, height: int) -> RgbImage:
    """Red, green over blue, white."""
    card = np.zeros((height, width, 3), np.uint8)
    card[: height // 2, : width // 2] = (255, 0, 0)
    card[: height // 2, width // 2 :] = (0, 255, 0)
    card[height // 2 :, : width // 2] = (0, 0, 255)
    card[height // 2 :, width // 2 :] = (255, 255, 255)
    return card


def photographed(card: RgbImage, quad: Quad, size: tuple[int, int]) -> RgbImage:
    height, width = card.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners - 0.5, quad.astype(np.float32) - 0.5)
    return np.asarray(cv2.warpPerspective(card, matrix, size), dtype=np.uint8)


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_a_card_in_perspective_comes_out_straight(scale: float) -> None:
    quad = np.array([[60, 50], [300, 80], [290, 420], [40, 400]], np.float64) * scale
    image = photographed(quartered_card(378, 528), quad, (int(360 * scale), int(480 * scale)))
    crop = rectify(image, quad)
    assert crop.shape == (RECTIFIED_HEIGHT_PX, RECTIFIED_WIDTH_PX, 3)
    assert crop[100, 80] == pytest.approx([255, 0, 0], abs=3)
    assert crop[100, 300] == pytest.approx([0, 255, 0], abs=3)
    assert crop[430, 80] == pytest.approx([0, 0, 255], abs=3)
    assert crop[430, 300] == pytest.approx([255, 255, 255], abs=3)


def test_the_whole_picture_at_output_size_comes_back_unchanged() -> None:
    image = np.random.default_rng(1).integers(0, 255, (528, 378, 3), dtype=np.uint8)
    whole = np.array([[0, 0], [378, 0], [378, 528], [0, 528]], np.float64)
    assert np.array_equal(rectify(image, whole), image)


def test_fine_stripes_of_a_large_card_become_gray_not_moire() -> None:
    stripes = np.zeros((528 * 7, 378 * 7, 3), np.uint8)
    stripes[:, ::2] = 255
    whole = np.array([[0, 0], [378 * 7, 0], [378 * 7, 528 * 7], [0, 528 * 7]], np.float64)
    crop = rectify(stripes, whole)
    assert crop.mean() == pytest.approx(127.5, abs=2)
    assert crop.std() < 20  # a box of seven pixels holds three or four white ones; four points would give 127


def test_a_quad_from_the_lower_right_gives_the_crop_upside_down() -> None:
    image = quartered_card(378, 528)
    from_lower_right = np.array([[378, 528], [0, 528], [0, 0], [378, 0]], np.float64)
    assert np.array_equal(rectify(image, from_lower_right), image[::-1, ::-1])


def test_a_card_on_its_side_is_set_upright_by_its_own_top_left() -> None:
    lying = np.ascontiguousarray(np.rot90(quartered_card(378, 528), -1))  # turned clockwise
    from_its_top_left = np.array([[528, 0], [528, 378], [0, 378], [0, 0]], np.float64)
    crop = rectify(lying, from_its_top_left)
    assert crop[100, 80] == pytest.approx([255, 0, 0], abs=3)
    assert crop[430, 300] == pytest.approx([255, 255, 255], abs=3)


@pytest.mark.parametrize("shift", [-5000.0, -100.0, 0.0, 100.0, 5000.0])
def test_a_quad_partly_or_wholly_outside_still_gives_a_crop(shift: float) -> None:
    quad = np.array([[10, 10], [70, 10], [70, 95], [10, 95]], np.float64) + shift
    crop = rectify(np.full((100, 80, 3), 77, np.uint8), quad)
    assert crop.shape == (528, 378, 3)
    assert np.all(crop == 77)
