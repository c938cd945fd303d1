"""HTTP for other people's servers: few requests at a time, patient with refusals, and never hammering.

Which URL is asked for next, a server says in its replies and redirects. Only its own addresses are followed:
it must not have us ask what only we can reach.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from app.domain.errors import BinderlensError, NotFound, SourceResting, Unavailable
from app.services.gallery_fetch.validators import NO_VALIDATORS, Validators

USER_AGENT = "binderlens (gallery fetch)"

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Politeness:
    """How a server is asked.

    Attributes:
        requests_at_once: Requests in flight.
        attempts: Tries of one request.
        backoff_s: Pause after the first failed try; doubled after each further one.
        longest_pause_s: A server that asks for a longer pause is left alone instead.
        timeout_s: Longest wait for a connection or for the next bytes.
        longest_reply_s: Longest wait for a whole reply, its redirects included.
        largest_reply_bytes: More is not read.
    """

    requests_at_once: int = 4
    attempts: int = 5
    backoff_s: float = 0.5
    longest_pause_s: float = 120.0
    timeout_s: float = 30.0
    longest_reply_s: float = 120.0
    largest_reply_bytes: int = 40_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """The body of a 200, and what the server names this version of it by."""

    body: bytes
    validators: Validators


class PoliteClient:
    """Gets URLs; a ``Retry-After`` holds for all requests: the server is tired. Made by ``open``."""

    def __init__(self, client: httpx.AsyncClient, politeness: Politeness) -> None:
        self._client = client
        self._politeness = politeness
        self._permits = asyncio.Semaphore(politeness.requests_at_once)
        self._quiet_until_s = 0.0  # on the monotonic clock
        self._rest_s: float | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, politeness: Politeness, addresses: Collection[str]) -> AsyncIterator[PoliteClient]:
        """A client; its connections are closed at the end.

        Args:
            politeness: How it asks.
            addresses: URLs of the servers it may ask; nothing on another host or port is asked for.
        """
        places = frozenset(place for address in addresses for place in _places(httpx.URL(address)))

        async def refuse_others(request: httpx.Request) -> None:
            if request.url.scheme not in _PORTS or not places & _places(request.url):
                raise BinderlensError(f"{request.url} is none of the source's own addresses; it is not asked")

        async with httpx.AsyncClient(
            headers={"User-Agent": USER_AGENT},
            timeout=httpx.Timeout(politeness.timeout_s),
            follow_redirects=True,
            event_hooks={"request": [refuse_others]},  # called for each redirect as well
        ) as client:
            yield cls(client, politeness)

    async def get(self, url: str) -> bytes:
        """The body of a 200; raises what ``get_unless_held`` does."""
        reply = await self.get_unless_held(url, NO_VALIDATORS)
        assert reply is not None
        return reply.body

    async def get_unless_held(self, url: str, held: Validators) -> Reply | None:
        """What is at a URL, or None where the server says that it is still the version that is held.

        Args:
            url: What to ask for.
            held: What came with that version; without any, all is sent.

        Raises:
            NotFound: 404 or 410.
            Unavailable: no connection or no whole reply, or still 429 or 5xx at the last attempt.
            SourceResting: the server asked for a longer rest than we wait; nothing is asked any more.
            BinderlensError: a foreign address, any other status, or a body beyond the limit; asking again
                would not help.
        """
        async with self._permits:
            for attempt in range(1, self._politeness.attempts + 1):
                await asyncio.sleep(max(0.0, self._quiet_until_s - time.monotonic()))
                self._refuse_while_resting()
                try:
                    return await self._try_in_time(url, held)
                except (Unavailable, httpx.TransportError) as error:
                    if attempt == self._politeness.attempts:
                        raise Unavailable(f"{url}: {_reason(error)}") from error
                except (httpx.RequestError, httpx.InvalidURL) as error:
                    raise BinderlensError(f"{url}: {_reason(error)}") from error
                await asyncio.sleep(self._pause_s(attempt))
        raise AssertionError("a request is tried at least once")

    async def _try_in_time(self, url: str, held: Validators) -> Reply | None:
        try:
            async with asyncio.timeout(self._politeness.longest_reply_s):
                return await self._try(url, held)
        except TimeoutError as error:
            raise Unavailable(f"no whole reply within {self._politeness.longest_reply_s:g} s") from error

    async def _try(self, url: str, held: Validators) -> Reply | None:
        async with self._client.stream("GET", url, headers=held.as_conditions()) as reply:
            status = reply.status_code
            if status == httpx.codes.NOT_MODIFIED and held:
                return None
            if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
                raise NotFound(f"{url} does not exist")
            if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
                self._keep_quiet(reply.headers.get("Retry-After"))
                raise Unavailable(f"the server answers {status}")
            if status != httpx.codes.OK:
                raise BinderlensError(f"{url}: the server answers {status}")
            body = bytearray()
            async for part in reply.aiter_bytes():
                body += part
                if len(body) > self._politeness.largest_reply_bytes:
                    raise BinderlensError(f"{url}: more than {self._politeness.largest_reply_bytes} bytes")
            return Reply(bytes(body), Validators.of_reply(reply.headers))

    def _keep_quiet(self, retry_after: str | None) -> None:
        pause_s = retry_after_s(retry_after, datetime.now(UTC))
        if pause_s is None:
            return
        if pause_s > self._politeness.longest_pause_s:
            self._rest_s = pause_s
            self._refuse_while_resting()
        self._quiet_until_s = max(self._quiet_until_s, time.monotonic() + pause_s)

    def _refuse_while_resting(self) -> None:
        if self._rest_s is not None:
            raise SourceResting(
                f"the server asks to be left alone for {self._rest_s:.0f} s; run this again after that, "
                "it goes on where it ended"
            )

    def _pause_s(self, attempt: int) -> float:
        """Grows from try to try, and differs between requests that failed together."""
        return self._politeness.backoff_s * 2.0 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds that a ``Retry-After`` asks for (RFC 9110, 10.2.3: a number or a date), if it can be read."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())


def _places(url: httpx.URL) -> frozenset[tuple[str, int]]:
    """Host and port of a URL; both usual ports are one place, since http is redirected to https."""
    port = url.port or _PORTS.get(url.scheme, 0)
    return frozenset((url.host, one) for one in (_PORTS.values() if port in _PORTS.values() else (port,)))


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
