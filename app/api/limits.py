"""What one key may ask for in a span of time. Counted by each process for itself, and before a body is read.

A count in the database would cost a write for each scan and would not let a replica refuse while the database
is away. With several replicas behind one address a key gets as many times its limit as there are replicas.
"""

from __future__ import annotations

import enum
import ipaddress
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from app.api.errors import is_no_answer
from app.domain.errors import LoginsLimited, RateLimited, Unauthenticated
from app.settings import Settings

_MINUTE_S: Final = 60
_DAY_S: Final = 86_400
WRONG_KEYS_A_MINUTE: Final = 10
#: After so many wrong ones nothing is compared any more, or the first limit would not slow a guesser down.
COMPARED_WRONG_KEYS_A_MINUTE: Final = 600
#: Addresses counted in one minute; all others share one count, so that who has many cannot fill the memory.
_MOST_ADDRESSES: Final = 10_000


class Counted(enum.StrEnum):
    """What is counted for each key."""

    SCANS = "scans"
    CORRECTIONS = "corrections"


@dataclass(frozen=True, slots=True)
class Place:
    """One count that was taken: whose, and in which span."""

    counted_as: str
    span: int


class KeyLimit:
    """At most so many in each span of the clock, for each key id.

    Args:
        most: How many; 0 for any number.
        span_s: Length of a span in seconds; spans start at whole multiples of it since 1970 (UTC).
        words: What is counted, for messages: ``scans of this minute``.
        clock: Seconds since 1970.
        whose: What the ids are of, for messages.
        refusal: The error that says so.
        most_ids: How many have a count of their own in one span, the rest share one; None for all.
    """

    def __init__(
        self,
        most: int,
        span_s: int,
        words: str,
        clock: Callable[[], float] = time.time,
        *,
        whose: str = "key",
        refusal: type[RateLimited] = RateLimited,
        most_ids: int | None = None,
    ) -> None:
        self._most = most
        self._span_s = span_s
        self._words = words
        self._clock = clock
        self._whose = whose
        self._refusal = refusal
        self._most_ids = most_ids
        self._span = 0
        self._taken: dict[str, int] = {}

    def take(self, key_id: str | None) -> Place | None:
        """Counts one more; without keys (None) nobody has a limit of his own.

        Returns:
            What ``give_back`` takes; None where nothing is counted.

        Raises:
            RateLimited: the key has had all of this span.
        """
        if key_id is None or not self._most:
            return None
        self._start_span()
        counted_as = key_id
        if self._most_ids is not None and key_id not in self._taken and len(self._taken) >= self._most_ids:
            counted_as = ""
        taken = self._taken.get(counted_as, 0)
        if taken >= self._most:
            left_s = (self._span + 1) * self._span_s - self._clock()
            words = f"{self._whose} {key_id!r} has had its {self._most} {self._words}"
            raise self._refusal(words, max(1, math.ceil(left_s)))
        self._taken[counted_as] = taken + 1
        return Place(counted_as, self._span)

    def give_back(self, place: Place | None) -> None:
        """Takes one count back, of a request that was not served; each place at most once."""
        self._start_span()
        # A request that outlives its span must not free a place of the next.
        if place is not None and place.span == self._span:
            self._taken[place.counted_as] -= 1
            if not self._taken[place.counted_as]:
                del self._taken[place.counted_as]

    @contextmanager
    def held(self, place: Place | None) -> Iterator[None]:
        """Gives the place back where what is done with it gets no answer.

        An answer counts whatever it is: to find out that a picture is broken takes as long as to read it.
        """
        try:
            yield
        except BaseException as error:
            if is_no_answer(error):
                self.give_back(place)
            raise

    def _start_span(self) -> None:
        span = int(self._clock() // self._span_s)
        if span != self._span:
            self._span = span
            self._taken.clear()


class LoginLimit:
    """How many wrong keys are tried from one address in a minute of the clock; right ones do not count.

    Beyond the first limit wrong ones are told no more, and right ones still let in: all visitors of a proxy
    whose headers are not believed have one address, and one of them must not lock out the others. Beyond the
    second, far higher one nothing is looked at. It slows down who guesses; long keys are what keeps him out.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._told = self._limit(WRONG_KEYS_A_MINUTE, clock)
        self._compared = self._limit(COMPARED_WRONG_KEYS_A_MINUTE, clock)

    @contextmanager
    def attempt(self, address: str) -> Iterator[None]:
        """One try from an address; it counts where the key is wrong.

        Raises:
            LoginsLimited: the address has tried too many in this minute, and this one is wrong or not
                looked at.
        """
        network = _network(address)
        place = self._compared.take(network)
        try:
            yield
        except Unauthenticated:
            self._told.take(network)
            raise
        except BaseException:
            self._compared.give_back(place)
            raise
        self._compared.give_back(place)

    @staticmethod
    def _limit(most: int, clock: Callable[[], float]) -> KeyLimit:
        return KeyLimit(
            most,
            _MINUTE_S,
            "wrong keys of this minute",
            clock,
            whose="address",
            refusal=LoginsLimited,
            most_ids=_MOST_ADDRESSES,
        )


class KeyLimits:
    """The limits of one application."""

    def __init__(self, settings: Settings) -> None:
        self.logins = LoginLimit()
        self._limits = {
            Counted.SCANS: KeyLimit(settings.scans_per_minute, _MINUTE_S, "scans of this minute"),
            Counted.CORRECTIONS: KeyLimit(
                settings.corrections_per_day, _DAY_S, "corrections of this day (UTC)"
            ),
        }

    def of(self, counted: Counted) -> KeyLimit:
        """The limit of what is counted."""
        return self._limits[counted]


def _network(address: str) -> str:
    """The address, or of IPv6 the network of 64 bits that one household or server has for itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
