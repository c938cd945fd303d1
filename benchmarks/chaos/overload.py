"""Two hundred clients at once: a hundred times what the service takes."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import numpy as np

from app.services.remembering import CROPS_KEPT
from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import Served, serving

CLIENTS = 200
MEMORY_LIMIT_MB = 700
_IDLE_SCANS = 40
#: Pictures that are kept for the time after the crowd.
_RECOVERY_SCANS = 100
_RECOVERY_S = 5.0
_TIMES_IDLE = 4.0
_TIMEOUT_S = 15.0
_HEAD = (
    b"POST /identify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
    b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
)
_FORM = {"Content-Type": "multipart/form-data; boundary=b"}
_PART = b'--b\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n\r\n'
_END = b"\r\n--b--\r\n"


@dataclass(slots=True)
class Crowd:
    """What all clients were told."""

    statuses: Counter[str] = field(default_factory=Counter)
    admitted_s: list[float] = field(default_factory=list)
    worked_on_ms: list[float] = field(default_factory=list)
    lag_s: list[float] = field(default_factory=list)
    without_retry_after: int = 0
    anonymous_mb: list[float] = field(default_factory=list)
    refused_without_body: int = 0


def overloaded(ground: Ground, dose: Dose) -> Outcome:
    """Clients obey Retry-After; memory and recovery are watched."""
    outcome = Outcome()
    pictures = ground.pictures(_IDLE_SCANS + CROPS_KEPT + CLIENTS + _RECOVERY_SCANS, seed=3)
    with serving(ground.copy("overload"), {"MEMORY_LIMIT_MB": str(MEMORY_LIMIT_MB)}) as served:
        asyncio.run(_crowd(served, pictures, dose, outcome))
        faults = served.faults_in_log()
    outcome.promise("the log tells of no fault of ours", not faults, faults[:5] or "none")
    return outcome


async def _crowd(served: Served, pictures: list[bytes], dose: Dose, outcome: Outcome) -> None:
    # Opened anew after the wait that Retry-After asks for: the server may be closing an idle one just then.
    limits = httpx.Limits(max_connections=CLIENTS + 10, keepalive_expiry=1.0)
    async with httpx.AsyncClient(
        base_url=served.url, timeout=_TIMEOUT_S, trust_env=False, limits=limits
    ) as client:
        idle_s = [await _timed(client, pictures[turn]) for turn in range(_IDLE_SCANS)]
        crowd = Crowd()
        ends = time.monotonic() + dose.seconds
        watching = asyncio.create_task(_watch(served, crowd))
        # Encoded once: what the crowd itself computes is taken from the service's cores.
        # In turn, each until it is admitted: before one comes again, more were than are remembered.
        bodies = itertools.cycle(_PART + one + _END for one in pictures[_IDLE_SCANS:-_RECOVERY_SCANS])
        await asyncio.gather(*(_send_until(ends, client, bodies, crowd) for _ in range(CLIENTS)))
        watching.cancel()
        recovered_s = await _recover(client, pictures[-_RECOVERY_SCANS:], float(np.percentile(idle_s, 95)))
    _hold_against(outcome, crowd, float(np.percentile(idle_s[5:], 95)), recovered_s)


async def _timed(client: httpx.AsyncClient, picture: bytes) -> float:
    started = time.perf_counter()
    (await client.post("/identify", files={"image": ("p.jpg", picture)})).raise_for_status()
    return time.perf_counter() - started


async def _send_until(ends: float, client: httpx.AsyncClient, bodies: Iterator[bytes], crowd: Crowd) -> None:
    body = next(bodies)
    while time.monotonic() < ends:
        started = time.perf_counter()
        try:
            reply = await client.post("/identify", content=body, headers=_FORM)
        except httpx.TransportError as error:
            crowd.statuses[type(error).__name__] += 1
            await asyncio.sleep(1.0)
            continue
        crowd.statuses[str(reply.status_code)] += 1
        if reply.status_code == httpx.codes.OK:
            crowd.admitted_s.append(time.perf_counter() - started)
            crowd.worked_on_ms.append(reply.json()["timings_ms"]["total"])
            body = next(bodies)
        elif reply.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            crowd.without_retry_after += "Retry-After" not in reply.headers
            # Exactly as long as asked for: whether all come back in step is for the service to say.
            await asyncio.sleep(float(reply.headers.get("Retry-After", "1")))


async def _watch(served: Served, crowd: Crowd) -> None:
    """Reads the memory, and sees whether heads without a body are refused."""
    while True:
        crowd.anonymous_mb.append(served.anonymous_mb())
        crowd.refused_without_body += await _is_refused_without_body(served.port)
        before = time.perf_counter()
        await asyncio.sleep(0.3)
        crowd.lag_s.append(time.perf_counter() - before - 0.3)


async def _is_refused_without_body(port: int) -> bool:
    """Sends a head alone; a refusal that comes did not wait for the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_HEAD)
        async with asyncio.timeout(0.7):
            return b" 503 " in await reader.readline()
    except (TimeoutError, OSError):
        return False  # a place was free just then, and the body is waited for
    finally:
        writer.transport.abort()


