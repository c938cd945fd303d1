"""The hourly purge: asked for with every setting, and again after it failed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from app.domain.errors import DatabaseUnavailable
from app.services.retention import keep_purging
from tests.fakes.scans import InMemoryScanStore


class Purged(InMemoryScanStore):
    """Notes each purge; the first ones raise ``failures``; says when it was asked ``calls`` times."""

    def __init__(self, calls: int, failures: Sequence[Exception] = ()) -> None:
        super().__init__()
        self.asked: list[int] = []
        self._failures = list(failures)
        self._calls = calls
        self.done = asyncio.Event()

    async def purge(self, older_than_days: int) -> int:
        self.asked.append(older_than_days)
        if len(self.asked) >= self._calls:
            self.done.set()
        if self._failures:
            raise self._failures.pop(0)
        return 0


async def purge_until_done(scans: Purged, retention_days: int) -> None:
    purging = asyncio.create_task(keep_purging(scans, retention_days))
    async with asyncio.timeout(20):
        await scans.done.wait()
    purging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await purging


@pytest.mark.parametrize("retention_days", [0, 30])
async def test_pictures_without_a_use_are_swept_also_where_scans_are_kept(retention_days: int) -> None:
    scans = Purged(calls=1)
    await purge_until_done(scans, retention_days)
    assert scans.asked == [retention_days]


async def test_a_purge_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.retention.PURGE_INTERVAL_S", 0.0)
    scans = Purged(calls=3, failures=[DatabaseUnavailable("away"), RuntimeError("a mistake of ours")])
    await purge_until_done(scans, 30)
    assert scans.asked[:3] == [30, 30, 30]
