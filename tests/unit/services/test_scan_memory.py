"""The memory of a scan stays reserved as long as anybody works on it."""

from __future__ import annotations

from app.services.scan_memory import ScanMemory
from tests.fakes.engine import FakeGuard


def test_what_a_scan_reserved_is_given_back_at_its_end() -> None:
    guard = FakeGuard()
    with ScanMemory(guard) as memory:
        memory.reserve(100)
        memory.reserve(20)
        assert guard.reserved_bytes == [100, 20]
    assert guard.reserved_bytes == []


def test_a_thread_that_nobody_waits_for_keeps_the_memory_until_it_leaves() -> None:
    guard = FakeGuard()
    memory = ScanMemory(guard)
    with memory:
        thread = memory.__enter__()
        thread.reserve(100)
    assert guard.reserved_bytes == [100]
    thread.__exit__(None, None, None)
    assert guard.reserved_bytes == []


def test_a_thread_that_starts_after_the_scan_was_given_up_gives_back_too() -> None:
    guard = FakeGuard()
    memory = ScanMemory(guard)
    with memory:
        pass
    with memory:
        memory.reserve(7)
    assert guard.reserved_bytes == []
