import itertools

import numpy as np
import pytest

from app.synthesis.heaps import cascade, hand, heap, overlap, throw

SEEDS = range(5)


def overlaps_of_neighbours(places) -> list[float]:
    return [overlap(first, second) for first, second in itertools.pairwise(places)]


@pytest.mark.parametrize("seed", SEEDS)
def test_thrown_cards_have_at_most_in_common_what_they_may(seed):
    rng = np.random.default_rng(seed)
    places = throw([float(angle) for angle in rng.uniform(0, 360, 9)], 0.8, 0.3, rng)
    shared = [overlap(one, other) for index, one in enumerate(places) for other in places[:index]]
    assert len(places) == 9
    assert max(shared) <= 0.3


def test_cards_thrown_on_little_room_overlap_more_than_on_much():
    most = [
        max(overlap(one, other) for index, one in enumerate(places) for other in places[:index])
        for room in (0.6, 6.0)
        for places in [throw([0.0] * 8, room, 0.6, np.random.default_rng(1))]
    ]
    assert most[0] > most[1] + 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_every_card_of_a_fan_in_a_hand_lies_on_its_neighbour_and_leaves_some_of_it_free(seed):
    shared = overlaps_of_neighbours(hand(6, np.random.default_rng(seed)))
    assert min(shared) > 0.2
    assert max(shared) < 0.95


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cascade_leaves_a_strip_of_most_cards_free(seed):
    places = cascade(12, np.random.default_rng(seed))
    shared = [
        max(overlap(one, other) for other in places[:index]) for index, one in enumerate(places) if index
    ]
    assert max(shared) > 0.3
    assert np.median(shared) < 0.95


@pytest.mark.parametrize("lay", [heap, cascade, hand])
@pytest.mark.parametrize("count", [1, 2, 11])
def test_as_many_cards_are_laid_as_were_asked_for(lay, count):
    assert len(lay(count, np.random.default_rng(count))) == count
