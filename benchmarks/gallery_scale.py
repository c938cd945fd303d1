"""How a gallery grows: ``python -m benchmarks.gallery_scale``.

Invented cards are imported, and what that took is told for each card. Then cards are added whose templates
lie near those of one card and whose picture is a part of another's in a mirror, until there are as many
templates as asked. Pages of photos are answered before and after.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from app.cli.wiring import table_console
from app.db.embedded import EmbeddedPostgres
from app.domain.calibration_file import load_calibrations
from app.domain.gallery_types import CardUpdate, ReferenceTemplates
from app.domain.types import Card, CardFilter, RgbImage, StoredImage, Vectors
from app.inference.catalogue import resolve_encoder
from app.main import open_runtime
from app.services.gallery_import import TEMPLATE_SOURCES
from app.services.matching import Matcher
from app.services.reference_features import fill_features
from app.services.runtime import Runtime
from app.services.verification import Verifier
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard
from app.synthesis.folder import write_gallery
from app.vision.decode import encode_jpeg
from app.vision.stored import decode_reference
from benchmarks.galleries import benchmark_settings, import_manifest, invented_cards
from benchmarks.results import write_result
from benchmarks.simulator.single import photograph_single

CARD_HEIGHT_PX = 528
CARDS_A_PAGE = 9
TEMPLATES_A_CARD = len(TEMPLATE_SOURCES)
BATCH = 500
#: Deviation of an added card's vector from the real one it lies near, as a share of its length.
NOISE = 0.9
VIEW_NOISE = 0.3
#: How much of another's width and height an added card's picture shows.
SHOWN_SHARE = (0.4, 0.8)
JPEG_QUALITY = 85


Figures = dict[str, float]


def photographed(cards: Sequence[InventedCard], pages: int, seed: int) -> list[list[RgbImage]]:
    """Pages of crops at medium quality."""
    rng = np.random.default_rng(seed)
    photos = []
    for _ in range(pages):
        shown = rng.integers(len(cards), size=CARDS_A_PAGE)
        pictures = [draw_card(cards[i], CARD_HEIGHT_PX) for i in shown]
        photos.append([photograph_single(picture, "medium", rng).crop for picture in pictures])
    return photos


async def answered(runtime: Runtime, pages: Sequence[Sequence[RgbImage]]) -> Figures:
    """Medians over the pages in milliseconds, and the share of crops that were verified."""
    settings = runtime.settings
    calibrations = load_calibrations(resolve_encoder(settings.models_dir, settings.encoder))
    matcher = Matcher(
        runtime.encoder,
        runtime.gallery,
        calibrations,
        settings.retrieval_topk,
        settings.retrieval_topk_retry,
    )
    verifier = Verifier(runtime.references, calibrations, settings.verification_budget_ms)
    search_ms, verify_ms, verified = [], [], []
    for page in pages:
        matches, timings = await matcher.match(page, CardFilter())
        matches, spent_ms = await verifier.verify(page, matches, asyncio.to_thread)
        search_ms.append(timings.search_ms)
        verify_ms.append(spent_ms)
        verified += [match.ranking.verified for match in matches]
    return {
        "search_ms_p50": float(np.median(search_ms)),
        "verify_ms_p50": float(np.median(verify_ms)),
        "verify_ms_p95": float(np.percentile(verify_ms, 95)),
        "verified_share": float(np.mean(verified)),
    }


async def _vectors(runtime: Runtime, ids: Sequence[str], seen: Mapping[str, RgbImage]) -> Vectors:
    """Of each card's reference picture, or of what is ``seen`` in its place, float32 (cards, dimension)."""
    blocks = []
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        pictures = await runtime.references.pictures_of(part)
        shown = [seen[one] if one in seen else decode_reference(pictures[one].data) for one in part]
        blocks.append(await runtime.encoder.encode(shown))
    return np.concatenate(blocks)


