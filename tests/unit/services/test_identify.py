"""Closing the identify service: the work in hand may finish, but nothing waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from pathlib import Path

import pytest

from app.services import identify
from app.services.identify import IdentifyOptions
from app.settings import Settings
from tests.fakes.service import fake_service


class Stuck:
    """Pixel work that ends when the test says so."""

    def __init__(self) -> None:
        self.started, self.end, self.ended = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, *_: object) -> None:
        self.started.set()
        self.end.wait(60)
        self.ended.set()
        raise RuntimeError("what it made does not matter here")


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Stuck:
    work = Stuck()
    monkeypatch.setattr(identify, "read_scan", work)
    return work


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path)


async def test_a_thread_that_does_not_end_stops_neither_closing_nor_the_event_loop(
    stuck: Stuck, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identify, "CLOSE_TIMEOUT_S", 0.3)
    # However this test goes, the thread must end: an event loop that is blocked could not say so itself.
    rescue = threading.Timer(20, stuck.end.set)
    rescue.start()
    try:
        async with fake_service(settings) as service:
            scan = asyncio.create_task(service.runtime.identify.identify(b"x", IdentifyOptions()))
            await asyncio.to_thread(stuck.started.wait, 20)
            scan.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await scan
            started = time.monotonic()
            closing = asyncio.create_task(service.runtime.identify.close())
            await asyncio.sleep(0)
            async with service.client() as client:
                assert (await client.get("/health")).status_code == 200
            assert not closing.done()
            await closing
            assert time.monotonic() - started < 10
            assert not stuck.ended.is_set()
    finally:
        stuck.end.set()
        rescue.cancel()


async def test_closing_waits_for_work_that_is_about_to_end(stuck: Stuck, settings: Settings) -> None:
    async with fake_service(settings) as service:
        scan = asyncio.create_task(service.runtime.identify.identify(b"x", IdentifyOptions()))
        await asyncio.to_thread(stuck.started.wait, 20)
        closing = asyncio.create_task(service.runtime.identify.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        stuck.end.set()
        await closing
        assert stuck.ended.is_set()
        with pytest.raises(RuntimeError):
            await scan
