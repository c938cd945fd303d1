"""The program of the README, word for word, against a running service."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.domain.scan_filter import ScanFilter
from app.main import open_runtime
from app.services.runtime import Runtime
from app.settings import PROJECT_ROOT
from app.synthesis.scenes import Scene, SceneKind
from app.vision.decode import encode_jpeg
from scripts.screenshots.service import served
from tests.service import FilledGallery, offline_settings, photograph

KEYS = SecretStr("shop:identify:a-good-long-key")


@pytest.fixture
async def runtime(gallery_url: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    settings = offline_settings(gallery_url, tmp_path / "data", api_keys=KEYS, max_concurrent_scans=1)
    async with open_runtime(settings) as opened:
        yield opened


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The only Python of the README."""
    readme = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 22
    path = tmp_path / "identify_folder.py"
    path.write_text(code)
    return path


async def run(program: Path, folder: Path, url: str, key: str) -> tuple[str, str]:
    environment = {"BINDERLENS_URL": url, "BINDERLENS_KEY": key, "PATH": ""}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        program,
        folder,
        env=environment,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode(), err.decode()


async def test_the_program_of_the_readme_names_a_folder_waits_when_asked_and_gets_answers_again(
    runtime: Runtime, program: Path, page: Scene, filled_gallery: FilledGallery, tmp_path: Path
) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    small = photograph(filled_gallery.cards[20:24], SceneKind.PAGE_2X2)
    (folder / "1.jpg").write_bytes(encode_jpeg(page.image, 90))
    (folder / "2.jpg").write_bytes(b"not a picture")
    (folder / "3.jpg").write_bytes(encode_jpeg(small.image, 90))
    async with served(runtime) as url:
        async with runtime.admission.permit():  # busy at first: 503 with Retry-After
            running = asyncio.create_task(run(program, folder, url, "a-good-long-key"))
            await asyncio.sleep(1.5)
        first, told = await running
        again, _ = await run(program, folder, url, "a-good-long-key")
        _, refused = await run(program, folder, url, "another-key")
    rows = list(csv.reader(io.StringIO(first)))
    assert [row[0] for row in rows].count("1.jpg") == 9
    assert {row[0] for row in rows} == {"1.jpg", "3.jpg"}
    assert {row[5] for row in rows if row[0] == "1.jpg"} & {card.card_id for card in page.cards}
    assert told.startswith(f"{folder / '2.jpg'}: the file is not a picture") and len(told.splitlines()) == 1
    assert again == first
    assert refused.splitlines()[0] == f"{folder / '1.jpg'}: this key is not known"
    assert len(await runtime.scans.list(ScanFilter(), 10)) == 2
