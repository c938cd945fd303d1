import numpy as np
import pytest

from app.synthesis.cards import draw_card, draw_card_back
from app.synthesis.catalogue import InventedCard, invent_catalogue


@pytest.fixture(scope="module")
def cards() -> list[InventedCard]:
    return invent_catalogue(5, 40, reprint_share=0.6, foil_share=0.3, language_share=0.3, set_size=10)


def changed_share(one: np.ndarray, other: np.ndarray) -> float:
    """Share of pixels that differ visibly."""
    return float((np.abs(one.astype(int) - other).max(axis=2) > 12).mean())


def pair(cards: list[InventedCard], wanted) -> tuple[InventedCard, InventedCard]:
    for one in cards:
        for other in cards:
            if one is not other and one.artwork_id == other.artwork_id and wanted(one, other):
                return one, other
    raise AssertionError("no such pair in the catalogue")


@pytest.mark.parametrize("height_px", [96, 264, 528])
def test_a_card_has_the_shape_of_a_card(cards, height_px):
    picture = draw_card(cards[0], height_px)
    assert picture.shape == (height_px, round(height_px * 63 / 88), 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous


def test_a_card_is_drawn_the_same_every_time(cards):
    for card in cards[:6]:
        assert np.array_equal(draw_card(card, 160), draw_card(card, 160))


def test_a_card_shows_the_same_at_every_size(cards):
    import cv2

    for card in cards[:8]:
        small = draw_card(card, 200)
        large = cv2.resize(
            draw_card(card, 400), (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA
        )
        a = cv2.GaussianBlur(small, (0, 0), 4).astype(float).ravel()
        b = cv2.GaussianBlur(large, (0, 0), 4).astype(float).ravel()
        assert np.corrcoef(a, b)[0, 1] > 0.93, card.card.card_id


def test_a_reprint_in_the_same_frame_differs_in_small_regions_only(cards):
    one, other = pair(
        cards,
        lambda a, b: (
            a.card.set_id != b.card.set_id
            and a.frame == b.frame
            and a.text == b.text
            and a.foil_seed is None
            and b.foil_seed is None
        ),
    )
    share = changed_share(draw_card(one, 264), draw_card(other, 264))
    assert 0 < share < 0.03


def test_a_foil_changes_colours_but_not_what_is_shown(cards):
    plain, foil = pair(
        cards, lambda a, b: a.foil_seed is None and b.foil_seed is not None and a.frame == b.frame
    )
    one, other = draw_card(plain, 264), draw_card(foil, 264)
    assert changed_share(one, other) > 0.3
    assert np.corrcoef(one.astype(float).ravel(), other.astype(float).ravel())[0, 1] > 0.4


def test_another_language_keeps_the_picture(cards):
    one, other = pair(
        cards, lambda a, b: a.card.language == "en" and b.card.language != "en" and a.frame == b.frame
    )
    assert one.artwork == other.artwork
    assert one.card.name != other.card.name
    assert 0 < changed_share(draw_card(one, 264), draw_card(other, 264)) < 0.35


def test_different_artworks_look_different(cards):
    firsts = {card.artwork_id: card for card in cards}
    pictures = [draw_card(card, 96) for card in list(firsts.values())[:12]]
    for i, one in enumerate(pictures):
        for other in pictures[i + 1 :]:
            assert changed_share(one, other) > 0.1


def test_too_small_a_card_is_refused(cards):
    with pytest.raises(ValueError, match="64 px"):
        draw_card(cards[0], 40)
    with pytest.raises(ValueError, match="64 px"):
        draw_card_back(0, 40)


def test_backs_are_deterministic_and_differ_by_seed():
    assert np.array_equal(draw_card_back(1, 128), draw_card_back(1, 128))
    assert not np.array_equal(draw_card_back(1, 128), draw_card_back(2, 128))
    assert draw_card_back(0, 528).shape == (528, 378, 3)
