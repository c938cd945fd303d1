"""The page as a visitor meets it: ``python -m benchmarks.page_paint``. Needs Chromium.

Each load is a new visitor's, on this machine and over loopback: the first paint, what the page weighs without
pictures, and how long after a picture of 12 megapixels was chosen it is painted, against when the service has
answered. The browser and the service share the processor, as on the machine of somebody who tries it.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from playwright.async_api import Browser, FilePayload
from rich.table import Table

from app.cli.wiring import table_console
from app.main import prepare_process
from app.settings import Settings
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard
from app.synthesis.scenes import Level, SceneCard, SceneKind, photograph_scene
from app.vision.decode import encode_jpeg
from benchmarks.results import quantiles, write_result
from scripts.screenshots.browser import DESKTOP_PX, find_chromium, open_browser, open_page
from scripts.screenshots.service import invented_service, served

_MEGAPIXELS = 12.0
_CARD_HEIGHT_PX = 1056
_ANSWER_TIMEOUT_MS = 60_000

#: Notes when a picture was chosen and when the browser painted it. The page has it decoded with the frame
#: that shows it (``decoding="sync"``): this is when its pixels are there, as a recorded screen agrees.
_WATCH = """
document.addEventListener("change", () => { window.chosenAt = performance.now(); }, true);
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.identifier === "scan") {
      window.paintedAt = entry.renderTime || entry.loadTime;
      scanIsPainted();
    }
  }
}).observe({ type: "element", buffered: true });
"""
_LOADED = """() => ({
  first_paint_ms: performance.getEntriesByName("first-contentful-paint")[0].startTime,
  bytes: performance.getEntries()
    .filter((one) => ["navigation", "resource"].includes(one.entryType))
    .reduce((sum, one) => sum + one.decodedBodySize, 0),
})"""
_SHOWN = """() => {
  const answer = performance.getEntriesByType("resource").find((one) => one.name.endsWith("/identify"));
  return { shown_ms: window.paintedAt - window.chosenAt, answered_ms: answer.responseEnd - window.chosenAt };
}"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=10)
    parser.add_argument("--json", type=Path, help="write the results here as well")
    options = parser.parse_args(arguments)
    chromium = find_chromium()
    if chromium is None:
        parser.exit(1, "Chromium is needed: apt-get install chromium, or set CHROMIUM to its path\n")
    with tempfile.TemporaryDirectory() as scratch:
        loads = asyncio.run(_measure(Path(scratch), chromium, options.loads))
    figures: dict[str, float] = {"bytes": max(load["bytes"] for load in loads)}
    for name in ("first_paint_ms", "shown_ms", "answered_ms"):
        spread = quantiles([load[name] for load in loads])
        figures |= {f"{name}_p50": spread["p50"], f"{name}_p95": spread["p95"]}
    table = Table("figure", f"{options.loads} visitors", title="the page, a picture of 12 megapixels")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.0f}")
    table_console().print(table)
    write_result("page_paint", {"loads": options.loads, **figures}, options.json)


async def _measure(folder: Path, chromium: str, loads: int) -> list[dict[str, float]]:
    prepare_process(Settings(_env_file=None), quiet=True)
    async with (
        invented_service(folder) as (runtime, cards),
        served(runtime) as base_url,
        open_browser(chromium) as browser,
    ):
        picture = await asyncio.to_thread(_photo, cards)
        await _visit(browser, base_url, picture)  # the first scan of a process takes longer
        return [await _visit(browser, base_url, picture) for _ in range(loads)]


async def _visit(browser: Browser, base_url: str, picture: FilePayload) -> dict[str, float]:
    async with open_page(browser, base_url, DESKTOP_PX) as watched:
        page = watched.page
        painted = asyncio.Event()
        # Told, not asked for: to poll has the browser paint all the time, on the cores that are measured.
        await page.expose_function("scanIsPainted", lambda: painted.set())
        await page.add_init_script(_WATCH)
        await page.goto(f"{base_url}/")
        await page.wait_for_load_state("networkidle")
        loaded: dict[str, float] = await page.evaluate(_LOADED)
        await page.set_input_files("#files", picture)
        async with asyncio.timeout(_ANSWER_TIMEOUT_MS / 1000):
            await painted.wait()
        await page.wait_for_selector(".card-row", timeout=_ANSWER_TIMEOUT_MS)
        shown: dict[str, float] = await page.evaluate(_SHOWN)
        return loaded | shown


def _photo(cards: Sequence[InventedCard]) -> FilePayload:
    faces = [SceneCard(draw_card(one, _CARD_HEIGHT_PX), one.card.card_id, one.card.name) for one in cards[:9]]
    rng = np.random.default_rng(5)
    scene = photograph_scene(SceneKind.PAGE_3X3, Level.EASY, faces, rng, megapixels=_MEGAPIXELS)
    return {"name": "page.jpg", "mimeType": "image/jpeg", "buffer": encode_jpeg(scene.image, 92)}


if __name__ == "__main__":
    main()
