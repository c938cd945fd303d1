"""Clients that send slowly, nothing, or without end, while a good one is to be served."""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx

from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import LONGEST_REQUEST_S, Served, serving
from benchmarks.chaos.visitors import in_contract

IDLE_CONNECTIONS = 1000
#: Together more than there are places for uploads; they must not shut a good client out.
SLOW_SENDERS = 12
SILENT_SENDERS = 40
ENDLESS_SENDERS = 4
_FILES_MORE = 500
_HEAD = (
    b"POST /identify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n%b\r\n"
)
_PART = b'--b\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n\r\n\xff\xd8\xff\xe0'

#: What a good client got: answers by status, seconds of those with 200, and what no contract knows.
Scanned = tuple[Counter[int], list[float], list[str]]
Hostile = Callable[[int, "Toll"], Awaitable[None]]


class Toll:
    """What hostile clients were told, and how long they were kept."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.longest_s = 0.0


async def _converse(
    port: int, toll: Toll, head: bytes, body: Callable[[asyncio.StreamWriter], Awaitable[None]]
) -> None:
    """Sends a head and a body of some kind until an answer or the end of the connection comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started = time.perf_counter()
    writer.write(head)
    sending = asyncio.ensure_future(body(writer))
    try:
        async with asyncio.timeout(LONGEST_REQUEST_S):
            line = await reader.readline()
        toll.statuses[line.split(b" ")[1].decode() if line else "closed"] += 1
    except TimeoutError:
        toll.statuses["hung"] += 1
    except OSError:
        toll.statuses["closed"] += 1
    finally:
        toll.longest_s = max(toll.longest_s, time.perf_counter() - started)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.transport.abort()


async def slow_sender(port: int, toll: Toll) -> None:
    """A byte at a time."""

    async def body(writer: asyncio.StreamWriter) -> None:
        writer.write(_PART)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.2)

    await _converse(port, toll, _HEAD % b"Content-Length: 1000000\r\n", body)


async def silent_sender(port: int, toll: Toll) -> None:
    """Says that a body comes, and sends none."""

    async def body(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    await _converse(port, toll, _HEAD % b"Content-Length: 1000000\r\n", body)


async def endless_sender(port: int, toll: Toll) -> None:
    """Chunks without end."""

    async def body(writer: asyncio.StreamWriter) -> None:
        writer.write(b"%x\r\n%b\r\n" % (len(_PART), _PART))
        while True:
            writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    await _converse(port, toll, _HEAD % b"Transfer-Encoding: chunked\r\n", body)


async def _again_and_again(sender: Hostile, port: int, toll: Toll) -> None:
    while True:
        try:
            await sender(port, toll)
        except OSError:
            toll.statuses["refused"] += 1
        await asyncio.sleep(0.2)


def clients(ground: Ground, dose: Dose) -> Outcome:
    """All of them at once, and one good client beside."""
    outcome = Outcome()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE_CONNECTIONS + _FILES_MORE
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    with serving(ground.copy("hostile")) as served:
        asyncio.run(_serve_good_one(served, ground.pictures(60, seed=9), dose, outcome))
    return outcome


async def _serve_good_one(served: Served, pictures: list[bytes], dose: Dose, outcome: Outcome) -> None:
    async with httpx.AsyncClient(base_url=served.url, timeout=LONGEST_REQUEST_S, trust_env=False) as good:
        alone = await _scan(good, pictures, dose.seconds / 4)
        idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(IDLE_CONNECTIONS)]
        toll = Toll()
        bad = (
            [slow_sender] * SLOW_SENDERS
            + [silent_sender] * SILENT_SENDERS
            + [endless_sender] * ENDLESS_SENDERS
        )
        tasks = [asyncio.create_task(_again_and_again(one, served.port, toll)) for one in bad]
        await asyncio.sleep(1.0)
        beside = await _scan(good, pictures, dose.seconds * 3 / 4)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _, writer in idle:
            writer.transport.abort()
    outcome.measured(
        idle_connections=len(idle),
        hostile_answers=dict(toll.statuses),
        hostile_longest_s=round(toll.longest_s, 1),
        good_alone=_described(alone),
        good_beside=_described(beside),
    )
    _hold_against(outcome, toll, alone, beside)


def _hold_against(outcome: Outcome, toll: Toll, alone: Scanned, beside: Scanned) -> None:
    served_share = len(beside[1]) / max(1, beside[0].total())
    outcome.promise("the good client is served 9 times in 10", served_share >= 0.9, f"{served_share:.0%}")
    outcome.promise("its answers are of the contract", not beside[2], beside[2] or "all are")
    slow_s = statistics.median(beside[1]) if beside[1] else float("inf")
    limit_s = 4 * statistics.median(alone[1])
    outcome.promise(
        "it waits no more than four times as long",
        slow_s <= limit_s,
        f"{slow_s:.2f} s, {limit_s:.2f} allowed",
    )
    outcome.promise(
        "hostile ones are let go by the deadline", not toll.statuses["hung"], f"{toll.longest_s:.1f} s"
    )
    unknown = {
        one for one in toll.statuses if one not in ("408", "413", "422", "400", "503", "504", "closed")
    }
    outcome.promise("hostile ones are told what the contract says", not unknown, dict(toll.statuses))


async def _scan(client: httpx.AsyncClient, pictures: list[bytes], seconds: float) -> Scanned:
    """A good client: one scan after the other, waiting as long as it is told to."""
    statuses: Counter[int] = Counter()
    served_s: list[float] = []
    outside: list[str] = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        started = time.perf_counter()
        picture = pictures[statuses.total() % len(pictures)]
        reply = await client.post("/identify", files={"image": ("p.jpg", picture)})
        statuses[reply.status_code] += 1
        if reply.status_code == httpx.codes.OK:
            served_s.append(time.perf_counter() - started)
        elif reply.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            await asyncio.sleep(float(reply.headers.get("Retry-After", "1")))
        if not in_contract(reply):
            outside.append(f"{reply.status_code} {reply.text[:100]}")
    return statuses, served_s, outside


def _described(scanned: Scanned) -> dict[str, object]:
    median = round(statistics.median(scanned[1]), 3) if scanned[1] else None
    return {"answers": dict(scanned[0]), "median_s": median}
