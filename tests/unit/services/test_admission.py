"""Permits are bounded, refused at once, and always handed back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

import pytest

from app.domain.errors import Busy, MemoryTight
from app.domain.types import MemorySnapshot
from app.services.admission import UPLOADS_A_PERMIT, Admission


class Guard:
    """Has room for so many scans at once."""

    def __init__(self, room_for: int = 100) -> None:
        self.room_for = room_for

    def has_room(self, pending: int = 0) -> bool:
        return pending < self.room_for

    def admit(self, pending: int = 0) -> None:
        if not self.has_room(pending):
            raise MemoryTight("no memory")

    def reserve(self, need_bytes: int) -> Callable[[], None]:
        raise NotImplementedError

    def snapshot(self) -> MemorySnapshot:
        raise NotImplementedError


async def test_one_more_than_the_permits_is_busy() -> None:
    admission = Admission(2, Guard())
    async with admission.permit(), admission.permit():
        with pytest.raises(Busy):
            async with admission.permit():
                pass
        assert admission.taken == 2
    assert admission.taken == 0


async def test_a_scan_that_fails_hands_its_permit_back() -> None:
    admission = Admission(1, Guard())
    for _ in range(3):
        with pytest.raises(RuntimeError):
            async with admission.permit():
                raise RuntimeError
    assert admission.taken == 0


async def test_tight_memory_refuses_without_taking_a_permit() -> None:
    admission = Admission(1, Guard(room_for=0))
    with pytest.raises(MemoryTight):
        async with admission.permit():
            pass
    assert admission.taken == 0


async def test_each_running_scan_counts_for_the_memory_the_next_one_needs() -> None:
    admission = Admission(3, Guard(room_for=2))
    async with admission.permit(), admission.permit():
        with pytest.raises(MemoryTight):
            async with admission.permit():
                pass
    async with admission.permit():
        assert admission.taken == 1


async def test_uploads_that_come_in_leave_every_permit_free() -> None:
    admission = Admission(1, Guard())
    async with admission.upload(), admission.upload(), admission.permit():
        assert admission.taken == 1


async def test_uploads_are_bounded_too_and_hand_their_place_back() -> None:
    admission = Admission(1, Guard())
    async with AsyncExitStack() as uploads:
        for _ in range(UPLOADS_A_PERMIT):
            upload = await uploads.enter_async_context(admission.upload())
            upload.arrived()  # what is there does not make room
        with pytest.raises(Busy, match="uploads"):
            async with admission.upload():
                pass
    async with admission.upload():
        pass


async def test_the_upload_that_comes_most_slowly_makes_room_for_another() -> None:
    admission = Admission(1, Guard())
    done = asyncio.Event()

    async def send(size_bytes: int) -> int:
        async with admission.upload() as upload:
            upload.came(size_bytes)
            await done.wait()
        return size_bytes

    sizes = [1_000 * (1 + number) for number in range(UPLOADS_A_PERMIT)]
    sizes[5] = 0
    senders = [asyncio.create_task(send(size)) for size in sizes]
    await asyncio.sleep(0)
    async with admission.upload():
        refused, _ = await asyncio.wait(senders, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        assert refused == {senders[5]}
        with pytest.raises(Busy, match="too slowly"):
            await senders[5]
    done.set()
    assert await asyncio.gather(*senders[:5], *senders[6:]) == sizes[:5] + sizes[6:]
    assert admission.uploads == 0


async def test_a_timeout_of_somebody_else_is_not_taken_for_a_slow_upload() -> None:
    admission = Admission(1, Guard())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), admission.upload():
            await asyncio.sleep(5)


async def test_an_upload_is_refused_early_while_every_permit_is_taken_or_memory_is_tight() -> None:
    guard = Guard()
    admission = Admission(1, guard)
    async with admission.permit():
        with pytest.raises(Busy):
            async with admission.upload():
                pass
    guard.room_for = 0
    with pytest.raises(MemoryTight):
        async with admission.upload():
            pass


async def test_work_that_nobody_waits_for_keeps_a_permit_until_it_has_ended() -> None:
    admission, finish = Admission(1, Guard()), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        admission.keep_until(threads.submit(finish.wait, 30))
        with pytest.raises(Busy):
            async with admission.permit():
                pass
        finish.set()
        async with asyncio.timeout(30):
            while admission.taken:
                await asyncio.sleep(0.001)
    async with admission.permit():
        assert admission.taken == 1
