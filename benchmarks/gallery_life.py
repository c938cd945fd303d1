"""Another encoder and a backup while the service works: ``python -m benchmarks.gallery_life``.

``binderlens serve`` runs in a process of its own; a client sends it pages at a steady pace and corrects some
of them first, so that there are learnt templates. Meanwhile ``gallery backup`` and ``gallery re-embed`` run
as their users run them. Then the backup is restored into an empty data folder and compared row by row, and
the service is started with the other encoder, and waited until all that was learnt has come along. That
encoder is the compact one with slightly other weights, as its next version would be.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from app.db.connect import open_database
from app.domain.calibration_file import CALIBRATION_FILE
from app.settings import PROJECT_ROOT
from benchmarks.galleries import benchmark_settings
from benchmarks.learning.latency import Timed, correct, different, fill, keep_scanning, known_cards, scan
from benchmarks.learning.photos import Page
from benchmarks.results import quantiles, write_result
from benchmarks.served_encoder import COMPACT
from benchmarks.service import running_service

#: The encoder that comes beside the served one.
_OTHER = "compact-next"
#: Of the weights' own standard deviation; answers stay nearly the same.
_OTHER_BY = 0.02
_ALONE_S = 20.0
_LOOK_EVERY_S = 0.2
_COME_ALONG_S = 90.0
_COUNTS = """
SELECT count(*) AS templates, count(t.correction_id) AS learnt,
       md5(string_agg(concat_ws(' ', t.card_id, t.view_index, t.source, t.correction_id, t.embedding), ','
                      ORDER BY t.card_id, t.source, t.view_index, t.correction_id)) AS content
FROM templates t JOIN galleries g ON g.id = t.gallery_id
WHERE g.encoder_name = $1 AND g.current
"""


def write_next_version(present: Path, folder: Path) -> None:
    """Writes an encoder whose weights differ a little from those of another one."""
    import torch
    from safetensors.torch import load_file

    from app.inference.export import EncoderDescription, write_encoder
    from app.inference.manifest import read_manifest, read_model_config

    manifest = read_manifest(present)
    noise = torch.Generator().manual_seed(0)
    state = {}
    for name, tensor in load_file(present / manifest.weights.file).items():
        spread = tensor.float().std(correction=0) * torch.randn(tensor.shape, generator=noise)
        state[name] = tensor.float() + _OTHER_BY * spread if tensor.is_floating_point() else tensor
    description = EncoderDescription(
        folder.name,
        manifest.architecture,
        manifest.checkpoint,
        manifest.preprocessing,
        manifest.licence,
        "compact, and noise",
        needs_fp32=manifest.needs_fp32,
        whitening_exponent=manifest.whitening_exponent,
    )
    config = read_model_config(present)
    write_encoder(folder, description, config, state, manifest.weights.precision, graph=True)
    shutil.copy(present / CALIBRATION_FILE, folder / CALIBRATION_FILE)


async def _state(data_dir: Path, encoder: str) -> dict[str, object]:
    """Templates that are searched with that encoder, and what is in them."""
    settings = benchmark_settings(data_dir.parent, data_dir=data_dir)
    async with open_database(settings) as database, database.connection() as connection:
        row = await connection.fetchrow(_COUNTS, encoder)
    assert row is not None
    return dict(row)


class Command:
    """``binderlens gallery ...`` on a data folder, with the service's environment."""

    def __init__(self, data_dir: Path, models: Path) -> None:
        self._data_dir = data_dir
        self._environment = {
            **os.environ,
            "DATA_DIR": str(data_dir),
            "MODELS_DIR": str(models),
            "DATABASE_URL": "",
            "LOG_LEVEL": "warning",
        }

    async def __call__(self, *arguments: str) -> float:
        """Seconds that it took.

        Raises:
            RuntimeError: it did not end well.
        """
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "gallery", *arguments),
            env=self._environment,
            cwd=self._data_dir,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"gallery {' '.join(arguments)}: {said.decode()[-500:]}")
        return time.perf_counter() - started


@asynccontextmanager
async def _scanning(client: httpx.AsyncClient, pictures: Iterator[bytes]) -> AsyncIterator[list[float]]:
    """Milliseconds of scans meanwhile; one that is answered by an error is raised here."""
    times_ms: list[float] = []
    until = asyncio.Event()
    task = asyncio.create_task(keep_scanning(client, pictures, times_ms, until))
    yield times_ms
    until.set()
    await task


