"""What the committed finder sees in invented scenes, with both looks."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from app.domain.geometry import quad_iou
from app.domain.types import Quad, RgbImage
from app.inference.finder import FINDER_FOLDER, FinderGraph
from app.inference.process_memory import read_process_memory
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import invent_catalogue
from app.synthesis.layouts import SceneKind
from app.synthesis.levels import Level
from app.synthesis.scenes import SceneCard, photograph_scene
from app.vision.detect import detect_cards, learned
from app.vision.detect.complete import Found
from app.vision.detect.planes import make_planes
from app.vision.detect.second_look import look_again
from tests.unit.vision.detect.drawing import matched

SEED = 4021  # scenes that no training and no choice of a constant has seen


@pytest.fixture(scope="module")
def finder() -> FinderGraph:
    return FinderGraph(FINDER_FOLDER, threads=1)


@pytest.fixture(scope="module")
def faces() -> list[RgbImage]:
    return [draw_card(card, 420) for card in invent_catalogue(SEED, 12)[:12]]


def scene(kind: SceneKind, level: Level, faces: list[RgbImage], seed: int) -> tuple[RgbImage, list[Quad]]:
    drawn = photograph_scene(kind, level, [SceneCard(face) for face in faces], np.random.default_rng(seed))
    return drawn.image, [card.quad_px for card in drawn.cards]


@pytest.mark.parametrize("level", [Level.EASY, Level.MEDIUM])
def test_every_card_of_a_page_is_found_and_nothing_else(finder, faces, level) -> None:
    image, quads = scene(SceneKind.PAGE_3X3, level, faces[:9], SEED)
    found = detect_cards(image, finder)
    assert len(found) == 9
    assert matched(found, quads, iou=0.85) == 9


def test_loose_cards_in_any_turn_are_found(finder, faces) -> None:
    image, quads = scene(SceneKind.TABLE, Level.EASY, faces[:6], SEED + 1)
    found = detect_cards(image, finder)
    assert matched(found, quads, iou=0.8) == len(found) == 6


def test_cards_of_a_heap_that_show_most_of_themselves_are_found(finder, faces) -> None:
    image, quads = scene(SceneKind.HEAP, Level.EASY, faces[:3], SEED + 2)
    top = quads[-1]  # a later card lies on an earlier one
    assert any(quad_iou(one.quad_px, top) > 0.8 for one in detect_cards(image, finder))


def fan(faces: list[RgbImage]) -> tuple[RgbImage, list[np.ndarray]]:
    """Cards spread from a corner, each over most of the one before, on an even ground."""
    image = np.full((900, 1200, 3), (96, 84, 70), np.uint8)
    quads = []
    for face, degrees, left in zip(faces, (-20.0, 2.0, 20.0), (420.0, 520.0, 690.0), strict=True):
        height, width = face.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.2)
        turn[:, 2] += (left - width / 2 + 50, 450 - height / 2)
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        quads.append(corners @ turn[:, :2].T + turn[:, 2])
        there = cv2.warpAffine(np.full((height, width), 255, np.uint8), turn, (1200, 900)) > 127
        image[there] = cv2.warpAffine(face, turn, (1200, 900))[there]
    return image, quads


def test_a_card_of_a_fan_is_found_although_others_cover_its_middle(finder, faces) -> None:
    image, quads = fan(faces[:3])
    assert quad_iou(quads[0], quads[1]) > 0.45
    found = detect_cards(image, finder)
    assert matched(found, quads, iou=0.7) == 3


def test_looks_at_one_covered_card_are_counted_together(finder, faces, monkeypatch) -> None:
    image, quads = fan(faces[:3])

    def see(*first: float) -> int:
        working = np.stack([quads[0]] * len(first)) * make_planes(image).scale
        monkeypatch.setattr(learned, "find_covered", lambda *_: (working, np.array(first)))
        return matched(detect_cards(image, finder), quads, iou=0.7)

    assert see(0.25) == 2
    assert see(0.25, 0.25, 0.25) == 3


def test_a_second_look_for_covered_cards_leaves_those_that_were_seen_as_they_were(
    finder, faces, monkeypatch
) -> None:
    image, quads = fan(faces[:3])
    monkeypatch.setattr(learned, "find_covered", lambda *_: (np.zeros((0, 4, 2)), np.zeros(0)))
    before = [one.quad_px for one in detect_cards(image, finder)]
    scale = make_planes(image).scale
    again = np.stack(quads[1:]) * scale
    monkeypatch.setattr(learned, "find_covered", lambda *_: (again, np.array([0.97, 0.97])))
    after = [one.quad_px for one in detect_cards(image, finder)]
    np.testing.assert_array_equal(np.sort(before, axis=0), np.sort(after, axis=0))


def test_a_table_without_cards_shows_none(finder) -> None:
    image, _ = scene(SceneKind.TABLE, Level.MEDIUM, [], SEED + 3)
    assert detect_cards(image, finder) == []


def test_a_second_look_mends_corners_that_are_a_few_per_cent_off(finder, faces) -> None:
    image, quads = scene(SceneKind.PAGE_2X2, Level.EASY, faces[:4], SEED + 4)
    rough = np.array(quads) + np.random.default_rng(1).normal(0, 0.05, (4, 4, 2)) * np.ptp(quads[0], axis=0)
    mended, scores = look_again(image, rough, finder)
    before = [quad_iou(one, card) for one, card in zip(rough, quads, strict=True)]
    after = [quad_iou(one, card) for one, card in zip(mended, quads, strict=True)]
    assert np.mean(after) > np.mean(before) + 0.02
    assert scores.min() > 0.7


def test_a_second_look_at_no_card_leaves_the_quad_and_gives_it_no_worth(finder, faces) -> None:
    image, quads = scene(SceneKind.PAGE_2X2, Level.EASY, faces[:4], SEED + 4)
    between = (np.array(quads[0]) + np.array(quads[3])) / 2
    quad, scores = look_again(image, between[None], finder)
    assert scores[0] == 0.0
    assert np.array_equal(quad[0], between)


def test_a_dark_corner_of_the_grid_is_looked_at_again(faces) -> None:
    """A finder that sees one card of a page only where it is shown that card alone."""
    image, quads = scene(SceneKind.PAGE_3X3, Level.EASY, faces[:9], SEED + 5)
    real = FinderGraph(FINDER_FOLDER, threads=1)
    hidden = quads[4]

    def finder(picture: RgbImage) -> np.ndarray:
        answers = real(picture)
        if picture.shape[:2] != (224, 224):  # a first look: the whole picture
            scale = picture.shape[1] / image.shape[1]
            rows, columns = np.indices(answers.shape[1:]) * 8 / scale
            low, high = hidden.min(axis=0), hidden.max(axis=0)
            inside = (columns > low[0]) & (columns < high[0]) & (rows > low[1]) & (rows < high[1])
            answers[0][inside] = -9.0
        return answers

    assert matched(detect_cards(image, finder), quads, iou=0.8) == 9


def test_corners_on_one_line_do_not_stop_a_second_look(finder, faces) -> None:
    image, _ = scene(SceneKind.PAGE_2X2, Level.EASY, faces[:4], SEED + 4)
    lines = np.array([[[100, 20], [80, 80], [60, 140], [80, 0]], [[10, 10], [20, 20], [30, 30], [40, 40]]])
    quads, scores = look_again(image, lines.astype(np.float64), lambda _: upright_answers())
    assert quads.shape == (2, 4, 2)
    assert scores.shape == (2,)


def upright_answers() -> np.ndarray:
    """Every cell of a second look sees the upright card that it hopes for."""
    rows, columns = np.indices((36, 36)) * 8 + 4.0
    half_height, half_width = 97.5, 97.5 * 63 / 88
    answers = np.full((9, 36, 36), 8.0, np.float32)
    for corner, (across, down) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1))):
        answers[1 + 2 * corner] = (144 + across * half_width - columns) / 64
        answers[2 + 2 * corner] = (144 + down * half_height - rows) / 64
    return answers


LOOK_AND_RELEASE = """
import numpy as np
from app.inference.finder import FINDER_FOLDER, FinderGraph
from app.inference.process_memory import read_process_memory
finder = FinderGraph(FINDER_FOLDER, threads=1)
finder(np.zeros((1024, 1024, 3), np.uint8))
held_bytes = read_process_memory().anonymous_bytes
finder.release()
print(held_bytes - read_process_memory().anonymous_bytes)
assert np.isfinite(finder(np.zeros((1024, 1024, 3), np.uint8))).all()
"""


def test_memory_that_looking_took_is_given_back_when_a_picture_is_done_with() -> None:
    """In a process of its own: what other tests have left free is taken again without being asked for."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK_AND_RELEASE], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 8_000_000


