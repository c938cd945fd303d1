"""The collector of cycles leaves alone what is loaded, and takes what comes later."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from app.inference.collector import spare_what_is_loaded


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_is_loaded_is_no_part_of_a_round() -> None:
    kept = Cycle()
    spare_what_is_loaded()
    assert gc.get_freeze_count() > 1000
    assert all(found is not kept for found in gc.get_objects())


def test_rounds_over_everything_come_although_little_is_added_to_what_is_loaded() -> None:
    spare_what_is_loaded()
    gc.set_threshold(10, 2, 2)
    before = gc.get_stats()[2]["collections"]
    kept = [[number] for number in range(1000)]
    assert gc.get_stats()[2]["collections"] > before
    assert len(kept) < gc.get_freeze_count() / 4, "too little for a round, had all been counted"


def test_what_an_earlier_start_left_is_collected_at_the_next() -> None:
    earlier = Cycle()
    spare_what_is_loaded()
    gone = weakref.ref(earlier)
    del earlier
    gc.collect()
    assert gone() is not None
    spare_what_is_loaded()
    assert gone() is None
