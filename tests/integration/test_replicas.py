"""Three processes on one database: what has to be done is done once, not once by each."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.main import open_runtime
from app.settings import PROJECT_ROOT
from app.synthesis.scenes import Scene
from tests.service import FilledGallery, as_upload, client_of, offline_settings
from tests.serving import Served, is_ready, served

REPLICAS = 3
EXPIRED_SCANS = 350


async def run(dsn: str, *statements: str) -> list[asyncpg.Record]:
    """Runs statements; returns the rows of the last one."""
    connection = await asyncpg.connect(dsn)
    try:
        rows: list[asyncpg.Record] = []
        for statement in statements:
            rows = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()


async def correct_a_page(dsn: str, folder: Path, page: Scene) -> int:
    """One page and what a person says about each of its cards, before anybody learns; returns how many."""
    async with open_runtime(offline_settings(dsn, folder)) as runtime, client_of(runtime) as client:
        reply = await client.post("/identify", files=as_upload(page.image))
        for found, true in zip(reply.json()["cards"], page.cards, strict=True):
            body = {"detection_id": found["detection_id"], "verdict": "card", "card_id": true.card_id}
            assert (await client.post("/corrections", json=body)).status_code == 202
        return len(page.cards)


@pytest.fixture
def start_replicas(gallery_url: str, tmp_path: Path) -> Iterator[list[Served]]:
    with ExitStack() as stack:

        def start() -> list[Served]:
            settings = {"database_url": gallery_url, "learning": "true", "scan_retention_days": 30}
            replicas = []
            for number in range(REPLICAS):
                (tmp_path / str(number)).mkdir()
                replicas.append(stack.enter_context(served(tmp_path / str(number), **settings)))
            return replicas

        yield start


async def test_three_services_learn_each_correction_once_and_delete_each_old_scan_once(
    gallery_url: str, tmp_path: Path, page: Scene, start_replicas
) -> None:
    corrections = await correct_a_page(gallery_url, tmp_path / "first", page)
    of_its_kind = (
        "sha256, width_px, height_px, image_sha256, timings_ms, encoder_fingerprint, encoder_name, "
        "encoder_precision, encoder_dimension, key_id"
    )
    await run(
        gallery_url,
        f"INSERT INTO scans (id, created_at, {of_its_kind})"
        f" SELECT gen_random_uuid(), now() - interval '31 days', {of_its_kind}"
        f" FROM scans, generate_series(1, {EXPIRED_SCANS})",
    )
    replicas = start_replicas()
    for replica in replicas:
        replica.wait_until(is_ready)
    deadline = time.monotonic() + 90
    waiting = "SELECT count(*) FROM corrections WHERE status = 'pending'"
    expired = "SELECT count(*) FROM scans WHERE created_at < now() - interval '30 days'"
    while (await run(gallery_url, waiting))[0][0] or (await run(gallery_url, expired))[0][0]:
        assert time.monotonic() < deadline, [replica.log[-1500:] for replica in replicas]
        time.sleep(0.2)
    time.sleep(5)  # twice as long as a replica waits before it looks for more
    assert [replica.stop() for replica in replicas] == [0] * REPLICAS
    studied = [line["studied"] for replica in replicas for line in replica.events("learnt")]
    deleted = [line["deleted"] for replica in replicas for line in replica.events("scans_purged")]
    assert sum(studied) == corrections
    assert sum(deleted) == EXPIRED_SCANS
    assert (await run(gallery_url, "SELECT count(*) FROM scans"))[0][0] == 1
    learnt = await run(gallery_url, "SELECT correction_id FROM templates WHERE source = 'correction'")
    assert 0 < len(learnt) == len({row["correction_id"] for row in learnt})
    for replica in replicas:
        for event in ("learning_failed", "learning_waits", "purge_failed", "unmapped_error"):
            assert replica.events(event) == []


async def test_any_replica_answers_what_another_one_scanned(
    gallery_url: str, page: Scene, start_replicas
) -> None:
    first, second, third = start_replicas()
    for replica in (first, second, third):
        replica.wait_until(is_ready)
    files, headers = as_upload(page.image), {"Idempotency-Key": "page-1"}
    scan = httpx.post(f"{first.url}/identify", files=files, headers=headers, timeout=60)
    again = httpx.post(f"{second.url}/identify", files=files, headers=headers, timeout=60)
    read = httpx.get(f"{third.url}/scans/{scan.json()['scan_id']}", timeout=30)
    assert scan.json() == again.json() == read.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_three_imports_at_once_build_the_index_once(
    gallery_url: str, tmp_path: Path, filled_gallery: FilledGallery
) -> None:
    [index] = await run(gallery_url, "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%hnsw%'")
    await run(
        gallery_url,
        f"DROP INDEX {index['indexname']}",
        "CREATE TABLE built (command text, at timestamptz DEFAULT clock_timestamp())",
        "CREATE FUNCTION note_build() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO built (command) VALUES (current_query()); END $$",
        "CREATE EVENT TRIGGER note_build ON ddl_command_start WHEN TAG IN ('CREATE INDEX')"
        " EXECUTE FUNCTION note_build()",
    )
    imports = [
        start_import(gallery_url, tmp_path / str(number), filled_gallery) for number in range(REPLICAS)
    ]
    for one in imports:
        out, _ = one.communicate(timeout=110)
        assert one.returncode == 0, out
    built = await run(gallery_url, "SELECT command FROM built WHERE command ILIKE '%hnsw%'")
    assert len(built) == 1, built
    valid = "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = "
    assert [row[0] for row in await run(gallery_url, f"{valid} '{index['indexname']}'")] == [True]


def start_import(dsn: str, folder: Path, gallery: FilledGallery) -> subprocess.Popen[str]:
    folder.mkdir()
    command = [sys.executable, "-m", "app", "gallery", "import", gallery.manifest, "--images", gallery.folder]
    settings = {"DATABASE_URL": dsn, "DATA_DIR": str(folder), "ENCODER_THREADS": "1"}
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT_ROOT), "PATH": "/usr/bin:/bin", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
