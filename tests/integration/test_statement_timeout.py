"""What a slow database does to a scan, provoked for real: a lock on the templates and a short time limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.main import open_runtime
from app.synthesis.scenes import Scene
from tests.database import TestServer
from tests.openapi import Contract
from tests.service import as_upload, client_of, offline_settings

STATEMENT_TIMEOUT_MS = 700
LONGEST_WAIT_S = 30.0


@pytest.fixture
async def impatient_client(gallery_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A service whose statements are cut off soon."""
    settings = offline_settings(gallery_url, tmp_path, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    async with open_runtime(settings) as runtime, client_of(runtime) as client:
        yield client


@asynccontextmanager
async def locked(table: str, dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Nobody can read that table inside; yields a second connection, to watch those who try."""
    holder, watcher = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        async with holder.transaction():
            await holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield watcher
    finally:
        await holder.close()
        await watcher.close()


async def waiting_statements(watcher: asyncpg.Connection) -> set[str]:
    """Start times of the statements that wait for the lock, one for each of them."""
    rows = await watcher.fetch(
        "SELECT query_start FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND application_name = 'binderlens' AND datname = current_database()"
    )
    return {str(row["query_start"]) for row in rows}


async def wait_for_second_search(watcher: asyncpg.Connection) -> None:
    """Returns while the retry waits for the lock."""
    seen: set[str] = set()
    async with asyncio.timeout(LONGEST_WAIT_S):
        while len(seen) < 2:
            seen |= await waiting_statements(watcher)
            await asyncio.sleep(0.01)


async def test_a_search_that_is_cut_off_is_retried_with_fewer_templates(
    impatient_client: httpx.AsyncClient, gallery_url: str, page: Scene, contract: Contract
) -> None:
    async with locked("templates", gallery_url) as watcher:
        scan = asyncio.create_task(impatient_client.post("/identify", files=as_upload(page.image)))
        await wait_for_second_search(watcher)
    reply = await scan
    contract.check("identify", reply)
    assert reply.status_code == 200
    for card in reply.json()["cards"]:
        assert card["degraded"] == ["topk_reduced"]
        assert card["candidates"]


async def test_a_retry_that_is_cut_off_too_leaves_the_cards_unknown_and_says_why(
    impatient_client: httpx.AsyncClient, gallery_url: str, page: Scene, contract: Contract
) -> None:
    async with locked("templates", gallery_url):
        reply = await impatient_client.post("/identify", files=as_upload(page.image))
    contract.check("identify", reply)
    assert reply.status_code == 200
    cards = reply.json()["cards"]
    assert len(cards) == 9
    for card in cards:
        assert (card["status"], card["card"]) == ("unknown", None)
        assert "search_timeout" in card["degraded"]
    afterwards = await impatient_client.post("/identify", files=as_upload(page.image))
    assert {tuple(card["degraded"]) for card in afterwards.json()["cards"]} == {()}


@pytest.mark.parametrize("statement_timeout_ms", [2, 5])
async def test_a_limit_of_milliseconds_degrades_cards_but_never_refuses_a_scan(
    statement_timeout_ms: int, gallery_url: str, page: Scene, tmp_path: Path, contract: Contract
) -> None:
    settings = offline_settings(gallery_url, tmp_path, statement_timeout_ms=statement_timeout_ms)
    async with open_runtime(settings) as runtime, client_of(runtime) as client:
        async with locked("templates", gallery_url):
            reply = await client.post("/identify", files=as_upload(page.image))
        contract.check("identify", reply)
        assert reply.status_code == 200, reply.text
        assert all("search_timeout" in card["degraded"] for card in reply.json()["cards"])
    connection = await asyncpg.connect(gallery_url)
    assert await connection.fetchval("SELECT id FROM scans") == UUID(reply.json()["scan_id"])
    await connection.close()


async def test_a_finished_answer_waits_for_a_lock_on_the_scans_instead_of_becoming_an_error(
    impatient_client: httpx.AsyncClient, gallery_url: str, page: Scene, contract: Contract
) -> None:
    async with locked("scans", gallery_url) as watcher:
        scan = asyncio.create_task(impatient_client.post("/identify", files=as_upload(page.image)))
        async with asyncio.timeout(LONGEST_WAIT_S):
            while not await waiting_statements(watcher):
                await asyncio.sleep(0.01)
        await asyncio.sleep(2 * STATEMENT_TIMEOUT_MS / 1000)
    reply = await scan
    contract.check("identify", reply)
    assert reply.status_code == 200, reply.text
    assert (await impatient_client.get(f"/scans/{reply.json()['scan_id']}")).status_code == 200


async def test_a_database_that_is_gone_is_503_and_the_process_stays_up(
    impatient_client: httpx.AsyncClient,
    gallery_url: str,
    page: Scene,
    contract: Contract,
    database_server: TestServer,
) -> None:
    await database_server.drop(gallery_url)
    reply = await impatient_client.post("/identify", files=as_upload(page.image))
    contract.check("identify", reply)
    assert (reply.status_code, reply.json()["code"]) == (503, "database_unavailable")
    assert int(reply.headers["Retry-After"]) > 0
    assert (await impatient_client.get("/health")).status_code == 200
    assert (await impatient_client.get("/ready")).status_code == 503
