"""Time and memory of a nine-card 12-megapixel page: ``python -m benchmarks.page_load``.

A page is sent again and again to ``binderlens serve`` in a process of its own, its pixels each time a little
others, for what is known of a picture's bytes is not found again; then one of them as it is. Anonymous memory
is read after each scan; its slope by least squares, after a warm-up, says whether anything is held on to.
Peak memory counts from the start of that process; the embedded database's is told apart.

Any encoder's folder can be served: ``--encoder vit-l-14--laion400m_e32 --precision int8 --models DIR``, or
``--random-weights`` in place of name and folder. A slow one takes long over a large gallery: ``--gallery 60
--templates 46512`` imports 60 cards and adds others near them (``benchmarks.gallery_scale``), until there are
as many templates. Random weights do not find a card in a photo, as trained ones do: the page's cards have
views cut from the page itself for templates then, and the neighbours lie round those. At the end comes a page
of cards that the gallery does not have: none of its answers is clear, and every card is looked at the other
way up, too, which is the most that a page costs.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from app.domain.gallery_types import ReferenceTemplates
from app.domain.types import RgbImage
from app.services.gallery_import import TEMPLATE_SOURCES
from app.services.runtime import Runtime
from app.synthesis.cards import draw_card
from app.vision.decode import encode_jpeg
from app.vision.rectify import rectify
from benchmarks.galleries import BENCHMARK_CATALOGUE_SEED, benchmark_settings, invented_cards, open_gallery
from benchmarks.gallery_scale import add_neighbours
from benchmarks.results import quantiles, write_result
from benchmarks.served_encoder import COMPACT, ServedEncoder, add_encoder_arguments, served_encoder
from benchmarks.service import RunningService, running_service
from benchmarks.simulator.scenes import simulate_scene
from benchmarks.vector_gallery import server_memory_bytes

MEGAPIXELS = 12.0
CARDS = 9
CARD_HEIGHT_PX = 1040
#: Tall enough for nine cards to fill twelve megapixels, as a phone held over a page sees them.
CARD_HEIGHT_IN_PICTURE_PX = 1100.0
JPEG_QUALITY = 90
#: Catalogue of a page of strangers.
STRANGERS_SEED = BENCHMARK_CATALOGUE_SEED + 1
#: Side of the blocks that differ between two pictures of the page.
BLOCK_PX = 64
#: How often the last picture is sent again, at most as often as there are scans.
REPEATS = 20
#: How many pages of strangers are sent after that, at most half as many as scans.
STRANGE_SCANS = 10
STAGES = ("decode", "detect", "embed", "search", "verify", "total", "wall")


class Pages:
    """JPEGs of one binder page at easy level with the gallery's first nine cards, no two of them the same.

    Args:
        seed: Of the page.
        gallery_size: Of the gallery of ``fill_gallery``: a catalogue of another size has other cards.
        strangers: Cards of another catalogue in place of the gallery's.
    """

    def __init__(self, seed: int, gallery_size: int, *, strangers: bool = False) -> None:
        catalogue_seed = STRANGERS_SEED if strangers else BENCHMARK_CATALOGUE_SEED
        self._cards = invented_cards(gallery_size, catalogue_seed)[:CARDS]
        self._scene = simulate_scene(
            [draw_card(card, CARD_HEIGHT_PX) for card in self._cards],
            "page_3x3",
            "easy",
            np.random.default_rng(seed),
            megapixels=MEGAPIXELS,
            card_height_px=CARD_HEIGHT_IN_PICTURE_PX,
        )
        self._rng = np.random.default_rng(seed)
        height_px, width_px = self._scene.image.shape[:2]
        print(f"page: {width_px} x {height_px} px, {width_px * height_px / 1e6:.1f} megapixels")

    def another(self) -> bytes:
        """The page in other pixels: see ``in_other_pixels``."""
        return in_other_pixels(self._scene.image, self._rng)

    def cut_out(self) -> dict[str, RgbImage]:
        """Each card as it lies in the page, by its id."""
        return {
            self._cards[seen.card_index].card.card_id: rectify(self._scene.image, seen.quad_px)
            for seen in self._scene.cards
        }


def in_other_pixels(picture: RgbImage, rng: np.random.Generator) -> bytes:
    """A JPEG with some blocks brighter by one step of 255, so that nothing is remembered of any crop."""
    height_px, width_px = picture.shape[:2]
    blocks = rng.integers(0, 2, (height_px // BLOCK_PX, width_px // BLOCK_PX, 3), dtype=np.uint8)
    brighter = cv2.resize(blocks, (width_px, height_px), interpolation=cv2.INTER_NEAREST)
    return encode_jpeg(np.asarray(cv2.add(picture, brighter), np.uint8), JPEG_QUALITY)


async def fill_gallery(
    work: Path,
    gallery_size: int,
    encoder: ServedEncoder = COMPACT,
    templates: int = 0,
    seed: int = 0,
    seen: Mapping[str, RgbImage] | None = None,
) -> None:
    """Imports the cards that the service will find in its data folder.

    Args:
        work: The folder ``data`` in it is the service's.
        gallery_size: How many cards are imported.
        encoder: That embeds them.
        templates: Cards near those are added until there are as many; none where there are already.
        seed: Of the cards that are added.
        seen: Pictures by card id that take the place of what the templates of these cards are made of.
    """
    settings = benchmark_settings(work, **encoder.settings)
    cards = invented_cards(artworks=gallery_size)[:gallery_size]
    async with open_gallery(settings, cards, work / "cards") as runtime:
        await _replace_templates(runtime, seen or {})
        if templates > (await runtime.gallery.status()).templates:
            await add_neighbours(runtime, [card.card.card_id for card in cards], templates, seed, seen)


async def _replace_templates(runtime: Runtime, seen: Mapping[str, RgbImage]) -> None:
    if not seen:
        return
    known = await runtime.gallery.known_references(list(seen))
    stored = await runtime.references.pictures_of(list(seen))
    vectors = await runtime.encoder.encode(list(seen.values()))
    views = len(TEMPLATE_SOURCES)
    await runtime.gallery.put_templates(
        [
            (
                card_id,
                ReferenceTemplates(sha256, stored[card_id], np.tile(vector, (views, 1)), TEMPLATE_SOURCES),
            )
            for card_id, vector in zip(seen, vectors, strict=True)
            for sha256 in known[card_id]
        ]
    )


def load(
    service: RunningService, pages: Pages, strangers: Pages, scans: int, warm_up: int
) -> dict[str, object]:
    """Sends pages; returns times by stage, memory and its slope."""
    at_start = service.client.get("/memory").json()
    stages_ms: list[dict[str, float]] = []
    anonymous_mb: list[float] = []
    page = b""
    for _ in range(scans):
        page = pages.another()
        stages_ms.append(scan(service, page))
        memory = service.client.get("/memory").json()
        anonymous_mb.append(memory["anonymous_bytes"] / 1e6)
    repeated_ms = [scan(service, page) for _ in range(min(REPEATS, scans))]
    strange_ms = [scan(service, strangers.another()) for _ in range(min(STRANGE_SCANS, -(-scans // 2)))]
    memory = service.client.get("/memory").json()
    slope = float(np.polyfit(np.arange(scans - warm_up), anonymous_mb[warm_up:], 1)[0])
    return {
        "scans": scans,
        "cards_found": stages_ms[-1]["cards"],
        "cards_accepted_least": min(one["accepted"] for one in stages_ms),
        "stages_ms": summary(stages_ms[min(5, scans - 1) :]),
        "repeated_stages_ms": summary(repeated_ms),
        "strange_cards_accepted_most": max(one["accepted"] for one in strange_ms),
        "strange_stages_ms": summary(strange_ms),
        "anonymous_mb": {
            "first": anonymous_mb[0],
            "after_warm_up": anonymous_mb[warm_up],
            "last": anonymous_mb[-1],
        },
        "slope_mb_per_scan": slope,
        "ready_resident_mb": at_start["resident_bytes"] / 1e6,
        "ready_peak_resident_mb": at_start["peak_resident_bytes"] / 1e6,
        "peak_resident_mb": memory["peak_resident_bytes"] / 1e6,
        "resident_mb": memory["resident_bytes"] / 1e6,
        "start_to_ready_s": service.ready_s,
    }


def scan(service: RunningService, page: bytes) -> dict[str, float]:
    """Milliseconds of one scan by stage, and how many cards it found."""
    reply = service.client.post("/identify", files={"image": ("page.jpg", page, "image/jpeg")})
    reply.raise_for_status()
    body = reply.json()
    return {
        **body["timings_ms"],
        "wall": reply.elapsed.total_seconds() * 1000.0,
        "cards": float(len(body["cards"])),
        "accepted": float(sum(card["status"] == "accepted" for card in body["cards"])),
    }


def summary(scans: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of each stage."""
    return {stage: quantiles([one[stage] for one in scans]) for stage in STAGES}


