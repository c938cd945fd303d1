"""What is found in plain pictures of cards, and what is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.domain.geometry import quad_iou
from app.domain.types import Quad, RgbImage
from app.inference.finder import FINDER_FOLDER, FinderGraph
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import invent_catalogue
from app.vision.detect import detect_cards
from tests.unit.vision.detect.drawing import card_picture, lay, matched, table, turned, upright_quad


def page(rows: int, columns: int, empty: tuple[int, ...] = ()) -> tuple[RgbImage, list[Quad]]:
    """A dark page with pockets on a light table."""
    image = table(300 * rows + 100, 220 * columns + 100, shade=190)
    image[30:-30, 30:-30] = 25
    quads = []
    for cell in range(rows * columns):
        left, top = 60 + 220 * (cell % columns), 60 + 300 * (cell // columns)
        cv2.rectangle(image, (left - 8, top - 8), (left + 200, top + 278), (60, 60, 62), 1)
        if cell not in empty:
            quads.append(upright_quad(left, top, 264))
            lay(image, quads[-1], seed=cell)
    return image, quads


@pytest.mark.parametrize("shape", [(3, 3), (3, 4), (2, 2)])
def test_every_card_of_a_page_is_found_and_the_page_is_not(shape: tuple[int, int]) -> None:
    image, quads = page(*shape)
    found = detect_cards(image)
    assert len(found) == len(quads)
    assert matched(found, quads) == len(quads)


def test_empty_pockets_are_not_reported() -> None:
    image, quads = page(3, 3, empty=(1, 4, 5))
    found = detect_cards(image)
    assert len(found) == 6
    assert matched(found, quads) == 6


@pytest.mark.parametrize("angle_deg", [0, 17, 45, 90, 133, 180, 251])
def test_a_loose_card_is_found_in_any_turn(angle_deg: float) -> None:
    image = table()
    quad = turned(upright_quad(450, 250, 380), angle_deg)
    lay(image, quad, seed=1)
    found = detect_cards(image)
    assert len(found) == 1
    assert matched(found, [quad], iou=0.95) == 1


def test_loose_cards_in_different_turns_are_all_found() -> None:
    image = table()
    quads = [
        turned(upright_quad(left, top, 300), angle)
        for left, top, angle in ((100, 80, 20), (480, 60, -35), (860, 90, 88), (250, 500, 160), (700, 520, 5))
    ]
    for seed, quad in enumerate(quads):
        lay(image, quad, seed)
    found = detect_cards(image)
    assert len(found) == 5
    assert matched(found, quads) == 5


def test_a_card_in_perspective_is_found_to_a_pixel_or_two() -> None:
    image = table()
    quad = np.array([[420, 220], [700, 240], [760, 640], [380, 610]], np.float64)
    lay(image, quad, seed=3)
    (found,) = detect_cards(image)
    assert np.abs(found.quad_px - quad).max() < 4.0


def test_quads_are_in_pixels_of_the_full_picture() -> None:
    image = table(2400, 3200)
    quad = turned(upright_quad(1300, 700, 900), 12)
    lay(image, quad, seed=4)
    (found,) = detect_cards(image)
    assert np.abs(found.quad_px - quad).max() < 8.0


def test_the_quad_starts_where_the_top_left_of_an_upright_card_would_be() -> None:
    image = table()
    quad = turned(upright_quad(450, 250, 380), 10)
    lay(image, quad, seed=1)
    (found,) = detect_cards(image)
    assert np.abs(found.quad_px[0] - quad[0]).max() < 4.0


def test_a_card_partly_under_a_finger_is_still_found() -> None:
    image = table()
    quad = upright_quad(450, 250, 380)
    lay(image, quad, seed=1)
    cv2.ellipse(image, (730, 560), (90, 35), 20, 0, 360, (190, 140, 120), -1)
    assert matched(detect_cards(image), [quad]) == 1


def test_a_tightly_cropped_card_is_the_whole_picture() -> None:
    card = card_picture(2, height=528)
    whole = upright_quad(0, 0, 528)
    assert matched(detect_cards(card), [whole]) == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (47, 47), (48, 48), (60, 2000)])
@pytest.mark.parametrize("value", [0, 127, 255])
def test_one_colour_of_any_size_shows_no_card(size: tuple[int, int], value: int) -> None:
    assert detect_cards(np.full((*size, 3), value, np.uint8)) == []


@pytest.mark.parametrize("size", [(352, 252), (600, 800), (800, 571)])
def test_noise_shows_no_card(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert detect_cards(noise) == []


def test_a_chequered_cloth_shows_no_card() -> None:
    rows, columns = np.indices((900, 1200))
    checks = np.where((rows // 44 + columns // 32) % 2 == 0, 60, 200).astype(np.uint8)
    assert detect_cards(np.repeat(checks[:, :, None], 3, axis=2)) == []


def test_the_same_picture_gives_the_same_quads() -> None:
    image, _ = page(2, 2)
    first, second = detect_cards(image), detect_cards(image)
    assert [one.quad_px.tolist() for one in first] == [one.quad_px.tolist() for one in second]


def test_the_picture_is_not_changed() -> None:
    image, _ = page(2, 2)
    before = image.copy()
    detect_cards(image)
    assert np.array_equal(image, before)


@pytest.fixture(scope="module")
def finder() -> FinderGraph:
    return FinderGraph(FINDER_FOLDER, threads=1)


def test_the_finder_sees_a_card_that_is_the_whole_picture(finder: FinderGraph) -> None:
    card = draw_card(invent_catalogue(5, 2)[0], 528)
    (found,) = detect_cards(card, finder)
    assert quad_iou(found.quad_px, upright_quad(0, 0, 528)) > 0.8


def test_the_finder_keeps_to_the_card_on_a_coarse_ground_in_a_picture_of_a_cards_shape(
    finder: FinderGraph,
) -> None:
    rng = np.random.default_rng(1)
    ground = cv2.resize(rng.integers(60, 200, (60, 43, 3), dtype=np.uint8), (500, 700))
    image, quad = np.asarray(ground, np.uint8), upright_quad(130, 180, 380)
    card = draw_card(invent_catalogue(5, 2)[1], 380)
    image[180 : 180 + card.shape[0], 130 : 130 + card.shape[1]] = card
    (found,) = detect_cards(image, finder)
    assert quad_iou(found.quad_px, quad) > 0.8
