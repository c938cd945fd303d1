"""The database dies, starts again, is slow, has no connection left: what callers see, and what is left."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from app.db import postgres_files
from app.db.embedded import EmbeddedPostgres
from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import STATEMENT_TIMEOUT_MS, Served, serving
from benchmarks.chaos.visitors import Answers, hold_against, visitors

VISITORS = 4
PICTURES = 48
#: Between two faults, so that some work is under way when the next one comes.
_CALM_S = (0.5, 2.5)
_LOCKED_TABLES = ("templates", "scans", "corrections")


def killed(ground: Ground, dose: Dose) -> Outcome:
    """The postmaster is ended by SIGKILL again and again."""

    async def fault(served: Served) -> bool:
        return served.kill_database()

    return _broken_again_and_again(ground, dose, "database-killed", fault)


def restarted(ground: Ground, dose: Dose) -> Outcome:
    """The database is restarted in good order, which cuts every session."""

    async def fault(served: Served) -> bool:
        cluster = served.data_dir / "postgres"
        account = postgres_files.account_for(cluster)
        arguments = ("pg_ctl", "restart", "--wait", "--mode", "fast", "--silent", "--pgdata", str(cluster))
        log = ("--log", str(cluster / "server.log"))
        code, _ = await asyncio.to_thread(
            postgres_files.run_tool, *arguments, *log, account=account, timeout_s=60
        )
        return code == 0

    return _broken_again_and_again(ground, dose, "database-restarted", fault)


def _broken_again_and_again(
    ground: Ground, dose: Dose, name: str, fault: Callable[[Served], Awaitable[bool]]
) -> Outcome:
    outcome = Outcome()
    with serving(ground.copy(name)) as served:
        asyncio.run(_break(served, ground, dose, fault, outcome))
    return outcome


async def _break(
    served: Served, ground: Ground, dose: Dose, fault: Callable[[Served], Awaitable[bool]], outcome: Outcome
) -> None:
    rng = random.Random(dose.times)  # noqa: S311 - moments, not secrets
    back_s: list[float] = []
    never_back = struck = 0
    ends = time.monotonic() + dose.seconds
    async with visitors(served.url, VISITORS, ground.pictures(PICTURES), ground.card_ids) as answers:
        while struck < dose.times and time.monotonic() < ends:
            await asyncio.sleep(rng.uniform(*_CALM_S))
            struck += await fault(served)
            await asyncio.sleep(0.2)  # it must have been missed before its return counts
            seconds = await asyncio.to_thread(served.seconds_to_ready)
            never_back += seconds is None
            back_s += [] if seconds is None else [seconds]
        await asyncio.sleep(1.0)
    await asyncio.to_thread(served.seconds_to_ready)
    outcome.measured(faults=struck, ready_again_most_s=round(max(back_s, default=0.0), 2))
    outcome.promise(f"struck {dose.times} times within the time", struck == dose.times, struck)
    outcome.promise("ready again within a minute each time", never_back == 0, f"{never_back} times not")
    hold_against(outcome, answers, served)


@asynccontextmanager
async def locked(dsn: str, table: str) -> AsyncIterator[None]:
    """Nobody can read or write that table while the block runs."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


def slow(ground: Ground, dose: Dose) -> Outcome:
    """Tables are locked for longer than STATEMENT_TIMEOUT_MS, so that statements end in 57014."""
    outcome = Outcome()
    with serving(ground.copy("database-slow")) as served:
        answers = asyncio.run(_lock_in_turn(served, ground, dose, VISITORS))
        hold_against(outcome, answers, served)
        degraded = _count_degraded(served)
    outcome.measured(detections_degraded_by_a_timeout=degraded)
    outcome.promise("searches were cut off, and their scans answered with less", degraded > 0, degraded)
    return outcome


def pool_exhausted(ground: Ground, dose: Dose) -> Outcome:
    """One connection for all, more scans than that at once, and a table that is locked now and then."""
    outcome = Outcome()
    environment = {"DB_POOL_SIZE": "1", "MAX_CONCURRENT_SCANS": "8"}
    with serving(ground.copy("pool"), environment) as served:
        answers = asyncio.run(_lock_in_turn(served, ground, dose, 4 * VISITORS))
        hold_against(outcome, answers, served)
        ready = served.seconds_to_ready()
    outcome.promise("ready afterwards", ready is not None, f"after {ready} s")
    return outcome


async def _lock_in_turn(served: Served, ground: Ground, dose: Dose, count: int) -> Answers:
    dsn = EmbeddedPostgres(served.data_dir).dsn
    pictures = ground.pictures(PICTURES)
    ends = time.monotonic() + dose.seconds
    async with visitors(served.url, count, pictures, ground.card_ids) as answers:
        turn = 0
        while time.monotonic() < ends:
            await asyncio.sleep(0.5)
            async with locked(dsn, _LOCKED_TABLES[turn % len(_LOCKED_TABLES)]):
                await asyncio.sleep(2.5 * STATEMENT_TIMEOUT_MS / 1000.0)
            turn += 1
        await asyncio.sleep(1.0)
    return answers


def _count_degraded(served: Served) -> int:
    """Stored detections that say that a search was cut off."""

    async def count() -> int:
        connection = await asyncpg.connect(EmbeddedPostgres(served.data_dir).dsn)
        try:
            statement = """SELECT count(*) FROM detections
                WHERE to_jsonb(degraded) ?| array['topk_reduced', 'search_timeout']"""
            return int(await connection.fetchval(statement))
        finally:
            await connection.close()

    return asyncio.run(count())
