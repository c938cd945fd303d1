import threading
from dataclasses import dataclass, field

import pytest

from app.domain.errors import MemoryTight
from app.inference.memory import CALM_BATCHES_TO_GROW, MIB, ProcessMemoryGuard
from app.inference.process_memory import MemoryLimit, ProcessMemory


@dataclass
class Machine:
    """Memory that a test sets; releasing frees what is marked as free to the allocator."""

    used_mib: int = 100
    trimmable_mib: int = 0
    releases: list[int] = field(default_factory=list)
    release_threads: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def read(self) -> ProcessMemory:
        used_bytes = self.used_mib * MIB
        return ProcessMemory(used_bytes + 50 * MIB, used_bytes, 50 * MIB, 900 * MIB)

    def release(self) -> None:
        self.releases.append(self.trimmable_mib)
        self.release_threads.append(threading.current_thread().name)
        self.used_mib -= self.trimmable_mib
        self.trimmable_mib = 0
        self.released.set()

    def guard(self, limit_mib: int | None = 1000, headroom_mib: int = 160) -> ProcessMemoryGuard:
        limit = None
        if limit_mib is not None:
            limit = MemoryLimit(limit_mib * MIB, lambda: self.used_mib * MIB)
        return ProcessMemoryGuard(
            limit, headroom_bytes=headroom_mib * MIB, read_memory=self.read, release=self.release
        )


def test_scans_are_admitted_while_there_is_room_for_one_more() -> None:
    machine = Machine(used_mib=840)
    guard = machine.guard()
    guard.admit()
    machine.used_mib = 841
    with pytest.raises(MemoryTight, match="1048 MB"):
        guard.admit()
    assert guard.snapshot().refusals == 1


def test_scans_admitted_at_the_same_moment_need_room_for_all_of_them() -> None:
    machine = Machine(used_mib=520)
    guard = machine.guard()
    for pending in range(3):
        guard.admit(pending)
    with pytest.raises(MemoryTight):
        guard.admit(3)


def test_asking_for_room_neither_counts_nor_gives_back() -> None:
    machine = Machine(used_mib=841)
    guard = machine.guard()
    assert not guard.has_room()
    assert guard.snapshot().refusals == 0
    assert not machine.released.wait(timeout=0.2)
    machine.used_mib = 680
    assert guard.has_room(pending=1)
    assert not guard.has_room(pending=2)


def test_refusing_tells_the_client_when_to_come_back() -> None:
    machine = Machine(used_mib=990)
    with pytest.raises(MemoryTight) as refusal:
        machine.guard().admit()
    assert refusal.value.retry_after_s


def test_who_comes_again_after_a_refusal_finds_the_memory_that_was_given_back() -> None:
    machine = Machine(used_mib=900, trimmable_mib=200)
    guard = machine.guard()
    with pytest.raises(MemoryTight):
        guard.admit()
    assert machine.released.wait(timeout=20)
    guard.admit()
    assert machine.release_threads == ["memory-release"]


def test_a_storm_of_refusals_collects_once() -> None:
    machine = Machine(used_mib=990)
    guard = machine.guard()
    for _ in range(20):
        with pytest.raises(MemoryTight):
            guard.admit()
    assert machine.released.wait(timeout=20)
    assert guard.snapshot().refusals == 20
    assert len(machine.releases) == 1


def test_an_admitted_scan_may_use_its_headroom_but_not_pass_the_limit() -> None:
    machine = Machine(used_mib=950)
    guard = machine.guard()
    assert guard.admit_batch() == 3
    machine.used_mib = 1000
    with pytest.raises(MemoryTight):
        guard.admit_batch()


def test_without_a_limit_everything_is_admitted() -> None:
    guard = Machine(used_mib=1_000_000).guard(limit_mib=None)
    guard.admit()
    assert guard.admit_batch() == 3
    assert guard.snapshot().limit_bytes is None


def test_the_headroom_leaves_a_small_host_able_to_serve() -> None:
    machine = Machine(used_mib=150)
    machine.guard(limit_mib=200).admit()
    machine.used_mib = 151
    with pytest.raises(MemoryTight):
        machine.guard(limit_mib=200).admit()


def test_two_large_pictures_do_not_both_find_the_same_room() -> None:
    machine = Machine(used_mib=300)
    guard = machine.guard()
    give_back = guard.reserve(500 * MIB)
    with pytest.raises(MemoryTight, match="needs 524 MB within the limit of 1048 MB"):
        guard.reserve(500 * MIB)
    assert guard.snapshot().refusals == 1
    give_back()
    guard.reserve(500 * MIB)


