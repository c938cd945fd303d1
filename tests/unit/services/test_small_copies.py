"""Small copies of scans: few at a time, and none that memory has no room for."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator

import numpy as np
import pytest

from app.domain.errors import MemoryTight, NotFound
from app.domain.types import StoredImage
from app.services.admission import Admission
from app.services.small_copies import AT_ONCE, SmallCopies
from app.vision.decode import encode_jpeg
from tests.fakes.engine import FakeGuard

#: Hardly higher than the copy that is asked for, so the decoder can leave nothing out: 9 megapixels.
WIDE = StoredImage("image/jpeg", encode_jpeg(np.full((300, 30_000, 3), 90, np.uint8), 80))
PAGE = StoredImage("image/jpeg", encode_jpeg(np.full((2400, 1800, 3), 90, np.uint8), 80))
WIDE_NEEDS_BYTES = 3 * (300 * 30_000 + 299 * 29_900)


class Scans:
    """One picture, and how often it was asked for."""

    def __init__(self, image: StoredImage | None) -> None:
        self.image = image
        self.asked = 0

    async def scan_image(self, _scan_id: uuid.UUID) -> StoredImage | None:
        self.asked += 1
        return self.image


class Gate:
    """In the place of the decoder: lets nothing through until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, image: StoredImage, _height_px: int) -> StoredImage:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.opened.wait(30)
        with self._lock:
            self.inside -= 1
        return image


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    stand_in = Gate()
    monkeypatch.setattr("app.services.small_copies.smaller", stand_in)
    yield stand_in
    stand_in.opened.set()


def copies_of(image: StoredImage | None) -> tuple[SmallCopies, Scans, FakeGuard, Admission]:
    scans, guard = Scans(image), FakeGuard()
    admission = Admission(1, guard)
    return SmallCopies(scans, admission), scans, guard, admission  # type: ignore[arg-type]


async def until(condition: object) -> None:
    async with asyncio.timeout(30):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_what_a_wide_picture_takes_is_reserved_while_it_is_decoded(gate: Gate) -> None:
    copies, _, guard, _ = copies_of(WIDE)
    asked = asyncio.create_task(copies.of_scan(uuid.uuid4(), 299))
    await until(lambda: gate.inside)
    assert guard.reserved_bytes == [WIDE_NEEDS_BYTES]
    gate.opened.set()
    await asked
    assert guard.reserved_bytes == []


async def test_without_room_for_it_a_wide_picture_is_refused_and_others_are_served() -> None:
    copies, scans, guard, _ = copies_of(WIDE)
    guard.room_bytes = WIDE_NEEDS_BYTES - 1
    for _ in range(2 * AT_ONCE):
        with pytest.raises(MemoryTight):
            await copies.of_scan(uuid.uuid4(), 299)
    scans.image = PAGE
    assert (await copies.of_scan(uuid.uuid4(), 352)).data != PAGE.data


async def test_the_copy_of_a_usual_page_asks_for_nothing() -> None:
    copies, _, guard, _ = copies_of(PAGE)
    guard.room_bytes = 0
    await copies.of_scan(uuid.uuid4(), 352)


async def test_few_are_made_at_a_time_the_others_are_not_even_read_and_scans_find_their_permit(
    gate: Gate,
) -> None:
    copies, scans, _, admission = copies_of(PAGE)
    asked = [asyncio.create_task(copies.of_scan(uuid.uuid4(), 352)) for _ in range(20)]
    await until(lambda: gate.inside == AT_ONCE)
    await asyncio.sleep(0.05)
    assert scans.asked == AT_ONCE
    async with admission.permit():
        gate.opened.set()
        await asyncio.gather(*asked)
    assert gate.most == AT_ONCE


async def test_one_that_nobody_waits_for_keeps_its_place_until_it_is_made(gate: Gate) -> None:
    copies, scans, _, _ = copies_of(PAGE)
    asked = [asyncio.create_task(copies.of_scan(uuid.uuid4(), 352)) for _ in range(AT_ONCE)]
    await until(lambda: gate.inside == AT_ONCE)
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    later = asyncio.create_task(copies.of_scan(uuid.uuid4(), 352))
    await asyncio.sleep(0.05)
    assert scans.asked == AT_ONCE
    gate.opened.set()
    await later


async def test_a_scan_without_a_picture_gives_its_place_back() -> None:
    copies, _, _, _ = copies_of(None)
    for _ in range(2 * AT_ONCE):
        with pytest.raises(NotFound):
            await copies.of_scan(uuid.uuid4(), 352)
