"""The service and an import are ended by SIGKILL again and again, while scans and learning go on."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import time
from pathlib import Path

import asyncpg
import httpx

from app.db.embedded import EmbeddedPostgres
from app.synthesis.folder import write_gallery
from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import GALLERY_CARDS, MORE_CARDS, Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import Served, serving
from benchmarks.chaos.visitors import hold_against, visitors
from benchmarks.galleries import invented_cards
from benchmarks.import_resume import start_import
from benchmarks.learning.crashes import HALF_LEARNT

_WORK_S = (0.5, 3.0)
_SETTLE_S = 60.0
_PENDING = "still pending"


def killed(ground: Ground, dose: Dose) -> Outcome:
    """Visitors scan and correct, an import runs beside; now the one is killed, now the other, now both."""
    outcome = Outcome()
    more = invented_cards(GALLERY_CARDS + MORE_CARDS)[GALLERY_CARDS:]
    folder = ground.work / "more-cards"
    manifest = write_gallery(more, folder)
    data_dir = ground.copy("service-killed")
    with serving(data_dir) as served:
        asyncio.run(_kill_again_and_again(served, ground, (manifest, folder), dose, outcome))
        _finish_import(served, manifest, folder, [card.card.card_id for card in more], outcome)
        outcome.promise("nothing is half learnt", *_half_learnt(served))
    return outcome


async def _kill_again_and_again(
    served: Served, ground: Ground, more: tuple[Path, Path], dose: Dose, outcome: Outcome
) -> None:
    rng = random.Random(dose.times)  # noqa: S311 - moments, not secrets
    ends = time.monotonic() + dose.seconds
    kills = imports_killed = 0
    back_s = [0.0]
    async with visitors(served.url, 4, ground.pictures(48), ground.card_ids) as answers:
        while kills < dose.times and time.monotonic() < ends:
            importing = start_import(*more, served.data_dir) if kills % 2 == 0 else None
            await asyncio.sleep(rng.uniform(*_WORK_S))
            await asyncio.to_thread(served.kill)
            kills += 1
            if importing is not None:
                imports_killed += _kill_import(importing)
            served.start()
            back_s.append(await asyncio.to_thread(served.wait_until_ready))
        await asyncio.sleep(1.0)
    outcome.measured(kills=kills, imports_killed=imports_killed, ready_again_most_s=round(max(back_s), 2))
    outcome.promise(f"killed {dose.times} times within the time", kills == dose.times, kills)
    outcome.promise("an import was killed before its end", imports_killed > 0, imports_killed)
    await asyncio.to_thread(hold_against, outcome, answers, served)


def _kill_import(importing: subprocess.Popen[bytes]) -> bool:
    """Whether it was still running."""
    running = importing.poll() is None
    importing.send_signal(signal.SIGKILL)
    importing.wait()
    return running


def _finish_import(
    served: Served, manifest: Path, folder: Path, card_ids: list[str], outcome: Outcome
) -> None:
    """The import is run once more; then it is acknowledged, the service killed, and every card looked for."""
    status = start_import(manifest, folder, served.data_dir).wait()
    served.kill_database()
    served.kill()
    served.start()
    served.wait_until_ready()
    lost = sum(served.client.get(f"/cards/{one}").status_code != httpx.codes.OK for one in card_ids)
    outcome.promise("the import ends when it is run again", status == 0, f"exit status {status}")
    outcome.promise("no imported card is lost", lost == 0, f"{lost} of {len(card_ids)} lost")


def _half_learnt(served: Served) -> tuple[bool, str]:
    """Waits until nothing is pending, then counts what must never be seen."""
    dsn = EmbeddedPostgres(served.data_dir).dsn
    ends = time.monotonic() + _SETTLE_S
    while (found := asyncio.run(_count(dsn)))[_PENDING] and time.monotonic() < ends:
        time.sleep(0.5)
    return not any(found.values()), str({name: number for name, number in found.items() if number} or "none")


async def _count(dsn: str) -> dict[str, int]:
    connection = await asyncpg.connect(dsn)
    try:
        pending = "SELECT count(*) FROM corrections WHERE status = 'pending'"
        statements = {**HALF_LEARNT, _PENDING: pending}
        return {name: int(await connection.fetchval(text)) for name, text in statements.items()}
    finally:
        await connection.close()