async def _recover(client: httpx.AsyncClient, pictures: list[bytes], idle_p95_s: float) -> float:
    """Seconds after the crowd has gone until three scans in a row take no more than twice the idle p95."""
    started = time.perf_counter()
    in_a_row = turn = 0
    while in_a_row < 3 and time.perf_counter() - started < 10 * _RECOVERY_S:
        turn += 1
        before = time.perf_counter()
        reply = await client.post("/identify", files={"image": ("p.jpg", pictures[turn % len(pictures)])})
        quick = time.perf_counter() - before <= 2 * idle_p95_s
        in_a_row = in_a_row + 1 if quick and reply.status_code == httpx.codes.OK else 0
    return time.perf_counter() - started


def _hold_against(outcome: Outcome, crowd: Crowd, idle_p95_s: float, recovered_s: float) -> None:
    admitted_p95_s = float(np.percentile(crowd.admitted_s, 95)) if crowd.admitted_s else float("inf")
    most_mb = max(crowd.anonymous_mb, default=0.0)
    outcome.measured(
        clients=CLIENTS,
        answers=dict(crowd.statuses),
        idle_p95_ms=round(1000 * idle_p95_s),
        admitted_p50_ms=round(1000 * float(np.median(crowd.admitted_s or [0.0]))),
        admitted_p95_ms=round(1000 * admitted_p95_s),
        admitted_worked_on_p95_ms=round(float(np.percentile(crowd.worked_on_ms or [0.0], 95))),
        crowd_late_p95_ms=round(1000 * float(np.percentile(crowd.lag_s, 95))),
        anonymous_mb_most=round(most_mb),
        heads_refused_without_body=crowd.refused_without_body,
        recovered_s=round(recovered_s, 2),
    )
    others = {status: count for status, count in crowd.statuses.items() if status not in ("200", "503")}
    outcome.promise("only 200 and 503", not others, others or dict(crowd.statuses))
    outcome.promise(
        "every 503 has Retry-After", crowd.without_retry_after == 0, f"{crowd.without_retry_after} without"
    )
    outcome.promise(
        "refused before the body is read", crowd.refused_without_body > 0, crowd.refused_without_body
    )
    outcome.promise(
        f"anonymous memory under {MEMORY_LIMIT_MB} MB", 0 < most_mb < MEMORY_LIMIT_MB, f"{most_mb:.0f} MB"
    )
    times = admitted_p95_s / idle_p95_s
    outcome.promise("p95 within four times the idle one", times <= _TIMES_IDLE, f"{times:.1f} times")
    outcome.promise(f"recovered in {_RECOVERY_S:.0f} s", recovered_s <= _RECOVERY_S, f"{recovered_s:.2f} s")