def _print(figures: dict[str, object]) -> None:
    table = Table(title=f"{figures['scans']} scans of a page", title_justify="left")
    for column in ("stage", "p50 ms", "p95 ms", "sent again: p50 ms", "unknown cards: p50 ms"):
        table.add_column(column)
    stages, again, strange = (
        cast(dict[str, dict[str, float]], figures[f"{which}stages_ms"])
        for which in ("", "repeated_", "strange_")
    )
    for stage, values in stages.items():
        cells = (values["p50"], values["p95"], again[stage]["p50"], strange[stage]["p50"])
        table.add_row(stage, *(f"{value:.0f}" for value in cells))
    console = Console(highlight=False)
    console.print(table)
    for name, value in figures.items():
        if isinstance(value, float):
            console.print(f"{name}: {value:.3f}")
    console.print(f"anonymous_mb: {figures['anonymous_mb']}")


def main() -> None:
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=100)
    parser.add_argument("--warm-up", type=int, default=30)
    parser.add_argument("--gallery", type=int, default=1000)
    parser.add_argument("--templates", type=int, default=0, help="cards are added until there are as many")
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--json", type=Path, help="write the results here as well")
    add_encoder_arguments(parser)
    arguments = parser.parse_args()
    encoder = served_encoder(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        pages = Pages(arguments.seed, arguments.gallery)
        strangers = Pages(arguments.seed, arguments.gallery, strangers=True)
        seen = pages.cut_out() if arguments.random_weights else None
        asyncio.run(fill_gallery(work, arguments.gallery, encoder, arguments.templates, arguments.seed, seen))
        with running_service(work / "data", encoder.environment) as service:
            figures = load(service, pages, strangers, arguments.scans, arguments.warm_up)
            figures["database_mb"] = server_memory_bytes(work / "data" / "postgres") / 1e6
    _print(figures)
    described = {"encoder": encoder.name, "page_megapixels": MEGAPIXELS, "gallery_cards": arguments.gallery}
    name = "page_load" if encoder == COMPACT else f"page_load {encoder.name}"
    write_result(name, {**described, "templates": arguments.templates, **figures}, arguments.json)


if __name__ == "__main__":
    main()
