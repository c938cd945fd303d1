"""Scans a second with 1, 4 and 16 clients: ``python -m benchmarks.clients``.

``binderlens serve`` runs in a process of its own. Each client sends a page of nine cards, 12 megapixels, its
bytes each time others; refused with 503 it waits as long as ``Retry-After`` says. Meanwhile ``/health`` is
asked again and again from a process that does nothing else, so that the service is measured and not the
clients.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
from rich.table import Table

from app.cli.wiring import table_console
from benchmarks.page_load import Pages, fill_gallery
from benchmarks.results import quantiles, write_result
from benchmarks.service import running_service

CLIENTS = (1, 4, 16)
HEALTH_INTERVAL_S = 0.05
#: Different pictures of the page, sent in turn.
PAGES = 120
REQUEST_TIMEOUT_S = 120.0


@dataclass(slots=True)
class Replies:
    """What clients got: counts by status, times of those that were answered, and what was wrong.

    Attributes:
        statuses: Replies by HTTP status.
        answered_ms: From the first byte sent to the last received, of replies with 200.
        faults: Replies that are neither 200 nor 503 with ``Retry-After``, and failed connections.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    answered_ms: list[float] = field(default_factory=list)
    faults: int = 0


async def send_until(
    deadline: float, client: httpx.AsyncClient, pages: Sequence[bytes], replies: Replies
) -> None:
    """One client: sends pages until the deadline on the monotonic clock, obeying ``Retry-After``."""
    while time.monotonic() < deadline:
        page = pages[replies.statuses.total() % len(pages)]
        started = time.perf_counter()
        try:
            reply = await client.post("/identify", files={"image": ("page.jpg", page, "image/jpeg")})
        except httpx.TransportError:
            replies.faults += 1
            await asyncio.sleep(0.1)
            continue
        replies.statuses[reply.status_code] += 1
        if reply.status_code == httpx.codes.OK:
            replies.answered_ms.append((time.perf_counter() - started) * 1000.0)
        elif reply.status_code == httpx.codes.SERVICE_UNAVAILABLE and "Retry-After" in reply.headers:
            await asyncio.sleep(float(reply.headers["Retry-After"]))
        else:
            replies.faults += 1
            await asyncio.sleep(0.1)


def ask_health(url: str, results: Connection) -> None:
    """Asks ``/health`` until told to stop; then sends the milliseconds of each answer, -1 for none."""
    times_ms: list[float] = []
    with httpx.Client(base_url=url, timeout=10.0, trust_env=False) as client:
        while not results.poll():
            started = time.perf_counter()
            try:
                client.get("/health").raise_for_status()
                times_ms.append((time.perf_counter() - started) * 1000.0)
            except httpx.HTTPError:
                times_ms.append(-1.0)
            time.sleep(HEALTH_INTERVAL_S)
    results.send(times_ms)


async def load(url: str, pages: Sequence[bytes], clients: int, seconds: float) -> dict[str, float]:
    """Lets so many clients send for so long."""
    replies = Replies()
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(
        base_url=url, timeout=REQUEST_TIMEOUT_S, trust_env=False, limits=limits
    ) as client:
        started = time.monotonic()
        deadline = started + seconds
        await asyncio.gather(*(send_until(deadline, client, pages, replies) for _ in range(clients)))
        lasted_s = time.monotonic() - started
    times = quantiles(replies.answered_ms)
    return {
        "scans_a_second": len(replies.answered_ms) / lasted_s,
        "answered": replies.statuses[200],
        "refused_503": replies.statuses[503],
        "faults": replies.faults,
        "p50_ms": times["p50"],
        "p95_ms": times["p95"],
    }


def measure(url: str, pages: Sequence[bytes], clients: int, seconds: float) -> dict[str, float]:
    """The same with ``/health`` asked all along from another process."""
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe()
    asking = spawning.Process(target=ask_health, args=(url, there))
    asking.start()
    try:
        figures = asyncio.run(load(url, pages, clients, seconds))
        here.send("stop")
        health_ms: list[float] = here.recv()
    finally:
        asking.join()
    answered = [one for one in health_ms if one >= 0]
    times = quantiles(answered)
    return {
        **figures,
        "health_asked": len(health_ms),
        "health_failed": len(health_ms) - len(answered),
        "health_p50_ms": times["p50"],
        "health_p95_ms": times["p95"],
        "health_most_ms": max(answered),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS))
    parser.add_argument("--seconds", type=float, default=30.0, help="for each number of clients")
    parser.add_argument("--gallery", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--json", type=Path, help="write the results here as well")
    options = parser.parse_args(arguments)
    figures: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        pages = Pages(options.seed, options.gallery)
        asyncio.run(fill_gallery(work, options.gallery))
        with running_service(work / "data") as service:
            # More than the service remembers crops of, so that no scan is spared its work.
            drawn = [pages.another() for _ in range(PAGES)]
            url = str(service.client.base_url)
            asyncio.run(load(url, drawn, 1, 3.0))  # warms up
            for clients in options.clients:
                figures[clients] = measure(url, drawn, clients, options.seconds)
    for values in figures.values():
        first = figures[options.clients[0]]
        values["times_the_first"] = values["scans_a_second"] / first["scans_a_second"]
    table = Table("figure", *(f"{clients} clients" for clients in figures))
    for name in next(iter(figures.values())):
        table.add_row(name, *(f"{values[name]:,.4g}" for values in figures.values()))
    table_console().print(table)
    write_result("clients", {str(clients): values for clients, values in figures.items()}, options.json)


if __name__ == "__main__":
    main()