async def add_neighbours(
    runtime: Runtime,
    ids: Sequence[str],
    templates: int,
    seed: int,
    seen: Mapping[str, RgbImage] | None = None,
) -> None:
    """Adds cards near these, which are there, with pictures made of others' (``_other_picture``).

    Args:
        runtime: Of the gallery.
        ids: Of its cards.
        templates: How many it has in the end.
        seed: Of the choice.
        seen: Pictures by card id whose templates the gallery has in place of its own pictures'.
    """
    rng = np.random.default_rng(seed)
    vectors = await _vectors(runtime, ids, seen or {})
    await _drop_index(runtime)
    missing = -(-(templates - TEMPLATES_A_CARD * len(ids)) // TEMPLATES_A_CARD)
    for start in range(0, missing, BATCH):
        near = rng.integers(len(ids), size=min(BATCH, missing - start))
        shown = rng.integers(len(ids), size=len(near))  # a picture of its own would have to be drawn
        pictures = await runtime.references.pictures_of(sorted({ids[i] for i in shown}))
        updates = [
            _neighbour(f"near-{start + place:06}", vectors[i], _other_picture(pictures[ids[j]], rng), rng)
            for place, (i, j) in enumerate(zip(near, shown, strict=True))
        ]
        await runtime.gallery.put_cards(updates)
    await fill_features(runtime.references)
    await runtime.gallery.build_index()


async def _drop_index(runtime: Runtime) -> None:
    """So that it is built once: 46,512 templates of 768 dimensions took ten minutes with it."""
    connection = await asyncpg.connect(EmbeddedPostgres(runtime.settings.data_dir).dsn)
    try:
        indexes = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'i' AND relname LIKE 'templates\\_hnsw\\_%'"
        )
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['relname']}")
    finally:
        await connection.close()


def _other_picture(stored: StoredImage, rng: np.random.Generator) -> StoredImage:
    """A part of a picture in a mirror: that of no card, and of no two cards the same."""
    picture = decode_reference(stored.data)[:, ::-1]
    height_px, width_px = picture.shape[:2]
    share = rng.uniform(*SHOWN_SHARE)
    cut_height_px, cut_width_px = int(share * height_px), int(share * width_px)
    top_px = rng.integers(height_px - cut_height_px + 1)
    left_px = rng.integers(width_px - cut_width_px + 1)
    part = picture[top_px : top_px + cut_height_px, left_px : left_px + cut_width_px]
    whole = cv2.resize(part, (width_px, height_px), interpolation=cv2.INTER_LINEAR)
    return StoredImage("image/jpeg", encode_jpeg(np.asarray(whole, np.uint8), JPEG_QUALITY))


def _neighbour(card_id: str, vector: Vectors, picture: StoredImage, rng: np.random.Generator) -> CardUpdate:
    middle = _unit(vector + NOISE * _unit(rng.normal(size=vector.shape)))
    views = [_unit(middle + VIEW_NOISE * _unit(rng.normal(size=vector.shape))) for _ in TEMPLATE_SOURCES]
    sha256 = hashlib.sha256(card_id.encode()).hexdigest()
    reference = ReferenceTemplates(sha256, picture, np.array(views, np.float32), TEMPLATE_SOURCES)
    return CardUpdate(Card(card_id, card_id), (reference,), (sha256,))


def _unit(vector: NDArray[np.float64] | Vectors) -> NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector), np.float64)


async def measure(cards: int, templates: int, pages: int, seed: int, work: Path) -> dict[str, Figures]:
    """Imports, answers, adds and answers again."""
    catalogue = invented_cards(cards)[:cards]
    photos = photographed(catalogue, pages, seed)
    async with open_runtime(benchmark_settings(work)) as runtime:
        manifest = write_gallery(catalogue, work / "cards")
        started = time.perf_counter()
        await import_manifest(runtime, manifest, work / "cards")
        seconds = time.perf_counter() - started
        ids = [card.card.card_id for card in catalogue]
        sizes = [len(one) for some in (await runtime.references.features_of(ids)).values() for one in some]
        imported = {
            "cards": float(len(catalogue)),
            "seconds": seconds,
            "ms_a_card": seconds / len(catalogue) * 1000.0,
            "feature_bytes_mean": float(np.mean(sizes)),
            "feature_bytes_most": float(np.max(sizes)),
        }
        small = await answered(runtime, photos)
        await add_neighbours(runtime, ids, templates, seed)
        large = await answered(runtime, photos)
        small["templates"] = float(TEMPLATES_A_CARD * len(catalogue))
        large["templates"] = float((await runtime.gallery.status()).templates)
    return {"import": imported, "as imported": small, "grown": large}


def main() -> None:
    """Measures, prints tables and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=5000)
    parser.add_argument("--templates", type=int, default=50_000)
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--seed", type=int, default=90651)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = asyncio.run(
            measure(arguments.cards, arguments.templates, arguments.pages, arguments.seed, Path(scratch))
        )
    for name, values in figures.items():
        table = Table("figure", "value", title=name, title_justify="left")
        for figure, value in values.items():
            table.add_row(figure, f"{value:,.4g}" if value < 1000 else f"{value:,.0f}")
        table_console().print(table)
    write_result("gallery_scale", {"seed": arguments.seed, **figures})


if __name__ == "__main__":
    main()