def test_giving_memory_back_disturbs_no_other_thread_that_looks(finder) -> None:
    picture = np.random.default_rng(SEED).integers(0, 255, (640, 480, 3), np.uint8)
    expected = finder(picture)
    with ThreadPoolExecutor(2) as threads:
        looks = [threads.submit(finder, picture) for _ in range(12)]
        while not all(look.done() for look in looks):
            finder.release()
    for look in looks:
        np.testing.assert_array_equal(look.result(), expected)


def test_memory_does_not_grow_with_every_new_size_of_picture(finder) -> None:
    finder(np.zeros((640, 640, 3), np.uint8))
    before = read_process_memory().anonymous_bytes
    for height in range(32, 609, 32):
        for width in range(96, 609, 64):
            finder(np.zeros((height, width, 3), np.uint8))
    assert read_process_memory().anonymous_bytes - before < 90_000_000


def test_only_a_card_in_doubt_is_looked_at_a_third_time(finder, faces, monkeypatch) -> None:
    image, quads = scene(SceneKind.PAGE_2X2, Level.EASY, faces[:4], SEED + 4)
    looked_at: list[int] = []

    def look_that_counts(picture: RgbImage, quads: np.ndarray, finder: FinderGraph) -> tuple:
        looked_at.append(len(quads))
        return look_again(picture, quads, finder)

    monkeypatch.setattr(learned, "look_again", look_that_counts)
    unsure = np.array([0.99, 0.6, 0.99, 0.99])
    planes = make_planes(image)
    working = np.array(quads) * planes.scale
    _, scores = learned._looked_at_again(planes, working, unsure, len(working), finder)
    assert looked_at == [4, 1]
    assert scores.argmin() == 1
    assert scores.min() > 0.75


