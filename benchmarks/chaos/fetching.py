"""Cards are fetched from a server that misbehaves, and the gallery is held against that of a good one."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import cv2

from app.db.connect import open_database
from app.synthesis.cards import draw_card
from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.tcgdex_site import Damage, LocalTcgdex, serve_tcgdex
from benchmarks.galleries import benchmark_settings, invented_cards

#: Of the requests that meet a fault. Most of them meet one, the rest two in a row.
_FAULTY = 0.3
_TWICE = 0.3
_SETS = 5
_CARD_HEIGHT_PX = 352
_MOST_RUNS = 8
#: All that a search depends on, and all that is shown.
_GALLERY = """
    SELECT c.card_id, c.name, c.set_id, c.set_name, c.number, c.rarity, c.language, c.game, t.source,
           r.source_sha256, t.view_index, t.embedding::text AS embedding
    FROM cards c JOIN templates t USING (card_id) JOIN reference_images r ON r.id = t.reference_image_id
    ORDER BY c.card_id, r.source_sha256, t.view_index
"""


def fetched(ground: Ground, dose: Dose) -> Outcome:
    """The same cards from a good server and from a bad one, each fetched and imported by the command."""
    outcome = Outcome()
    with serve_tcgdex() as site:
        _fill(site, dose.times)
        good, good_runs, _ = _fetch(site, ground.work / "good-server", dose)
        faults = _misbehave(site, random.Random(dose.times))  # noqa: S311 - faults, not secrets
        site.asked.clear()
        bad, bad_runs, seconds = _fetch(site, ground.work / "bad-server", dose)
        asked = len(site.asked)
    outcome.measured(
        cards=dose.times, faults=dict(faults), runs=bad_runs, seconds=round(seconds, 1), requests=asked
    )
    outcome.promise(
        "the good server's cards are all there", len({row[0] for row in good}) == dose.times, good_runs
    )
    outcome.promise("a command that is run again ends well", 0 < bad_runs <= _MOST_RUNS, f"{bad_runs} runs")
    outcome.promise(
        "the gallery is that of the good server", bad == good, f"{len(bad)} templates of {len(good)}"
    )
    return outcome


def _fill(site: LocalTcgdex, cards: int) -> None:
    pictures: dict[str, dict[str, bytes | None]] = {}
    for number, card in enumerate(invented_cards(cards)[:cards]):
        drawn = cv2.cvtColor(draw_card(card, _CARD_HEIGHT_PX), cv2.COLOR_RGB2BGR)
        done, data = cv2.imencode(".webp", drawn, [cv2.IMWRITE_WEBP_QUALITY, 80])
        assert done
        pictures.setdefault(f"set{number % _SETS}", {})[str(number)] = data.tobytes()
    for set_id, some in pictures.items():
        site.add_set(set_id, some)


def _misbehave(site: LocalTcgdex, rng: random.Random) -> Counter[str]:
    """Plans what goes wrong, path by path; how often each was planned."""
    refusals: tuple[tuple[int, dict[str, str]], ...] = (
        (429, {"Retry-After": "1"}),
        (429, {}),
        (500, {}),
        (503, {}),
    )
    planned: Counter[str] = Counter()
    for path in sorted(site.replies):
        if rng.random() >= _FAULTY:
            continue
        for _ in range(1 + (rng.random() < _TWICE)):
            fault = rng.choice((*refusals, *Damage))
            if isinstance(fault, Damage):
                site.damages.setdefault(path, []).append(fault)
                planned[fault.value] += 1
            else:
                site.refusals.setdefault(path, []).append(fault)
                planned[str(fault[0])] += 1
    return planned


def _fetch(site: LocalTcgdex, work: Path, dose: Dose) -> tuple[list[tuple[object, ...]], int, float]:
    """Runs the command until it ends well; the gallery, how many runs it took, and the seconds of all.

    A picture that came as something else is told of, and fetched by the next run.
    """
    work.mkdir()
    settings = benchmark_settings(work)
    environment = {
        **os.environ,
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": "",
        "TCGDEX_URL": site.api,
        "NO_PROXY": "127.0.0.1",
    }
    command = [sys.executable, "-m", "app", "gallery", "fetch", "tcgdex", "--import"]
    command += ["--into", str(work / "cards")]
    began = time.monotonic()
    runs = 0
    while runs < _MOST_RUNS and time.monotonic() - began < dose.seconds:
        runs += 1
        with (work / "fetch.log").open("ab") as log:
            done = subprocess.run(command, env=environment, stdout=log, stderr=log, check=False)  # noqa: S603
        if done.returncode == 0:
            return asyncio.run(_gallery(work)), runs, time.monotonic() - began
    return [], _MOST_RUNS + 1, time.monotonic() - began


async def _gallery(work: Path) -> list[tuple[object, ...]]:
    async with open_database(benchmark_settings(work)) as database, database.connection() as connection:
        return [tuple(row) for row in await connection.fetch(_GALLERY)]
