"""Work on pixels that two threads share."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.vision.worker_threads import map_in_threads


def test_results_come_in_the_order_of_the_items() -> None:
    assert map_in_threads(lambda number: number * number, range(50)) == [n * n for n in range(50)]


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_one_item_need_no_help(count: int) -> None:
    assert map_in_threads(lambda _: threading.get_ident(), range(count)) == [threading.get_ident()] * count


def test_two_items_are_worked_on_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=20)
    assert sorted(map_in_threads(lambda _: both.wait(), range(2))) == [0, 1]


def test_threads_are_kept_from_call_to_call() -> None:
    before: set[int] = set()
    for _ in range(3):
        both = threading.Barrier(2, timeout=20)
        map_in_threads(lambda _, both=both: both.wait(), range(2))  # type: ignore[misc]
        alive = {thread.ident or 0 for thread in threading.enumerate() if "pixels-helper" in thread.name}
        assert before <= alive
        before = alive


def test_calls_within_calls_and_more_callers_than_helpers_come_to_an_end() -> None:
    def outer(number: int) -> list[int]:
        return map_in_threads(lambda inner: number * 10 + inner, range(3))

    with ThreadPoolExecutor(16) as callers:
        found = list(callers.map(lambda _: map_in_threads(outer, range(4)), range(64), timeout=60))
    assert found == [[[number * 10 + inner for inner in range(3)] for number in range(4)]] * 64


@pytest.mark.parametrize("failing", [0, 1, 7])
def test_an_error_of_either_thread_is_raised_and_no_item_is_begun_after_it(failing: int) -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item == failing:
            raise ValueError(f"item {item}")
        time.sleep(0.0005)  # else one thread may be through before the other one fails
        return item

    with pytest.raises(ValueError, match=f"item {failing}"):
        map_in_threads(work, range(1000))
    at_the_end = len(begun)
    assert at_the_end < 1000
    map_in_threads(lambda item: item, range(10))
    assert len(begun) == at_the_end
