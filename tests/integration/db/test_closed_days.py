"""Counts of days that are over are kept as long as nothing of them goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.db.pool import Database
from app.db.quality import PostgresQuality
from app.db.scans import PostgresScanStore
from app.domain.quality_types import Day, QualityFilter
from app.domain.types import Status
from tests.integration.db.builders import identification, picture, scan

LONG_AGO = timedelta(days=5)


class Days:
    """Scans of one card each, and what is counted of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._quality = PostgresQuality(database)
        self.scans = PostgresScanStore(database)

    async def add(self, ago: timedelta = timedelta(), status: Status = Status.ACCEPTED) -> UUID:
        stored = scan(identification(status), created_at=datetime.now(UTC) - ago)
        return await self.scans.save(stored, picture("scan"), [picture("crop")], None, None)

    async def counted(self, **chosen: object) -> list[tuple[int, int, int]]:
        """Of each day: its scans, accepted cards, cards to review."""
        figures = await self._quality.figures(QualityFilter(**chosen))  # type: ignore[arg-type]
        assert sum(one.cards.accepted + one.cards.review for one in figures.sets) == sum(
            one.cards.accepted + one.cards.review for one in figures.days
        )
        return [_numbers(day) for day in figures.days]

    async def rewrite(self) -> None:
        """What the service never does: another answer in a stored scan."""
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE detections SET status = 'review'")


def _numbers(day: Day) -> tuple[int, int, int]:
    return day.scans, day.cards.accepted, day.cards.review


@pytest.fixture
def days(database: Database) -> Days:
    return Days(database)


async def test_only_days_that_are_open_are_counted_again(days: Days) -> None:
    await days.add(LONG_AGO)
    await days.add()
    assert await days.counted() == [(1, 1, 0), (1, 1, 0)]
    await days.rewrite()
    assert await days.counted() == [(1, 1, 0), (1, 0, 1)]


async def test_a_scan_of_today_counts_at_once(days: Days) -> None:
    await days.add(LONG_AGO)
    assert await days.counted() == [(1, 1, 0)]
    await days.add()
    assert await days.counted() == [(1, 1, 0), (1, 1, 0)]


async def test_a_scan_of_yesterday_that_is_stored_late_counts(days: Days) -> None:
    await days.add(timedelta(days=1))
    assert await days.counted() == [(1, 1, 0)]
    await days.add(timedelta(days=1))
    assert await days.counted() == [(2, 2, 0)]


async def test_a_deleted_scan_of_long_ago_counts_no_more(days: Days) -> None:
    gone = await days.add(LONG_AGO, Status.REVIEW)
    await days.add(LONG_AGO)
    assert await days.counted() == [(2, 1, 1)]
    await days.scans.delete(gone)
    assert await days.counted() == [(1, 1, 0)]


async def test_each_filter_has_its_own_counts(days: Days) -> None:
    await days.add(LONG_AGO)
    assert await days.counted() == [(1, 1, 0)]
    assert await days.counted(encoder="another") == []
    assert await days.counted(since=datetime.now(UTC) - timedelta(days=2)) == []
    assert await days.counted(until=datetime.now(UTC) - timedelta(days=2)) == [(1, 1, 0)]
    for number in range(6):
        await days.counted(set_id=f"set {number}")
    assert await days.counted() == [(1, 1, 0)]


async def test_a_filter_that_begins_within_a_kept_day_counts_what_is_of_it(days: Days) -> None:
    await days.add(LONG_AGO)
    since = datetime.now(UTC) - LONG_AGO - timedelta(seconds=5)
    assert await days.counted(since=since) == [(1, 1, 0)]
    await days.add()
    assert await days.counted(since=since) == [(1, 1, 0), (1, 1, 0)]
