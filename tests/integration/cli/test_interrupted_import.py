"""``gallery import`` killed half-way and run again ends where one run ends. With the bundled encoder."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import numpy as np
import pytest

from app.services.gallery_import import CARDS_A_BATCH
from app.settings import PROJECT_ROOT
from app.synthesis.catalogue import invent_catalogue
from app.synthesis.folder import write_gallery
from tests.command_line import CommandLine
from tests.database import TestServer

CATALOGUE_SEED = 5
CARD_HEIGHT_PX = 300

CARDS = "SELECT card_id, name, set_id, set_name, number, rarity, language, game FROM cards ORDER BY 1"
TEMPLATES = """
SELECT t.card_id, r.source_sha256, r.blob_sha256, t.view_index, t.source, t.active, t.embedding::text
FROM templates t LEFT JOIN reference_images r ON r.id = t.reference_image_id ORDER BY 1, 2, 4
"""
GROUPS = "SELECT array_agg(card_id ORDER BY card_id) FROM cards GROUP BY artwork_group_id ORDER BY 1"
COUNTS = """
SELECT (SELECT count(*) FROM galleries), (SELECT count(*) FROM artwork_groups), (SELECT count(*) FROM blobs),
       (SELECT count(*) FROM reference_images)
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'binderlens' AND wait_event_type = 'Lock'
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of a whole batch and a few cards more."""
    path = tmp_path_factory.mktemp("gallery")
    write_gallery(invent_catalogue(CATALOGUE_SEED, CARDS_A_BATCH + 4), path, CARD_HEIGHT_PX)
    return path


@pytest.fixture
async def second_database_url(database_server: TestServer) -> AsyncIterator[str]:
    dsn = await database_server.clone()
    yield dsn
    await database_server.drop(dsn)


@contextmanager
def importing(folder: Path, dsn: str) -> Iterator[subprocess.Popen[bytes]]:
    """An import in a process of its own."""
    values = {"DATABASE_URL": dsn, "DATA_DIR": str(folder), "ENCODER_THREADS": "1"}
    environment = {**os.environ, **values, "PYTHONPATH": str(PROJECT_ROOT)}
    args = ("gallery", "import", folder / "manifest.csv", "--images", folder)
    with subprocess.Popen([sys.executable, "-m", "app", *args], env=environment, cwd=folder) as process:
        try:
            yield process
        finally:
            process.kill()


async def kill_in_the_second_batch(folder: Path, dsn: str, late_card_id: str) -> int:
    """Kills an import inside the transaction of its second batch; returns how many cards it left.

    A transaction of the test's own holds the id of one of that batch's cards, so that the import has to wait
    for it, with its other cards written and nothing committed.
    """
    holder, watcher = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    held = holder.transaction()
    await held.start()
    await holder.execute("INSERT INTO artwork_groups DEFAULT VALUES")
    await holder.execute(
        "INSERT INTO cards (card_id, artwork_group_id, name, search_words) "
        "SELECT $1, max(id), 'held', '' FROM artwork_groups",
        late_card_id,
    )
    with importing(folder, dsn) as process:
        while not await watcher.fetchval(WAITING):
            assert process.poll() is None, "the import ended before it could be killed"
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    await held.rollback()
    await holder.close()
    left = await watcher.fetchval("SELECT count(*) FROM cards")
    await watcher.close()
    return int(left)


async def everything(dsn: str) -> dict[str, list[tuple]]:
    connection = await asyncpg.connect(dsn)
    try:
        queries = {"cards": CARDS, "templates": TEMPLATES, "groups": GROUPS, "counts": COUNTS}
        return {name: [tuple(row) for row in await connection.fetch(sql)] for name, sql in queries.items()}
    finally:
        await connection.close()


@pytest.mark.timeout(300)
def test_an_import_killed_half_way_and_run_again_ends_where_one_run_ends(
    command: CommandLine, folder: Path, database_url: str, second_database_url: str
) -> None:
    card_ids = [line.partition(",")[0] for line in (folder / "manifest.csv").read_text().splitlines()[1:]]
    late = max(card_ids[CARDS_A_BATCH:])
    left = asyncio.run(kill_in_the_second_batch(folder, database_url, late))
    assert left == CARDS_A_BATCH

    command.setenv(ENCODER_THREADS=1, DATABASE_URL=database_url)
    args = ("gallery", "import", folder / "manifest.csv", "--images", folder)
    again = command(*args)
    assert (again.status, again.err) == (0, "")
    rest = len(card_ids) - CARDS_A_BATCH
    assert again.out.startswith(
        f"{len(card_ids)} cards: {rest} added or changed, {CARDS_A_BATCH} as before; "
    )

    command.setenv(DATABASE_URL=second_database_url)
    assert command(*args).status == 0
    resumed, at_once = (asyncio.run(everything(dsn)) for dsn in (database_url, second_database_url))
    assert len(at_once["templates"]) == 3 * len(card_ids)
    for part in ("cards", "groups", "counts"):
        assert resumed[part] == at_once[part]
    assert [row[:-1] for row in resumed["templates"]] == [row[:-1] for row in at_once["templates"]]
    vectors = [
        np.array([np.fromstring(row[-1].strip("[]"), sep=",") for row in run["templates"]])
        for run in (resumed, at_once)
    ]
    assert np.abs(vectors[0] - vectors[1]).max() < 2e-3  # two steps of float16 at this size
