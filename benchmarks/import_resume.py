"""Imports galleries twice, once killed half-way: ``python -m benchmarks.import_resume CSV... --images DIR``.

One database is filled in one go; the other by an import that SIGKILL ends half-way, and a second run. Both
must hold the same cards, reference pictures and templates, to the last bit of every embedding.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from app.db.connect import running_server
from benchmarks.galleries import benchmark_settings
from benchmarks.results import write_result

CONTENT = """
SELECT t.card_id, r.source_sha256, t.source, t.view_index, t.embedding::text AS embedding,
       t.encoded::text AS encoded
FROM templates t JOIN reference_images r ON r.id = t.reference_image_id
ORDER BY t.card_id, r.source_sha256, t.view_index
"""
COUNTS = (
    "SELECT (SELECT count(*) FROM cards) AS cards, (SELECT count(*) FROM reference_images) AS images, "
    "(SELECT count(*) FROM templates) AS templates"
)
POLL_S = 0.5


async def contents(data_dir: Path) -> dict[str, object]:
    """Counts and a hash over every template of a data folder's database."""
    settings = benchmark_settings(data_dir.parent, data_dir=data_dir)
    async with running_server(settings) as dsn:
        connection = await asyncpg.connect(dsn)
        try:
            digest = hashlib.sha256()
            for row in await connection.fetch(CONTENT):
                digest.update(repr(tuple(row)).encode())
            counts = await connection.fetchrow(COUNTS)
        finally:
            await connection.close()
    return {**dict(counts), "templates_sha256": digest.hexdigest()}


async def count_templates(data_dir: Path) -> int:
    """Templates so far, read beside a running import."""
    async with running_server(benchmark_settings(data_dir.parent, data_dir=data_dir)) as dsn:
        connection = await asyncpg.connect(dsn)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM templates"))
        except asyncpg.UndefinedTableError:
            return 0
        finally:
            await connection.close()


def start_import(manifest: Path, images: Path, data_dir: Path) -> subprocess.Popen[bytes]:
    """``binderlens gallery import`` in a process of its own."""
    environment = {**os.environ, "DATA_DIR": str(data_dir), "DATABASE_URL": "", "LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "app", "gallery", "import", str(manifest), "--images", str(images)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own command


def import_all(manifests: Sequence[Path], images: Path, data_dir: Path) -> float:
    """Imports every manifest; returns seconds."""
    started = time.perf_counter()
    for manifest in manifests:
        if start_import(manifest, images, data_dir).wait() != 0:
            raise RuntimeError(f"the import of {manifest} failed")
    return time.perf_counter() - started


def kill_half_way(manifest: Path, images: Path, data_dir: Path, templates: int) -> int:
    """Starts an import and kills it once it has written about half; returns how many were there."""
    process = start_import(manifest, images, data_dir)
    while (done := asyncio.run(count_templates(data_dir))) < templates // 2:
        if process.poll() is not None:
            raise RuntimeError("the import ended before it could be killed")
        time.sleep(POLL_S)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return done


def main() -> None:
    """Imports, kills, imports again, compares; exits with 1 where the two differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifests", type=Path, nargs="+")
    parser.add_argument("--images", type=Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        whole, broken = Path(scratch) / "whole" / "data", Path(scratch) / "broken" / "data"
        seconds = import_all(arguments.manifests, arguments.images, whole)
        expected = asyncio.run(contents(whole))
        first_manifest = max(arguments.manifests, key=lambda path: path.stat().st_size)
        share = len(first_manifest.read_text().splitlines()) - 1
        killed_at = kill_half_way(first_manifest, arguments.images, broken, 3 * share)
        import_all(arguments.manifests, arguments.images, broken)
        resumed = asyncio.run(contents(broken))
    rate = int(str(expected["images"])) / seconds
    print(f"one go: {seconds:.0f} s, {rate:.1f} images a second; {expected}")
    print(f"killed at {killed_at} templates and run again: {resumed}")
    same = expected == resumed
    figures = {"seconds": seconds, "images_a_second": rate, "killed_at_templates": killed_at}
    write_result("import_resume", {**figures, "one_go": expected, "resumed": resumed, "same": same})
    if not same:
        raise SystemExit("DIFFERENT: the resumed import does not hold what the one in one go does")
    print("same result")


if __name__ == "__main__":
    main()
