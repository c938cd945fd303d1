"""Clients that scan, correct and write every answer down, to see afterwards whether any of it is missing."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import LONGEST_REQUEST_S, Served

_PAUSE_S = 0.1
_SHOWN = 5


@dataclass(slots=True)
class Answers:
    """All that visitors were told.

    Attributes:
        statuses: Answers by status; ``closed`` counts closed connections, ``hung`` what came too late.
        outside: The first answers that the contract does not know.
        longest_s: The longest that anybody waited.
        scans: Ids of scans that were answered with 200.
        corrections: Ids of corrections that were acknowledged, by their idempotency keys.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    outside: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    scans: set[str] = field(default_factory=set)
    corrections: dict[str, str] = field(default_factory=dict)

    def count(self, status: str, waited_s: float) -> None:
        """One more answer."""
        self.statuses[status] += 1
        self.longest_s = max(self.longest_s, waited_s)


async def ask(
    client: httpx.AsyncClient, answers: Answers, method: str, path: str, **request: object
) -> httpx.Response | None:
    """One request; None where the connection was closed or no answer came in time."""
    started = time.perf_counter()
    try:
        reply = await client.request(method, path, **request)  # type: ignore[arg-type]
    except httpx.TimeoutException:
        answers.count("hung", time.perf_counter() - started)
        return None
    except httpx.TransportError:
        answers.count("closed", time.perf_counter() - started)
        return None
    answers.count(str(reply.status_code), time.perf_counter() - started)
    if not in_contract(reply):
        answers.outside.append(f"{method} {path}: {reply.status_code} {reply.text[:200]}")
    return reply


def in_contract(reply: httpx.Response) -> bool:
    """Whether an answer is one that callers may rely on, its form included."""
    status = reply.status_code
    if status < 400:
        return status in (200, 202, 204)
    if reply.headers.get("content-type") != "application/problem+json":
        return False
    if status == httpx.codes.SERVICE_UNAVAILABLE:
        return "Retry-After" in reply.headers
    return status < 500 or status == httpx.codes.GATEWAY_TIMEOUT


async def visit(
    client: httpx.AsyncClient, pictures: Sequence[bytes], card_ids: Sequence[str], answers: Answers, seed: int
) -> None:
    """Scans and corrects until cancelled. Who gets no answer sends the same correction once more."""
    turn = seed
    while True:
        turn += 1
        picture = pictures[turn % len(pictures)]
        reply = await ask(client, answers, "POST", "/identify", files={"image": ("p.jpg", picture)})
        if reply is None or reply.status_code != httpx.codes.OK:
            await asyncio.sleep(_PAUSE_S)
            continue
        scan = reply.json()
        answers.scans.add(scan["scan_id"])
        for found in scan["cards"][:1]:
            body = {"detection_id": found["detection_id"], "verdict": "card"}
            body["card_id"] = card_ids[turn % len(card_ids)]
            await _correct(client, answers, body)


async def _correct(client: httpx.AsyncClient, answers: Answers, body: dict[str, str]) -> None:
    key = uuid.uuid4().hex
    for _ in range(2):
        reply = await ask(
            client, answers, "POST", "/corrections", json=body, headers={"Idempotency-Key": key}
        )
        if reply is not None and reply.status_code == httpx.codes.ACCEPTED:
            answers.corrections[key] = reply.json()["correction_id"]
            return
        await asyncio.sleep(_PAUSE_S)


@asynccontextmanager
async def visitors(
    url: str, count: int, pictures: Sequence[bytes], card_ids: Sequence[str]
) -> AsyncIterator[Answers]:
    """So many clients at once while the block runs."""
    answers = Answers()
    async with (
        httpx.AsyncClient(base_url=url, timeout=LONGEST_REQUEST_S, trust_env=False) as client,
        asyncio.TaskGroup() as tasks,
    ):
        running = [
            tasks.create_task(visit(client, pictures, card_ids, answers, 1000 * one)) for one in range(count)
        ]
        try:
            yield answers
        finally:
            for task in running:
                task.cancel()


def hold_against(outcome: Outcome, answers: Answers, served: Served) -> None:
    """What holds after every fault: nothing outside the contract, nothing hung, nothing acknowledged lost."""
    lost_corrections = _missing(served, "/corrections/", set(answers.corrections.values()))
    lost_scans = _missing(served, "/scans/", answers.scans)
    outcome.measured(
        answers=dict(sorted(answers.statuses.items())),
        longest_wait_s=round(answers.longest_s, 2),
        corrections_acknowledged=len(answers.corrections),
        scans_answered=len(answers.scans),
    )
    outcome.promise("scans were answered meanwhile", bool(answers.scans), len(answers.scans))
    outcome.promise(
        "every answer is of the contract", not answers.outside, answers.outside[:_SHOWN] or "all are"
    )
    outcome.promise(
        f"no answer later than {LONGEST_REQUEST_S:.0f} s",
        not answers.statuses["hung"],
        f"{answers.longest_s:.1f} s",
    )
    outcome.promise(
        "no acknowledged correction is lost",
        not lost_corrections,
        f"{lost_corrections} of {len(answers.corrections)} lost",
    )
    outcome.promise(
        "no scan that was answered is lost", not lost_scans, f"{lost_scans} of {len(answers.scans)} lost"
    )
    faults = served.faults_in_log()
    outcome.promise("the log tells of no fault of ours", not faults, faults[:_SHOWN] or "none")


def _missing(served: Served, path: str, ids: set[str]) -> int:
    """How many of them the service does not know."""
    return sum(served.client.get(path + one).status_code != httpx.codes.OK for one in ids)
