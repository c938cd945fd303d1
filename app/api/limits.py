"""What one key may ask for in a span of time. Counted by each process for itself, and before a body is read.

A count in the database would cost a write for each scan and would not let a replica refuse while the database
is away. With several replicas behind one address a key gets as many times its limit as there are replicas.
"""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Callable
from typing import Final

from app.domain.errors import RateLimited
from app.settings import Settings

_MINUTE_S: Final = 60
_DAY_S: Final = 86_400


class Counted(enum.StrEnum):
    """What is counted for each key."""

    SCANS = "scans"
    CORRECTIONS = "corrections"


class KeyLimit:
    """At most so many in each span of the clock, for each key id.

    Args:
        most: How many; 0 for any number.
        span_s: Length of a span in seconds; spans start at whole multiples of it since 1970 (UTC).
        words: What is counted, for messages: ``scans of this minute``.
        clock: Seconds since 1970.
    """

    def __init__(self, most: int, span_s: int, words: str, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._span_s = span_s
        self._words = words
        self._clock = clock
        self._span = 0
        self._taken: dict[str, int] = {}

    def take(self, key_id: str | None) -> None:
        """Counts one more; without keys (None) nobody has a limit of his own.

        Raises:
            RateLimited: the key has had all of this span.
        """
        if key_id is None or not self._most:
            return
        self._start_span()
        taken = self._taken.get(key_id, 0)
        if taken >= self._most:
            left_s = (self._span + 1) * self._span_s - self._clock()
            raise RateLimited(
                f"key {key_id!r} has had its {self._most} {self._words}", max(1, math.ceil(left_s))
            )
        self._taken[key_id] = taken + 1

    def give_back(self, key_id: str | None) -> None:
        """Takes one count back, of a request that was not served."""
        self._start_span()
        if key_id is not None and self._taken.get(key_id, 0) > 0:
            self._taken[key_id] -= 1

    def _start_span(self) -> None:
        span = int(self._clock() // self._span_s)
        if span != self._span:
            self._span = span
            self._taken.clear()


class KeyLimits:
    """The limits of one application."""

    def __init__(self, settings: Settings) -> None:
        self._limits = {
            Counted.SCANS: KeyLimit(settings.scans_per_minute, _MINUTE_S, "scans of this minute"),
            Counted.CORRECTIONS: KeyLimit(
                settings.corrections_per_day, _DAY_S, "corrections of this day (UTC)"
            ),
        }

    def of(self, counted: Counted) -> KeyLimit:
        """The limit of what is counted."""
        return self._limits[counted]
