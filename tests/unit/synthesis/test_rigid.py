import numpy as np
import pytest

from app.synthesis.canvas import Canvas, Placement
from app.synthesis.cases import rack
from app.synthesis.covers import lay_cover
from app.synthesis.holders import CARD_MM
from app.synthesis.packages import draw_package
from app.synthesis.rigid import RigidHolder, lay_in_holder

GROUND = 90
CARD = np.full((88, 63, 3), (250, 20, 20), np.uint8)


def bare_table() -> Canvas:
    return Canvas(np.full((480, 360, 3), GROUND, np.uint8), 2.0, (-90.0, -120.0), (0.1, 0.1))


def changed(canvas: Canvas, centre_mm: tuple[float, float], size_mm: tuple[float, float]) -> float:
    """How far the colours of an upright rectangle lie from the ground's, on average."""
    rows, columns = canvas.box_px(centre_mm, size_mm)
    return float(np.abs(canvas.image[rows, columns].astype(int) - GROUND).mean())


@pytest.mark.parametrize("holder", RigidHolder)
def test_a_card_in_a_holder_is_still_seen_where_it_was_put(holder):
    canvas = bare_table()
    lay_in_holder(canvas, CARD, Placement((0.0, 0.0), CARD_MM), holder, 3, np.random.default_rng(0))
    rows, columns = canvas.box_px((0.0, 0.0), (50.0, 70.0))
    red, green, _ = np.median(canvas.image[rows, columns].reshape(-1, 3), axis=0)
    assert red > green + 100


@pytest.mark.parametrize("holder", RigidHolder)
def test_an_empty_holder_shows_its_rim_but_no_card(holder):
    canvas = bare_table()
    lay_in_holder(canvas, None, Placement((0.0, 0.0), CARD_MM), holder, 3, np.random.default_rng(0))
    rows, columns = canvas.box_px((0.0, 0.0), (50.0, 70.0))
    inside = canvas.image[rows, columns].reshape(-1, 3).astype(int)
    assert np.ptp(np.median(inside, axis=0)) < 40  # no colour
    assert changed(canvas, (0.0, -holder.drop_mm), holder.size_mm) > 1.0


def test_only_a_slab_has_a_label_above_its_card():
    place = Placement((0.0, 0.0), CARD_MM)
    contrasts = {}
    for holder in RigidHolder:
        canvas = bare_table()
        lay_in_holder(canvas, CARD, place, holder, 3, np.random.default_rng(0))
        contrasts[holder] = changed(canvas, (0.0, -65.0), (66.0, 12.0))
    assert contrasts[RigidHolder.SLAB] > 30
    assert contrasts[RigidHolder.TOPLOADER] < contrasts[RigidHolder.SLAB] / 2


def test_holders_of_one_maker_look_alike():
    pictures = []
    for style_seed in (1, 1, 2):
        canvas = bare_table()
        place = Placement((0.0, 0.0), CARD_MM)
        lay_in_holder(canvas, CARD, place, RigidHolder.TOPLOADER, style_seed, np.random.default_rng(0))
        pictures.append(canvas.image)
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


@pytest.mark.parametrize("seed", range(6))
def test_a_cover_hides_some_of_a_card_but_not_its_other_half(seed):
    canvas = bare_table()
    card = Placement((0.0, 0.0), CARD_MM, 20.0)
    lay_cover(canvas, card, np.random.default_rng(seed))
    rows, columns = canvas.box_px((0.0, 0.0), CARD_MM)
    hidden = np.abs(canvas.image[rows, columns].astype(int) - GROUND).max(axis=2) > 8
    assert 0.001 < hidden.mean() < 0.6


def test_no_palm_hides_the_middle_of_a_card_beside():
    card = Placement((0.0, 0.0), CARD_MM)
    beside = [Placement((x * 70.0, y * 95.0), CARD_MM) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y]
    laid = 0
    for seed in range(60):
        canvas = bare_table()
        lay_cover(canvas, card, np.random.default_rng(seed), beside)
        laid += bool((canvas.image != GROUND).any())
        for other in beside:  # a finger may reach over one: 21 mm of the 40
            assert changed(canvas, other.centre_mm, (40.0, 40.0)) < 50
    assert laid > 45


def test_a_rack_holds_the_hindmost_cards_first():
    places, holders = rack(20, np.random.default_rng(4))
    assert len(places) == len(holders) == 20
    assert places[-1].centre_mm[1] > places[0].centre_mm[1]


def test_packages_are_pictures_with_an_outline():
    for seed in range(8):
        sprite, opacity, lift_mm = draw_package(np.random.default_rng(seed))
        assert sprite.shape[:2] == opacity.shape
        assert sprite.std() > 1
        assert opacity.max() == 255
        assert lift_mm > 0
