"""Work on pixels that two threads share."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.vision import worker_threads
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
    seen: list[set[threading.Thread]] = []
    for _ in range(3):
        both = threading.Barrier(2, timeout=20)
        map_in_threads(lambda _, both=both: both.wait(), range(2))  # type: ignore[misc]
        seen.append({thread for thread in threading.enumerate() if "pixels-helper" in thread.name})
    assert seen[0]
    assert seen[0] <= seen[1] <= seen[2]


def test_calls_within_calls_and_more_callers_than_helpers_come_to_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def outer(number: int) -> list[int]:
        return map_in_threads(lambda inner: number * 10 + inner, range(3))

    monkeypatch.setattr(worker_threads, "_helpers", ThreadPoolExecutor(1))
    monkeypatch.setattr(worker_threads, "_free", threading.BoundedSemaphore(1))
    with ThreadPoolExecutor(16) as callers:
        found = list(callers.map(lambda _: map_in_threads(outer, range(4)), range(64), timeout=60))
    assert found == [[[number * 10 + inner for inner in range(3)] for number in range(4)]] * 64


@pytest.mark.parametrize("failing", [0, 1, 7])
def test_an_error_of_either_thread_is_raised_and_the_rest_is_left(failing: int) -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item == failing:
            raise ValueError(f"item {item}")
        time.sleep(0.0005)  # else one thread may be through before the other one fails
        return item

    with pytest.raises(ValueError, match=f"item {failing}"):
        map_in_threads(work, range(1000))
    assert len(begun) < 1000


@pytest.mark.parametrize("helper_fails", [True, False])
def test_nothing_runs_any_more_when_an_error_is_raised(helper_fails: bool) -> None:
    both = threading.Barrier(2, timeout=20)
    caller = threading.get_ident()
    ended: list[int] = []

    def work(item: int) -> None:
        both.wait()
        if (threading.get_ident() != caller) == helper_fails:
            raise ValueError("this one")
        time.sleep(0.1)
        ended.append(item)

    with pytest.raises(ValueError, match="this one"):
        map_in_threads(work, range(2))
    assert len(ended) == 1


def test_an_error_of_the_helper_keeps_nothing_of_the_work_alive() -> None:
    both = threading.Barrier(2, timeout=20)
    caller = threading.get_ident()

    class Pixels:
        pass

    def fail() -> weakref.ref[Pixels]:
        pixels = Pixels()

        def work(_: int) -> None:
            both.wait()
            if threading.get_ident() != caller:
                raise ValueError(str(pixels))

        with pytest.raises(ValueError, match="Pixels"):
            map_in_threads(work, range(2))
        return weakref.ref(pixels)

    gc.collect()
    gc.disable()
    try:
        assert fail()() is None
    finally:
        gc.enable()
