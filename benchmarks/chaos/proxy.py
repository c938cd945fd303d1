"""A TCP proxy in front of the database that cuts connections in the middle of a reply, or falls silent."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

from app.db.embedded import EmbeddedPostgres
from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import Served
from benchmarks.chaos.visitors import Answers, hold_against, visitors
from benchmarks.service import free_port

_CHUNK_BYTES = 4096
#: Bytes of replies that a connection lets through before it fails: a session alone takes some thousands.
_BUDGET_BYTES = (8_000, 200_000)
#: One in so many connections does not end but says nothing more, as behind a firewall that forgot it.
_SILENT_ONE_IN = 6


class CuttingProxy:
    """Passes connections on to a Unix socket, and fails each after so many bytes of replies.

    Args:
        socket_path: Of the database.
        seed: Of the moments.
    """

    def __init__(self, socket_path: Path, seed: int) -> None:
        self._socket_path = socket_path
        self._rng = random.Random(seed)  # noqa: S311 - moments, not secrets
        self.port = free_port()
        self.cutting = False
        self.failures: Counter[str] = Counter()

    async def serve(self) -> asyncio.Server:
        """Listens on its port."""
        return await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_unix_connection(str(self._socket_path))
        except OSError:
            writer.transport.abort()
            return
        tasks = {
            asyncio.create_task(_copy(reader, upstream[1])),
            asyncio.create_task(self._copy_and_cut(upstream[0], writer)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            upstream[1].transport.abort()
            writer.transport.abort()

    async def _copy_and_cut(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left_bytes = self._rng.randint(*_BUDGET_BYTES)
        while chunk := await reader.read(_CHUNK_BYTES):
            if self.cutting and left_bytes < len(chunk):
                writer.write(chunk[: len(chunk) // 2])
                await writer.drain()
                if self._rng.randrange(_SILENT_ONE_IN) == 0:
                    self.failures["fell silent"] += 1
                    await asyncio.sleep(3600)
                self.failures["cut"] += 1
                return
            left_bytes -= len(chunk) if self.cutting else 0
            writer.write(chunk)
            await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()


def cut_connections(ground: Ground, dose: Dose) -> Outcome:
    """The service reaches its database through the proxy alone."""
    outcome = Outcome()
    data_dir = ground.copy("proxy")
    database = EmbeddedPostgres(data_dir)
    database.start()
    try:
        asyncio.run(_serve_through_proxy(ground, data_dir, dose, outcome))
    finally:
        database.stop()
    return outcome


async def _serve_through_proxy(ground: Ground, data_dir: Path, dose: Dose, outcome: Outcome) -> None:
    proxy = CuttingProxy(data_dir / "postgres" / ".s.PGSQL.5432", dose.times)
    async with await proxy.serve():
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres"
        served = Served(data_dir, {"DATABASE_URL": url})
        served.start()
        try:
            await asyncio.to_thread(served.wait_until_ready)
            answers = await _visit_while_cutting(served, ground, proxy, dose)
            ready_s = await asyncio.to_thread(served.seconds_to_ready)
            # In a thread: the answers come through the proxy, which lives on this loop.
            await asyncio.to_thread(hold_against, outcome, answers, served)
        finally:
            await asyncio.to_thread(served.stop)
    outcome.measured(connections_failed=dict(proxy.failures), ready_again_s=ready_s)
    outcome.promise("connections were cut in mid-reply", proxy.failures["cut"] > 0, proxy.failures["cut"])
    outcome.promise("ready once nothing is cut any more", ready_s is not None, f"after {ready_s} s")


async def _visit_while_cutting(served: Served, ground: Ground, proxy: CuttingProxy, dose: Dose) -> Answers:
    async with visitors(served.url, 4, ground.pictures(48), ground.card_ids) as answers:
        proxy.cutting = True
        await asyncio.sleep(dose.seconds)
        proxy.cutting = False
        await asyncio.sleep(1.0)
    return answers