def test_a_look_at_an_empty_place_that_slides_onto_a_known_card_adds_nothing(
    finder, faces, monkeypatch
) -> None:
    image, quads = scene(SceneKind.PAGE_2X2, Level.EASY, faces[:4], SEED + 4)
    slid: list[int] = []

    def grid_with_a_place_beside(_: object, cards: Found) -> Found:
        outer = min(cards.quads, key=lambda quad: float(quad[:, 0].mean()))
        beside = outer - np.array([0.7 * np.ptp(outer[:, 0]), 0.0])
        return Found(np.concatenate([cards.quads, beside[None]]), np.append(cards.score, 0.5))

    def look_that_slides(picture: RgbImage, looked_at: np.ndarray, finder: FinderGraph) -> tuple:
        better, scores = look_again(picture, looked_at, finder)
        if len(looked_at) != 1:
            return better, scores
        slid.append(1)
        known = min(
            quads, key=lambda quad: float(np.abs(quad.mean(axis=0) - looked_at[0].mean(axis=0)).sum())
        )
        return known[None].astype(np.float64), np.array([0.9])

    monkeypatch.setattr(learned, "complete_grid", grid_with_a_place_beside)
    monkeypatch.setattr(learned, "look_again", look_that_slides)
    assert len(learned.find_learned(make_planes(image), finder).quads) == 4
    assert slid
