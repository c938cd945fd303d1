"""Runs the service on invented cards, makes a month up, and photographs its pages in a real browser."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from playwright.async_api import Browser

from app.db.connect import open_database
from app.main import prepare_process
from app.settings import Settings
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard
from app.synthesis.scenes import Level, SceneCard, SceneKind, photograph_scene
from app.vision.decode import encode_jpeg
from scripts.screenshots import home, pages
from scripts.screenshots.browser import find_chromium, open_browser, open_page
from scripts.screenshots.history import Month
from scripts.screenshots.service import invented_service, served, served_apart

_PAGES = (
    (SceneKind.PAGE_3X3, Level.EASY),
    (SceneKind.PAGE_3X3, Level.MEDIUM),
    (SceneKind.PAGE_2X2, Level.HARD),
)
_LOADS = 9
#: Chromium starts a process for each new page and a spare one beside it, which takes half a second of a core
#: (docs/experiments.md, 57). Whoever types an address into a browser has both.
_SETTLED_S = 1.0
_TELL_OF_FIGURES = """
    new MutationObserver((_, watching) => {
      const figures = document.getElementById("figures");
      if (figures && !figures.hidden) {
        watching.disconnect();
        requestAnimationFrame(() => setTimeout(() => figuresArePainted(performance.now())));
      }
    }).observe(document, { subtree: true, childList: true, attributeFilter: ["hidden"] });
"""
_SCAN_TIMEOUT_S = 60.0


def main() -> int:
    """Exit status 0, or 1 where a page complained or asked another host."""
    parser = argparse.ArgumentParser(prog="python -m scripts.screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the PNG files")
    parser.add_argument("--only", default="", help="photograph states whose name starts like this")
    parser.add_argument("--detections", type=int, default=5000, help="how many the month has")
    arguments = parser.parse_args()
    chromium = find_chromium()
    if chromium is None:
        print("Chromium is needed: apt-get install chromium, or set CHROMIUM to its path", file=sys.stderr)
        return 1
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="binderlens-screenshots-") as folder:
        troubles = asyncio.run(_run(Path(folder), chromium, arguments))
    for trouble in troubles:
        print(trouble, file=sys.stderr)
    return 1 if troubles else 0


async def _run(folder: Path, chromium: str, arguments: argparse.Namespace) -> list[str]:
    prepare_process(Settings(_env_file=None), quiet=True)
    async with (
        invented_service(folder) as (runtime, cards),
        served(runtime) as base_url,
        open_browser(chromium) as browser,
    ):
        chosen = _Chosen(browser, base_url, arguments.out, arguments.only)
        troubles = await chosen.photograph(pages.EMPTY)
        if "dashboard".startswith(arguments.only) or arguments.only.startswith("dashboard"):
            await _scan_pages(base_url, cards)
            async with open_database(runtime.settings) as database:
                await Month(runtime.encoder.info, database).fill(arguments.detections)
            # In a process of its own, as it is run: this one is busy with the browser.
            async with served_apart(runtime.settings) as apart_url:
                print(await _loading_times(browser, apart_url, arguments.detections))
            troubles += await chosen.photograph(pages.MONTH)
        person = home.Person(home.draw_pictures(cards), runtime.learning.run_once)
        troubles += await chosen.photograph(home.shots(person))
    return troubles


@dataclass(frozen=True)
class _Chosen:
    """Photographs those states whose name starts with ``only``."""

    browser: Browser
    base_url: str
    out: Path
    only: str

    async def photograph(self, shots: tuple[pages.Shot, ...]) -> list[str]:
        wanted = tuple(shot for shot in shots if shot.name.startswith(self.only))
        return await pages.photograph(self.browser, self.base_url, wanted, self.out)


async def _scan_pages(base_url: str, cards: list[InventedCard]) -> None:
    """Real scans of real pictures, so that the month has photos to show."""
    async with httpx.AsyncClient(base_url=base_url, timeout=_SCAN_TIMEOUT_S) as client:
        for seed, (kind, level) in enumerate(_PAGES):
            shown = cards[9 * seed : 9 * seed + (9 if kind is SceneKind.PAGE_3X3 else 4)]
            faces = [SceneCard(draw_card(one, 528), one.card.card_id, one.card.name) for one in shown]
            scene = photograph_scene(kind, level, faces, np.random.default_rng(seed), megapixels=1.6)
            upload = {"image": ("page.jpg", encode_jpeg(scene.image, 88), "image/jpeg")}
            (await client.post("/identify", files=upload)).raise_for_status()


async def _loading_times(browser: Browser, base_url: str, detections: int) -> str:
    """From the start of the navigation to painted figures by the browser's clock, each a new visitor."""
    times_ms: list[float] = []
    for _ in range(_LOADS):
        async with open_page(browser, base_url) as watched:
            painted: asyncio.Future[float] = asyncio.get_running_loop().create_future()
            # Told, not asked for: to poll has the browser paint all the time, on cores that others need.
            await watched.page.expose_function(
                "figuresArePainted", lambda after_ms, done=painted: done.set_result(after_ms)
            )
            await watched.page.add_init_script(_TELL_OF_FIGURES)
            await asyncio.sleep(_SETTLED_S)
            await watched.page.goto(f"{base_url}/dashboard", wait_until="commit")
            async with asyncio.timeout(_SCAN_TIMEOUT_S):
                times_ms.append(await painted)
    each = ", ".join(f"{one:.0f}" for one in times_ms)
    median_ms = sorted(times_ms)[len(times_ms) // 2]
    return f"/dashboard with {detections:,} made-up detections stood there after {median_ms:.0f} ms: {each}"


if __name__ == "__main__":
    sys.exit(main())
