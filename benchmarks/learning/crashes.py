"""``python -m benchmarks.learning.crashes``: learning that is killed again and again, and learning in one go.

Two copies of one database hold the same corrections. In one ``binderlens learn`` runs once; in the other it
is ended by SIGKILL at random moments, and run again each time. After every kill nothing may be half learnt,
and in the end both must hold the same decisions and the same templates.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import numpy as np
from rich.progress import track

from app.db.connect import running_server
from app.domain.correction_types import NewCorrection, Verdict
from benchmarks.galleries import benchmark_settings, open_gallery
from benchmarks.learning.__main__ import answer
from benchmarks.learning.attacks import corrections
from benchmarks.learning.photos import full_art_cards, photograph
from benchmarks.results import write_result

_STRENGTH = 0.3
#: Starting takes 1 to 2 seconds, learning from one crop a tenth of one.
_KILLED_AFTER_S = (1.0, 3.5)

#: What must never be seen, each as a count.
HALF_LEARNT = {
    "templates of corrections that are not learnt": """
        SELECT count(*) FROM templates t JOIN corrections c ON c.id = t.correction_id
        WHERE t.active AND c.status <> 'learned'""",
    "corrections said to be templates that are none": """
        SELECT count(*) FROM corrections c WHERE c.reason = 'its crop is a template of this card now'
        AND NOT EXISTS (SELECT FROM templates t WHERE t.correction_id = c.id AND t.active)""",
    "decided corrections without a study": """
        SELECT count(*) FROM corrections c WHERE c.status <> 'pending'
        AND NOT EXISTS (SELECT FROM correction_studies s WHERE s.correction_id = c.id)""",
    "templates of one correction beyond the first": """
        SELECT count(*) - count(DISTINCT correction_id) FROM templates WHERE correction_id IS NOT NULL""",
}
_STATE = {
    "corrections": "SELECT id, status, reason, unknown_group FROM corrections ORDER BY sequence",
    "templates": """SELECT correction_id, card_id, embedding::text FROM templates
        WHERE correction_id IS NOT NULL AND active ORDER BY correction_id""",
    "confusions": "SELECT * FROM confusion_pairs ORDER BY 1, 2",
}
_PROGRESS = "SELECT (SELECT count(*) FROM corrections), (SELECT count(*) FROM correction_studies)"


async def prepare(work: Path, cards: int, seed: int) -> int:
    """Fills a database with scans and corrections that nothing was learnt from; how many corrections."""
    drawn = full_art_cards(cards, seed)
    ids = [card.card.card_id for card in drawn]
    async with open_gallery(benchmark_settings(work, learning=False), drawn, work / "cards") as runtime:
        pages = photograph(drawn, seed + 2, _STRENGTH, "medium")
        _, seen = await answer(runtime, track(list(pages), "scans", transient=True), store=True)
        said = corrections(seen, ids, "lookalike", 0.3, 3, np.random.default_rng(seed))
        for one in said:
            await runtime.corrections.submit(
                NewCorrection(
                    Verdict.CARD, detection_id=one.detection_id, card_id=one.card_id, key_id=one.person
                )
            )
    return len(said)


async def ask(work: Path, statements: dict[str, str]) -> dict[str, list[tuple[object, ...]]]:
    """The rows of each statement."""
    async with running_server(benchmark_settings(work)) as dsn:
        connection = await asyncpg.connect(dsn)
        try:
            return {
                name: [tuple(row) for row in await connection.fetch(statement)]
                for name, statement in statements.items()
            }
        finally:
            await connection.close()


def start_learning(work: Path) -> subprocess.Popen[bytes]:
    """``binderlens learn`` in a process of its own."""
    environment = {**os.environ, "DATA_DIR": str(work / "data"), "DATABASE_URL": "", "LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "app", "learn"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command


def kill_again_and_again(work: Path, kills: int, rng: np.random.Generator) -> dict[str, object]:
    """Kills learning so many times; what was ever seen half learnt, and how many kills broke into it."""
    broken: dict[str, int] = {}
    fruitful, studied = 0, 0
    for _ in track(range(kills), "kills", transient=True):
        process = start_learning(work)
        time.sleep(rng.uniform(*_KILLED_AFTER_S))
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = asyncio.run(ask(work, {**HALF_LEARNT, "progress": _PROGRESS}))
        (now,) = found.pop("progress")
        fruitful += int(str(now[1])) > studied
        studied = int(str(now[1]))
        for name, rows in found.items():
            broken[name] = broken.get(name, 0) + int(str(rows[0][0]))
    return {"kills": kills, "kills_after_new_studies": fruitful, "half_learnt": broken}


def main() -> None:
    """Measures and writes the figures; exits with 1 where anything was half learnt, lost or double."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=300)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7101)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        whole, killed = Path(scratch) / "whole", Path(scratch) / "killed"
        whole.mkdir()
        said = asyncio.run(prepare(whole, options.cards, options.seed))
        # With its owner: the embedded server is not run as root.
        subprocess.run(["cp", "-a", str(whole), str(killed)], check=True)  # noqa: S603, S607 - our own folders
        start_learning(whole).wait()
        figures = kill_again_and_again(killed, options.kills, np.random.default_rng(options.seed))
        start_learning(killed).wait()
        expected, found = (asyncio.run(ask(work, _STATE)) for work in (whole, killed))
    same = expected == found
    half = sum(dict(figures["half_learnt"]).values())  # type: ignore[call-overload]
    summary = {
        **figures,
        "corrections": said,
        "same_in_the_end": same,
        "templates": len(found["templates"]),
        "lost": said - len(found["corrections"]),
    }
    print(summary)
    write_result("learning_crashes", summary)
    if not same or half or summary["lost"]:
        raise SystemExit("DIFFERENT: what was killed does not hold what was learnt in one go")


if __name__ == "__main__":
    main()
