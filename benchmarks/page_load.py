"""Time and memory of a nine-card 12-megapixel page: ``python -m benchmarks.page_load``.

The same page is sent again and again to ``binderlens serve`` in a process of its own. Anonymous memory is
read after each scan; its slope by least squares, after a warm-up, says whether anything is held on to.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from app.synthesis.cards import draw_card
from app.vision.decode import encode_jpeg
from benchmarks.galleries import benchmark_settings, invented_cards, open_gallery
from benchmarks.results import write_result
from benchmarks.service import RunningService, running_service
from benchmarks.simulator.scenes import simulate_scene

MEGAPIXELS = 12.0
CARDS = 9
CARD_HEIGHT_PX = 1040
#: Tall enough for nine cards to fill twelve megapixels, as a phone held over a page sees them.
CARD_HEIGHT_IN_PICTURE_PX = 1100.0
JPEG_QUALITY = 90
STAGES = ("decode", "detect", "embed", "search", "verify", "total")


def make_page(seed: int) -> bytes:
    """A JPEG of a binder page at easy level with the gallery's first nine cards."""
    cards = invented_cards(artworks=1000)[:CARDS]
    scene = simulate_scene(
        [draw_card(card, CARD_HEIGHT_PX) for card in cards],
        "page_3x3",
        "easy",
        np.random.default_rng(seed),
        megapixels=MEGAPIXELS,
        card_height_px=CARD_HEIGHT_IN_PICTURE_PX,
    )
    height_px, width_px = scene.image.shape[:2]
    print(f"page: {width_px} x {height_px} px, {width_px * height_px / 1e6:.1f} megapixels")
    return encode_jpeg(scene.image, JPEG_QUALITY)


async def fill_gallery(work: Path, gallery_size: int) -> None:
    """Imports the cards that the service will find in its data folder."""
    settings = benchmark_settings(work)
    async with open_gallery(settings, invented_cards(artworks=gallery_size)[:gallery_size], work / "cards"):
        pass


def load(service: RunningService, page: bytes, scans: int, warm_up: int) -> dict[str, object]:
    """Sends the page; returns times by stage, memory and its slope."""
    timings: list[dict[str, float]] = []
    wall_ms: list[float] = []
    anonymous_mb: list[float] = []
    found = 0
    for _ in range(scans):
        reply = service.client.post("/identify", files={"image": ("page.jpg", page, "image/jpeg")})
        reply.raise_for_status()
        body = reply.json()
        found = len(body["cards"])
        timings.append(body["timings_ms"])
        wall_ms.append(reply.elapsed.total_seconds() * 1000.0)
        memory = service.client.get("/memory").json()
        anonymous_mb.append(memory["anonymous_bytes"] / 1e6)
    slope = float(np.polyfit(np.arange(scans - warm_up), anonymous_mb[warm_up:], 1)[0])
    stages = {stage: _quantiles([timing[stage] for timing in timings[5:]]) for stage in STAGES}
    return {
        "scans": scans,
        "cards_found": found,
        "stages_ms": {**stages, "wall": _quantiles(wall_ms[5:])},
        "anonymous_mb": {
            "first": anonymous_mb[0],
            "after_warm_up": anonymous_mb[warm_up],
            "last": anonymous_mb[-1],
        },
        "slope_mb_per_scan": slope,
        "peak_resident_mb": memory["peak_resident_bytes"] / 1e6,
        "resident_mb": memory["resident_bytes"] / 1e6,
        "start_to_ready_s": service.ready_s,
    }


def _quantiles(values: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(values, (50, 95))
    return {"p50": float(p50), "p95": float(p95)}


def _print(figures: dict[str, object]) -> None:
    table = Table(title=f"{figures['scans']} scans of a page", title_justify="left")
    for column in ("stage", "p50 ms", "p95 ms"):
        table.add_column(column)
    stages = figures["stages_ms"]
    assert isinstance(stages, dict)
    for stage, values in stages.items():
        table.add_row(stage, f"{values['p50']:.0f}", f"{values['p95']:.0f}")
    console = Console(highlight=False)
    console.print(table)
    for name in ("cards_found", "slope_mb_per_scan", "peak_resident_mb", "resident_mb", "start_to_ready_s"):
        console.print(f"{name}: {figures[name]:.3f}")
    console.print(f"anonymous_mb: {figures['anonymous_mb']}")


def main() -> None:
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=100)
    parser.add_argument("--warm-up", type=int, default=30)
    parser.add_argument("--gallery", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=12)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        page = make_page(arguments.seed)
        asyncio.run(fill_gallery(work, arguments.gallery))
        with running_service(work / "data") as service:
            figures = load(service, page, arguments.scans, arguments.warm_up)
    _print(figures)
    write_result("page_load", {"page_megapixels": MEGAPIXELS, "gallery_cards": arguments.gallery, **figures})


if __name__ == "__main__":
    main()
