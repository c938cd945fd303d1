"""Lines of print where printings differ: found on references, cut out of crops."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.domain.types import CARD_ASPECT, RgbImage
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.vision.printings import compared_reference
from app.vision.text_strips import STRIP_HEIGHT_PX, cut_strip, differing_lines, may_be_read

SEED = 7304
SAME_PLACE = np.eye(3)


@pytest.fixture(scope="module")
def reprints() -> list[tuple[InventedCard, InventedCard]]:
    """Pictures printed again in the same frame: their numbers and symbols differ."""
    cards = invent_catalogue(SEED, 120, reprint_share=0.5, foil_share=0, language_share=0)
    first = {card.artwork_id: card for card in reversed(cards)}
    again = {card.artwork_id: card for card in cards}
    pairs = [(first[name], again[name]) for name in first]
    return [(one, other) for one, other in pairs if one is not other and one.frame == other.frame][:12]


def found_lines(one: RgbImage, other: RgbImage, most: int = 3) -> list[tuple[float, float, float, float]]:
    return differing_lines([one, other], [compared_reference(one), compared_reference(other)], most)


def number_place(card: InventedCard) -> tuple[float, float]:
    """Somewhere inside the collector number, as shares of the card."""
    frame = card.frame
    y = min(0.972, 1 - frame.border * 0.75) - 0.012 if frame.border > 0.02 else 0.958
    from_edge = (frame.border + 0.02 + 0.045) / CARD_ASPECT
    return (from_edge if frame.number_left else 1 - from_edge), y + 0.01


def test_the_number_of_a_reprint_comes_first_and_whole(reprints) -> None:
    hit = 0
    for one, other in reprints:
        lines = found_lines(draw_card(one, 528), draw_card(other, 528))
        x, y = number_place(one)
        assert len(lines) <= 3
        if lines:
            left, top, right, bottom = lines[0]
            hit += left < x < right and top < y < bottom and right - left > 0.07
    assert len(reprints) >= 8
    assert hit >= 0.8 * len(reprints)


def test_references_that_do_not_differ_have_no_lines_to_read(reprints) -> None:
    picture = draw_card(reprints[0][0], 528)
    assert found_lines(picture, picture.copy()) == []


def test_rules_in_another_language_come_after_the_name() -> None:
    cards = invent_catalogue(SEED, 60, reprint_share=0, foil_share=0, language_share=0.3)
    own = {card.card.card_id: card for card in cards}
    translated = [card for card in cards if card.card.language != "en"]
    for card in translated[:4]:
        original = own[card.card.card_id.rsplit("-", 1)[0]]
        lines = found_lines(draw_card(original, 528), draw_card(card, 528), most=20)
        zones = [(top + bottom) / 2 for _, top, _, bottom in lines]
        middles = [place for place, y in enumerate(zones) if 0.14 < y < 0.86]
        outer = [place for place, y in enumerate(zones) if not 0.14 < y < 0.86]
        assert not middles or not outer or max(outer) < min(middles)


def test_a_strip_shows_what_the_alignment_says_and_is_as_high_as_a_reader_wants() -> None:
    card = np.full((528, 378, 3), 255, np.uint8)
    cv2.putText(card, "201/198", (40, 500), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    box = (36 / 378, 484 / 528, 120 / 378, 506 / 528)
    straight = cut_strip(card, SAME_PLACE, box)
    assert straight.shape == (STRIP_HEIGHT_PX, round(STRIP_HEIGHT_PX * 84 / 22), 3)
    moved = np.roll(card, (-15, 9), axis=(0, 1))
    to_crop = np.array([[1, 0, 9 / 378], [0, 1, -15 / 528], [0, 0, 1]])
    assert np.abs(cut_strip(moved, to_crop, box).astype(int) - straight).max() <= 2


def test_a_larger_picture_of_the_card_gives_the_same_strip() -> None:
    card = np.full((528, 378, 3), 255, np.uint8)
    cv2.putText(card, "12a", (40, 500), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    twice = np.asarray(cv2.resize(card, (756, 1056), interpolation=cv2.INTER_CUBIC), np.uint8)
    box = (36 / 378, 484 / 528, 120 / 378, 506 / 528)
    one, other = (cut_strip(picture, SAME_PLACE, box).astype(int) for picture in (card, twice))
    assert np.abs(one - other).mean() < 6


def test_only_strips_that_show_strokes_are_worth_reading() -> None:
    strip = np.full((STRIP_HEIGHT_PX, 200, 3), 180, np.uint8)
    assert not may_be_read(strip)
    cv2.putText(strip, "201/198", (10, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (40, 40, 40), 2, cv2.LINE_AA)
    assert may_be_read(strip)
    assert may_be_read(np.asarray(cv2.GaussianBlur(strip, (0, 0), 2.0), np.uint8))
    assert not may_be_read(np.asarray(cv2.GaussianBlur(strip, (0, 0), 9.0), np.uint8))
