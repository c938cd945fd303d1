"""Quads put right by how the reference lies in the crop."""

from __future__ import annotations

import cv2
import numpy as np

from app.domain.geometry import quad_iou
from app.domain.types import Quad, RgbImage
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import invent_catalogue
from app.vision.alignment import affine_in_shares, correct_quad
from app.vision.local_features import FEATURES_SIZE_PX, gray_picture, match_patches
from app.vision.rectify import rectify

TRUE_QUAD = np.array([[120.0, 90.0], [470.0, 110.0], [455.0, 600.0], [105.0, 575.0]])


def photo_of(card: RgbImage) -> RgbImage:
    height, width = card.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    onto = cv2.getPerspectiveTransform(corners - 0.5, TRUE_QUAD.astype(np.float32) - 0.5)
    return np.asarray(cv2.warpPerspective(card, onto, (600, 700), flags=cv2.INTER_AREA), np.uint8)


def corrected(quad_px: Quad, card: RgbImage) -> Quad:
    crop = gray_picture(rectify(photo_of(card), quad_px), FEATURES_SIZE_PX)
    found = match_patches(crop, gray_picture(card, FEATURES_SIZE_PX))
    assert found.affine is not None
    return correct_quad(quad_px, affine_in_shares(found.affine, FEATURES_SIZE_PX))


def test_a_quad_that_lies_on_the_print_inside_the_border_is_moved_to_the_edge() -> None:
    card = draw_card(invent_catalogue(11, 1)[0])
    middle = TRUE_QUAD.mean(axis=0)
    inside = middle + (TRUE_QUAD - middle) * 0.93
    shifted = TRUE_QUAD + np.array([9.0, -7.0])
    for quad_px in (inside, shifted):
        assert quad_iou(quad_px, TRUE_QUAD) < 0.95
        assert quad_iou(corrected(quad_px, card), TRUE_QUAD) > 0.98


def test_a_quad_that_is_right_stays_so() -> None:
    card = draw_card(invent_catalogue(12, 1)[0])
    assert quad_iou(corrected(TRUE_QUAD, card), TRUE_QUAD) > 0.985


def test_a_map_that_no_crop_could_have_is_not_believed() -> None:
    far = np.array([[1.0, 0.0, 0.3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert correct_quad(TRUE_QUAD, far) is TRUE_QUAD