async def _learn(client: httpx.AsyncClient, pages: Sequence[Page], corrections: int) -> dict[str, int]:
    timed = Timed()
    cards = [
        (page, *one)
        for page in pages[: corrections // 6 + 1]
        for one in known_cards(page, await scan(client, page.jpeg))
    ]
    for page, detection, card_id in cards[:corrections]:
        await correct(client, page, detection, card_id, timed)
    return timed.standing


async def _templates_of_other(data_dir: Path, until: asyncio.Event) -> set[int]:
    """How many templates of the other encoder could be searched, at each look."""
    settings = benchmark_settings(data_dir.parent, data_dir=data_dir)
    seen: set[int] = set()
    async with open_database(settings) as database:
        while not until.is_set():
            async with database.connection() as connection:
                row = await connection.fetchrow(_COUNTS, _OTHER)
                assert row is not None
                seen.add(row["templates"])
            await asyncio.sleep(_LOOK_EVERY_S)
    return seen


async def work_beside(
    url: str, command: Command, data_dir: Path, pages: Sequence[Page], corrections: int
) -> dict[str, object]:
    """Learns, then makes a backup and another encoder's gallery while scans go on."""
    async with httpx.AsyncClient(base_url=url, timeout=60.0, trust_env=False) as client:
        learnt = await _learn(client, pages, corrections)
        pictures = different(pages)
        async with _scanning(client, pictures) as alone_ms:
            await asyncio.sleep(_ALONE_S)
        async with _scanning(client, pictures) as backup_ms:
            backup_s = await command("backup", str(data_dir / "cards.backup"))
        until = asyncio.Event()
        looking = asyncio.create_task(_templates_of_other(data_dir, until))
        async with _scanning(client, pictures) as embedding_ms:
            re_embed_s = await command("re-embed", "--encoder", _OTHER)
        until.set()
        return {
            "corrections": learnt,
            "backup_s": backup_s,
            "backup_mb": (data_dir / "cards.backup").stat().st_size / 1e6,
            "re_embed_s": re_embed_s,
            "templates_of_other_meanwhile": sorted(await looking),
            "scans_alone_ms": _times(alone_ms),
            "scans_beside_backup_ms": _times(backup_ms),
            "scans_beside_re_embed_ms": _times(embedding_ms),
        }


def _times(times_ms: Sequence[float]) -> dict[str, float]:
    return {"scans": len(times_ms), **quantiles(times_ms)} if times_ms else {"scans": 0}


async def restored(
    backup: Path, data_dir: Path, models: Path, expected: Mapping[str, object]
) -> dict[str, object]:
    """The backup in an empty data folder, beside what it was made of."""
    data_dir.mkdir()  # noqa: ASYNC240 - nothing else runs
    seconds = await Command(data_dir, models)("restore", str(backup))
    return {"restore_s": seconds, "same_after_restore": await _state(data_dir, COMPACT.folder) == expected}


def measure(work: Path, cards: int, corrections: int, seed: int) -> dict[str, object]:
    """All of it."""
    models, data_dir = work / "models", work / "data"
    models.mkdir()
    for name in (COMPACT.folder, "finder"):
        (models / name).symlink_to(PROJECT_ROOT / "models" / name)
    write_next_version(models / COMPACT.folder, models / _OTHER)
    pages = asyncio.run(fill(work, cards, seed))
    environment = {"MODELS_DIR": str(models), "LEARNING": "true"}
    with running_service(data_dir, environment) as service:
        url = str(service.client.base_url)
        command = Command(data_dir, models)
        figures = asyncio.run(work_beside(url, command, data_dir, pages, corrections))
    before = asyncio.run(_state(data_dir, COMPACT.folder))
    figures |= {"templates": before["templates"], "learnt": before["learnt"]}
    figures |= asyncio.run(restored(data_dir / "cards.backup", work / "restored", models, before))
    with running_service(data_dir, {**environment, "ENCODER": _OTHER}) as service:
        reply = service.client.post("/identify", files={"image": ("page.jpg", pages[0].jpeg, "image/jpeg")})
        figures["served_by_other"] = reply.raise_for_status().json()["encoder"]["name"]
        figures["ready_with_other_s"] = service.ready_s
        figures |= asyncio.run(_come_along(data_dir, before["learnt"]))
    return figures


async def _come_along(data_dir: Path, learnt: object) -> dict[str, object]:
    """Waits until learning has taken all crops into the other gallery."""
    started = time.perf_counter()
    while True:
        state, seconds = await _state(data_dir, _OTHER), time.perf_counter() - started
        if state["learnt"] == learnt or seconds > _COME_ALONG_S:
            return {
                "templates_of_other": state["templates"],
                "learnt_of_other": state["learnt"],
                "all_there_after_s": seconds,
            }
        await asyncio.sleep(1.0)


def main() -> None:
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=300)
    parser.add_argument("--corrections", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7501)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure(Path(scratch), options.cards, options.corrections, options.seed)
    for name, value in figures.items():
        print(f"{name}: {value}")
    write_result("gallery_life", {"cards": options.cards, **figures})


if __name__ == "__main__":
    main()
