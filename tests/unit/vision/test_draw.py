"""The overlay shows status, place and name, and leaves the scan alone."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest

from app.domain.types import Card, Confidence, CropQuality, GridCell, Identification, Status
from app.vision.draw import MAX_LONG_SIDE_PX, draw_overlay, status_color


def identification(status: Status, card: Card | None, left: float = 100.0) -> Identification:
    return Identification(
        detection_id=UUID(int=1),
        quad_px=np.array([[left, 100], [left + 252, 100], [left + 252, 452], [left, 452]], np.float64),
        rotation=0,
        grid=GridCell(0, 1),
        status=status,
        card=card,
        confidence=Confidence(0.98, 0.7),
        candidates=(),
        ambiguous_with=(),
        quality=CropQuality(0.9, 0.0, 352),
    )


@pytest.mark.parametrize("status", list(Status))
def test_the_outline_has_the_colour_of_the_status(status: Status) -> None:
    image = np.full((600, 800, 3), 90, np.uint8)
    drawn = draw_overlay(image, [identification(status, Card("a", "Drowzee"))])
    assert drawn[300, 100] == pytest.approx(status_color(status), abs=3)
    assert np.all(image == 90)


def test_different_names_give_different_pictures() -> None:
    image = np.full((600, 800, 3), 90, np.uint8)
    one = draw_overlay(image, [identification(Status.ACCEPTED, Card("a", "Drowzee"))])
    other = draw_overlay(image, [identification(Status.ACCEPTED, Card("b", "Hypno"))])
    assert not np.array_equal(one, other)


def test_a_huge_scan_is_shrunk_and_its_quads_with_it() -> None:
    image = np.full((3000, 4000, 3), 90, np.uint8)
    drawn = draw_overlay(image, [identification(Status.REVIEW, None, left=2000)])
    assert drawn.shape == (1500, MAX_LONG_SIDE_PX, 3)
    assert drawn[140, 1000] == pytest.approx(status_color(Status.REVIEW), abs=3)


def test_tiny_cards_and_long_names_do_not_fail() -> None:
    card = identification(
        Status.ACCEPTED, Card("a", "A Name That Is Far Too Long For Any Card" * 4, number="1/1")
    )
    drawn = draw_overlay(np.full((30, 20, 3), 90, np.uint8), [card])
    assert drawn.shape == (30, 20, 3)


def test_a_scan_without_cards_comes_back_as_it_is() -> None:
    image = np.random.default_rng(2).integers(0, 255, (60, 50, 3), dtype=np.uint8)
    assert np.array_equal(draw_overlay(image, []), image)
