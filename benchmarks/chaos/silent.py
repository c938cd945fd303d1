"""Every process of the database is stopped: it takes connections, and says nothing on any of them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.chaos.database import PICTURES, VISITORS
from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import STOP_TIMEOUT_S, Served, serving
from benchmarks.chaos.visitors import Answers, hold_against, visitors

_CALM_S = 3.0
#: Longer than the deadline of a request, so that requests begin and end while nothing is said.
_SILENT_S = 15.0
#: What asks nothing of the database answers as if nothing had happened.
_PROMPT_S = 1.0


def falls_silent(ground: Ground, dose: Dose) -> Outcome:
    """Silent and awake in turn; in the end the service is told to stop while the database is silent."""
    outcome = Outcome()
    with serving(ground.copy("database-silent")) as served:
        answers = asyncio.run(_in_turn(served, ground, dose, outcome))
        hold_against(outcome, answers, served)
        with _stopped(served.postmaster()):
            started = time.monotonic()
            served.process.send_signal(signal.SIGTERM)
            status = served.process.wait(STOP_TIMEOUT_S)
            seconds = time.monotonic() - started
        outcome.promise(
            "the service ends, and says that it did not end well", status == 1, f"{seconds:.0f} s"
        )
    return outcome


async def _in_turn(served: Served, ground: Ground, dose: Dose, outcome: Outcome) -> Answers:
    ends = time.monotonic() + dose.seconds
    prompt_s: list[float] = []
    back_s: list[float | None] = []
    pictures = ground.pictures(PICTURES)
    async with visitors(served.url, VISITORS, pictures, ground.card_ids) as answers:
        while len(back_s) < dose.times and time.monotonic() < ends:
            await asyncio.sleep(_CALM_S)
            with _stopped(served.postmaster()):
                silent_until = time.monotonic() + _SILENT_S
                while time.monotonic() < silent_until:
                    prompt_s.append(await asyncio.to_thread(_seconds_of_health, served))
                    await asyncio.sleep(1.0)
            back_s.append(await asyncio.to_thread(served.seconds_to_ready))
        await asyncio.sleep(1.0)
    awake_s = [one for one in back_s if one is not None]
    outcome.measured(
        health_most_s=round(max(prompt_s), 2), ready_again_most_s=round(max(awake_s, default=0), 2)
    )
    outcome.promise(f"silent {dose.times} times within the time", len(back_s) == dose.times, len(back_s))
    outcome.promise("ready again each time", len(awake_s) == len(back_s), f"{len(awake_s)} times")
    outcome.promise("/health answers meanwhile", max(prompt_s) < _PROMPT_S, f"{max(prompt_s):.2f} s at most")
    return answers


def _seconds_of_health(served: Served) -> float:
    started = time.perf_counter()
    served.client.get("/health").raise_for_status()
    return time.perf_counter() - started


@contextmanager
def _stopped(postmaster: int) -> Iterator[None]:
    """No process of the database does anything while the block runs."""
    family = [postmaster, *_children(postmaster)]
    try:
        _signal(family, signal.SIGSTOP)
        yield
    finally:
        _signal(family, signal.SIGCONT)


def _children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    return [int(one) for one in listed.split()]


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:  # a session that ended meanwhile
            continue
