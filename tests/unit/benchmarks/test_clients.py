"""A client of the load benchmark waits as it is told, and counts what it got."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from benchmarks.clients import Replies, send_until


async def sent(monkeypatch: pytest.MonkeyPatch, answers: list[httpx.Response]) -> tuple[Replies, list[float]]:
    """Sends pages until every answer was given; also tells how long the client waited, in seconds."""
    clock, waits = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def answer(_: httpx.Request) -> httpx.Response:
        reply = answers.pop(0)
        if not answers:
            clock[0] = 100.0
        return reply

    replies = Replies()
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://x") as client:
        monkeypatch.setattr(asyncio, "sleep", sleep)
        await send_until(50.0, client, [b"one", b"two"], replies)
        monkeypatch.undo()
    return replies, waits


async def test_a_refused_client_waits_as_long_as_the_service_says(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = httpx.Response(503, headers={"Retry-After": "2"})
    replies, waits = await sent(monkeypatch, [refused, httpx.Response(200), httpx.Response(200)])
    assert waits == [2.0]
    assert (replies.statuses[200], replies.statuses[503], replies.faults) == (2, 1, 0)
    assert len(replies.answered_ms) == 2


async def test_any_other_answer_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    without = httpx.Response(503)
    replies, _ = await sent(monkeypatch, [without, httpx.Response(500), httpx.Response(200)])
    assert replies.faults == 2
