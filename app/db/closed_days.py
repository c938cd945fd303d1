"""Counts of days that are over: stored scans and what was found in them do not change, they only go."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from app.domain.quality_types import QualityFilter

#: Filters that are remembered; a page asks for the same few again and again.
_FILTERS = 4
#: Rows that are remembered for each: a month of thirty sets has some thousands; so many take 2 MB.
_MOST_ROWS = 5000

_Counts = tuple[tuple[dt.date, int], ...]


@dataclass(frozen=True, slots=True)
class Remaining:
    """What need not be counted again, and since when the rest is to be counted; None is from the start."""

    known: Sequence[asyncpg.Record] = ()
    since: dt.datetime | None = None


class ClosedDays:
    """Remembers what was counted of days that are over, as long as no scan of them is deleted.

    The present day is open, and yesterday is: a scan that began before midnight is stored after it. No scan
    comes to an earlier day any more, so as many scans of it as before are the same scans.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[QualityFilter, tuple[_Counts, list[asyncpg.Record]]] = OrderedDict()

    def remaining(self, chosen: QualityFilter, days: Sequence[asyncpg.Record]) -> Remaining:
        """What is known already of these days, and what is not.

        Args:
            chosen: Whose figures.
            days: ``day`` and ``scans``, how many it has now.
        """
        border = _border()
        counts, known = self._kept.get(chosen, ((), []))
        if not counts or counts != _closed(days, border):
            return Remaining(since=chosen.since)
        start = dt.datetime.combine(border, dt.time(), dt.UTC)
        return Remaining(known, start if chosen.since is None else max(start, chosen.since))

    def keep(
        self, chosen: QualityFilter, days: Sequence[asyncpg.Record], counted: Sequence[asyncpg.Record]
    ) -> None:
        """Remembers those rows of ``counted``, each with a ``day``, that belong to days that are over."""
        border = _border()
        rows = [row for row in counted if row["day"] < border]
        self._kept.pop(chosen, None)
        if len(rows) <= _MOST_ROWS:
            self._kept[chosen] = (_closed(days, border), rows)
        if len(self._kept) > _FILTERS:
            self._kept.popitem(last=False)


def _border() -> dt.date:
    """The first day that is open."""
    return dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)


def _closed(days: Sequence[asyncpg.Record], border: dt.date) -> _Counts:
    return tuple((row["day"], row["scans"]) for row in days if row["day"] < border)
