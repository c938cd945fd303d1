import itertools

import cv2
import numpy as np
import pytest

from app.domain.types import RgbImage
from app.synthesis.scenes import Level, Scene, SceneCard, SceneKind, photograph_scene

CARDS_OF_KIND = {
    SceneKind.PAGE_3X3: 9,
    SceneKind.PAGE_4X3: 12,
    SceneKind.PAGE_2X2: 4,
    SceneKind.FLATBED: 6,
    SceneKind.TABLE: 5,
    SceneKind.STREWN: 5,
    SceneKind.HEAP: 4,
    SceneKind.CASCADE: 4,
    SceneKind.HAND: 3,
    SceneKind.CASE: 6,
    SceneKind.SINGLE: 1,
}


ON_EACH_OTHER = (SceneKind.STREWN, SceneKind.HEAP, SceneKind.CASCADE, SceneKind.HAND, SceneKind.CASE)


def drawn_card(seed: int) -> RgbImage:
    """A card of coarse random patches: unlike every other seed, but it survives blur."""
    patches = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(patches, (189, 264), interpolation=cv2.INTER_CUBIC), np.uint8)


def photographed(kind: SceneKind, level: Level, seed: int, count: int | None = None, **options) -> Scene:
    count = CARDS_OF_KIND[kind] if count is None else count
    cards = [SceneCard(drawn_card(index), f"card-{index}", f"Card {index}") for index in range(count)]
    return photograph_scene(kind, level, cards, np.random.default_rng(seed), **options)


def rectified(image: RgbImage, quad: np.ndarray) -> RgbImage:
    target = np.array([[0, 0], [126, 0], [126, 176], [0, 176]], np.float32)
    transform = cv2.getPerspectiveTransform(quad.astype(np.float32), target)
    return np.asarray(cv2.warpPerspective(image, transform, (126, 176)), np.uint8)


def correlation(first: RgbImage, second: RgbImage) -> float:
    small = [cv2.resize(image, (24, 32), interpolation=cv2.INTER_AREA).ravel() for image in (first, second)]
    return float(np.corrcoef(small[0], small[1])[0, 1])


@pytest.mark.parametrize("kind", SceneKind)
@pytest.mark.parametrize("seed", range(2))
def test_a_rectified_quad_shows_its_own_card_the_right_way_up(kind, seed):
    scene = photographed(kind, Level.EASY, seed, megapixels=0.8)
    assert len(scene.cards) == CARDS_OF_KIND[kind]
    seen = list(enumerate(scene.cards))
    for index, card in seen[-1:] if kind in ON_EACH_OTHER else seen:  # the last card lies on top
        crop = rectified(scene.image, card.quad_px)
        own = correlation(crop, drawn_card(index))
        assert own > 0.75, f"{kind} card {index}"
        assert own > correlation(crop[::-1, ::-1], drawn_card(index)) + 0.4
        assert card.card_id == f"card-{index}"


@pytest.mark.parametrize("kind", SceneKind)
@pytest.mark.parametrize("level", Level)
def test_quads_run_clockwise_and_lie_inside_the_picture(kind, level):
    scene = photographed(kind, level, seed=3, megapixels=0.4)
    height, width = scene.image.shape[:2]
    for card in scene.cards:
        quad = card.quad_px
        assert quad.shape == (4, 2)
        assert (quad >= 0).all()
        assert (quad <= [width, height]).all()
        following = np.roll(quad, -1, axis=0)
        signed_area = 0.5 * float(np.sum(quad[:, 0] * following[:, 1] - following[:, 0] * quad[:, 1]))
        assert signed_area > 0  # clockwise where y points down


@pytest.mark.parametrize("kind", SceneKind)
def test_the_same_seed_gives_the_same_scene_and_another_seed_another(kind):
    first, again, other = (photographed(kind, Level.HARD, seed, megapixels=0.4) for seed in (4, 4, 5))
    assert np.array_equal(first.image, again.image)
    assert all(np.array_equal(a.quad_px, b.quad_px) for a, b in zip(first.cards, again.cards, strict=True))
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


@pytest.mark.parametrize(("level", "low", "high"), [(Level.MEDIUM, 200, 540), (Level.HARD, 130, 330)])
def test_cards_are_as_high_as_the_level_says(level, low, high):
    for seed in range(3):
        scene = photographed(SceneKind.PAGE_2X2, level, seed)
        heights = [np.linalg.norm(card.quad_px[3] - card.quad_px[0]) for card in scene.cards]
        assert low < float(np.mean(heights)) < high


def test_a_picture_has_the_megapixels_that_were_asked_for():
    scene = photographed(SceneKind.PAGE_2X2, Level.EASY, seed=1, megapixels=2.0)
    assert scene.image.shape[0] * scene.image.shape[1] == pytest.approx(2e6, rel=0.01)
    assert scene.image.dtype == np.uint8


def test_a_page_is_filled_in_reading_order_and_spare_pockets_are_not_labelled():
    scene = photographed(SceneKind.PAGE_3X3, Level.EASY, seed=0, count=5, megapixels=0.5)
    centres = [card.quad_px.mean(axis=0) for card in scene.cards]
    assert len(centres) == 5
    pocket_height = np.linalg.norm(scene.cards[0].quad_px[3] - scene.cards[0].quad_px[0])
    for first, second in itertools.pairwise(centres):
        same_row = abs(second[1] - first[1]) < 0.5 * pocket_height
        assert second[0] > first[0] if same_row else second[1] > first[1]


def test_a_page_may_be_empty():
    assert photographed(SceneKind.PAGE_3X3, Level.EASY, seed=0, count=0, megapixels=0.3).cards == ()
    assert photographed(SceneKind.TABLE, Level.EASY, seed=0, count=0, megapixels=0.3).cards == ()
    assert photographed(SceneKind.CASE, Level.EASY, seed=0, count=0, megapixels=0.3).cards == ()


def test_loose_cards_hide_at_most_a_tenth_of_each_other():
    for seed in range(3):
        scene = photographed(SceneKind.TABLE, Level.HARD, seed, count=8, megapixels=0.3)
        for index, card in enumerate(scene.cards):
            for other in scene.cards[index + 1 :]:
                first, second = (np.float32(item.quad_px) for item in (card, other))
                common = cv2.intersectConvexConvex(first, second)[0]
                assert common < 0.13 * cv2.contourArea(first)


def test_more_cards_than_there_is_room_for_are_refused():
    with pytest.raises(ValueError, match="has room for 4 cards, got 5"):
        photographed(SceneKind.PAGE_2X2, Level.EASY, seed=0, count=5)


def test_a_single_scene_without_a_card_is_refused():
    with pytest.raises(ValueError, match="needs a card"):
        photographed(SceneKind.SINGLE, Level.EASY, seed=0, count=0, megapixels=0.3)


def test_a_picture_too_small_to_show_a_card_is_refused():
    with pytest.raises(ValueError, match=r"at least 0\.2 megapixels"):
        photographed(SceneKind.SINGLE, Level.EASY, seed=0, megapixels=0.1)