def test_what_a_scan_has_allocated_of_its_reservation_is_not_counted_twice() -> None:
    machine = Machine(used_mib=300)
    guard = machine.guard()
    guard.reserve(400 * MIB)
    machine.used_mib += 400
    guard.reserve(300 * MIB)
    with pytest.raises(MemoryTight):
        guard.reserve(1 * MIB)


def test_memory_beyond_what_was_reserved_counts_too() -> None:
    machine = Machine(used_mib=300)
    guard = machine.guard()
    guard.reserve(100 * MIB)
    machine.used_mib = 900
    with pytest.raises(MemoryTight):
        guard.reserve(101 * MIB)


def test_a_reservation_leaves_less_room_for_the_next_scan() -> None:
    machine = Machine(used_mib=300)
    guard = machine.guard()
    give_back = guard.reserve(600 * MIB)
    assert not guard.has_room()
    give_back()
    assert guard.has_room()


def test_when_the_last_picture_is_done_memory_is_given_back_beside_the_event_loop() -> None:
    machine = Machine(trimmable_mib=20)
    guard = machine.guard()
    first, second = guard.reserve(10 * MIB), guard.reserve(10 * MIB)
    first()
    assert not machine.releases, "another picture is still worked on"
    second()
    assert machine.released.wait(timeout=10)
    assert machine.releases == [20]
    assert machine.release_threads == ["memory-release"]
    assert guard.snapshot().releases == 0, "nothing was tight"


def test_a_scan_that_ends_while_memory_is_given_back_starts_nothing() -> None:
    machine, go_on = Machine(), threading.Event()
    started: list[str] = []

    def release() -> None:
        started.append("release")
        go_on.wait(timeout=10)

    guard = ProcessMemoryGuard(None, read_memory=machine.read, release=release)
    for _ in range(3):
        guard.reserve(MIB)()
    go_on.set()
    assert started == ["release"]


def test_without_a_thread_to_spare_the_scan_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    guard = Machine().guard()
    give_back = guard.reserve(MIB)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    give_back()


def test_memory_is_given_back_before_a_reservation_is_refused() -> None:
    machine = Machine(used_mib=900, trimmable_mib=300)
    machine.guard().reserve(350 * MIB)
    assert machine.releases == [300]


def test_an_admitted_batch_runs_although_all_the_room_is_reserved() -> None:
    machine = Machine(used_mib=300)
    guard = machine.guard()
    guard.reserve(700 * MIB)
    assert guard.admit_batch() == 3
    guard.after_batch()
    assert guard.batch_size == 3


def test_threads_at_the_same_moment_share_the_room_exactly() -> None:
    guard = Machine(used_mib=0).guard()
    start = threading.Barrier(8)
    got: list[bool] = []

    def ask() -> None:
        start.wait()
        try:
            guard.reserve(300 * MIB)
            got.append(True)
        except MemoryTight:
            got.append(False)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 3


def test_small_growth_is_left_to_the_allocator() -> None:
    machine = Machine()
    guard = machine.guard()
    machine.used_mib += 15
    guard.after_batch()
    assert machine.releases == []
    machine.used_mib += 1
    guard.after_batch()
    assert len(machine.releases) == 1
    assert guard.snapshot().releases == 1


def test_memory_that_stays_in_use_is_not_released_again_and_again() -> None:
    machine = Machine()
    guard = machine.guard()
    machine.used_mib += 100
    for _ in range(5):
        guard.after_batch()
    assert len(machine.releases) == 1


def test_batches_shrink_when_tight_and_grow_back_when_calm() -> None:
    machine = Machine()
    guard = machine.guard()
    machine.used_mib = 900
    sizes = []
    for _ in range(4):
        guard.after_batch()
        sizes.append(guard.batch_size)
    assert sizes == [1, 1, 1, 1]
    machine.used_mib = 100
    for _ in range(2):
        for _ in range(CALM_BATCHES_TO_GROW):
            guard.after_batch()
        sizes.append(guard.batch_size)
    assert sizes[-2:] == [2, 3]
    assert guard.snapshot().batches == 4 + 2 * CALM_BATCHES_TO_GROW


def test_the_snapshot_tells_what_was_seen() -> None:
    snapshot = Machine(used_mib=123).guard().snapshot()
    assert snapshot.anonymous_bytes == 123 * MIB
    assert snapshot.file_bytes == 50 * MIB
    assert snapshot.rss_bytes == 173 * MIB
    assert snapshot.peak_rss_bytes == 900 * MIB
    assert snapshot.limit_bytes == 1000 * MIB
