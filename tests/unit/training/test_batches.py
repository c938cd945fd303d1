"""Which cards meet in a batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.training.batches import Batches, shrink, to_network
from models.training.cards import DrawnCards, drawn_cards
from models.training.config import HarshLight, Stage, Views

LIGHT = HarshLight(share=0.5, glare_chance=0.6, glare_length=(0.15, 0.9), glare_breadth=(0.03, 0.25))
STAGE = Stage(size_px=(48, 32), batch=8, family_size=4, photos=2, views=160, light=LIGHT)
VIEWS = Views(strength_min=0.3, strength_max=1.0)


@pytest.fixture(scope="module")
def cards() -> DrawnCards:
    families = np.repeat(np.arange(3), 10)
    pictures = np.random.default_rng(0).integers(0, 255, (30, 88, 63, 3), dtype=np.uint8)
    return DrawnCards(pictures, np.arange(30, dtype=np.int64), families)


def test_a_batch_is_the_same_each_time_it_is_made_and_differs_from_the_next(cards):
    first, again, next_one = (Batches(cards, STAGE, VIEWS, 7)[step] for step in (3, 3, 4))
    assert torch.equal(first.photographed, again.photographed)
    assert torch.equal(first.artworks, again.artworks)
    assert not torch.equal(first.photographed, next_one.photographed)


def test_cards_of_one_family_stand_side_by_side_and_none_twice_in_a_group(cards):
    artworks = Batches(cards, STAGE, VIEWS, 7)[0].artworks.numpy().reshape(-1, STAGE.family_size)
    for group in artworks:
        assert len(set(cards.families[group])) == 1
        assert len(set(group)) == STAGE.family_size


def test_pictures_of_a_batch_have_the_size_of_the_stage_and_belong_together(cards):
    batch = Batches(cards, STAGE, VIEWS, 7)[0]
    assert batch.clean.shape == (8, 48, 32, 3)
    assert batch.photographed.shape == (16, 48, 32, 3)
    expected = shrink(cards.pictures[int(batch.artworks[5])], STAGE.size_px)
    assert np.array_equal(batch.clean[5].numpy(), expected)


def test_photos_of_one_card_differ_and_follow_the_order_of_the_cards():
    bright = np.repeat(np.arange(4, dtype=np.uint8) * 80, 88 * 63 * 3).reshape(4, 88, 63, 3)
    cards = DrawnCards(bright, np.arange(4, dtype=np.int64), np.zeros(4, dtype=np.int64))
    unlit = LIGHT.model_copy(update={"share": 0.0})
    stage = Stage(size_px=(48, 32), batch=4, family_size=4, photos=2, views=8, light=unlit)
    mild = Views(strength_min=0.0, strength_max=0.0)
    batch = Batches(cards, stage, mild, 7)[0]
    first, second = batch.photographed[:, 8:40, 4:28].float().mean(dim=(1, 2, 3)).reshape(2, 4)
    assert not torch.equal(first, second)
    assert torch.equal(first.argsort(), second.argsort())
    assert torch.equal(first.argsort(), batch.clean.float().mean(dim=(1, 2, 3)).argsort())


def test_too_few_cards_of_every_family_are_refused(cards):
    with pytest.raises(ValueError, match="no frame family has 12 cards"):
        Batches(cards, STAGE.model_copy(update={"batch": 12, "family_size": 12}), VIEWS, 7)


def test_the_network_gets_colours_between_0_and_1_with_channels_first():
    pixels = to_network(torch.full((2, 48, 32, 3), 255, dtype=torch.uint8))
    assert pixels.shape == (2, 3, 48, 32)
    assert pixels.max().item() == 1.0


def test_drawn_cards_come_from_the_cache_the_second_time(tmp_path):
    drawn = drawn_cards(5, 3, 88, tmp_path, workers=0)
    written = next(tmp_path.glob("*/pictures.npy")).stat().st_mtime_ns
    again = drawn_cards(5, 3, 88, tmp_path, workers=0)
    assert next(tmp_path.glob("*/pictures.npy")).stat().st_mtime_ns == written
    assert np.array_equal(drawn.pictures, again.pictures)
    assert drawn.pictures.shape[1:] == (88, 63, 3)
    assert len(set(drawn.artworks.tolist())) == 3


def test_an_unfinished_cache_is_drawn_anew(tmp_path):
    drawn = np.array(drawn_cards(5, 3, 88, tmp_path, workers=0).pictures)
    place = next(tmp_path.iterdir())
    place.rename(place.with_suffix(".unfinished"))
    assert np.array_equal(drawn_cards(5, 3, 88, tmp_path, workers=0).pictures, drawn)


def test_another_seed_shares_no_artwork(tmp_path):
    pictures = [drawn_cards(seed, 3, 88, tmp_path, workers=0).pictures for seed in (5, 6)]
    assert not any(np.array_equal(a, b) for a in pictures[0] for b in pictures[1])
