"""``python -m benchmarks.learning.latency``: from a correction to a changed answer, while scans go on.

``binderlens serve`` runs in a process of its own. One client sends pages of nine cards at a steady pace,
while another sends pages again that were seen before, one a second: in some stretches that alone, in the
others each after a correction, which is followed until its status says that it was learnt and its page is
answered by the template that it became.

Stretches of both kinds take turns, A B B A: a machine whose speed changes by half within minutes would
otherwise tell more of itself than of learning. Of the pages at a steady pace nothing is remembered.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from app.domain.geometry import quad_iou
from app.services.remembering import CROPS_KEPT
from benchmarks.galleries import benchmark_settings, open_gallery
from benchmarks.learning.photos import Page, full_art_cards, photograph
from benchmarks.page_load import in_other_pixels
from benchmarks.results import quantiles, write_result
from benchmarks.service import running_service

_STRENGTH = 0.3
#: Between two scans, from start to start.
_SCAN_EVERY_S = 2.0
_POLL_S = 0.1
#: What has not changed by then counts as this.
_GIVEN_UP_S = 30.0
_SAME_IOU = 0.5
#: Corrections of one stretch, one a second.
_STRETCH = 10
#: Pictures that are sent in turn: of so many pages of nine more crops than the service remembers.
_DIFFERENT = CROPS_KEPT // 9 + 10


@dataclass(slots=True)
class Timed:
    """Milliseconds of scans and of corrections, by what they were waited for."""

    scans_ms: list[float] = field(default_factory=list)
    decided_ms: list[float] = field(default_factory=list)
    changed_ms: list[float] = field(default_factory=list)
    standing: dict[str, int] = field(default_factory=dict)


async def scan(client: httpx.AsyncClient, jpeg: bytes) -> list[dict[str, object]]:
    """The cards of one page; a service that is busy is asked again when it says so."""
    while True:
        reply = await client.post("/identify", files={"image": ("page.jpg", jpeg, "image/jpeg")})
        if reply.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            return list(reply.raise_for_status().json()["cards"])
        await asyncio.sleep(float(reply.headers["Retry-After"]))


def different(pages: Sequence[Page]) -> Iterator[bytes]:
    """The pages in turn for ever, in other pixels each time, so that no scan is spared its work."""
    rng = np.random.default_rng(len(pages))
    drawn = []
    for page, _ in zip(itertools.cycle(pages), range(_DIFFERENT), strict=False):
        picture = np.asarray(Image.open(io.BytesIO(page.jpeg)).convert("RGB"))
        drawn.append(in_other_pixels(picture, rng))
    return itertools.cycle(drawn)


async def keep_scanning(
    client: httpx.AsyncClient, pictures: Iterator[bytes], times: list[float], until: asyncio.Event
) -> None:
    """Sends pictures at a steady pace until told to stop."""
    while not until.is_set():
        started = time.perf_counter()
        await scan(client, next(pictures))
        lasted_s = time.perf_counter() - started
        times.append(lasted_s * 1000.0)
        await asyncio.sleep(max(0.0, _SCAN_EVERY_S - lasted_s))


async def correct(
    client: httpx.AsyncClient, page: Page, detection: dict[str, object], card_id: str, timed: Timed
) -> None:
    """Sends one correction and follows it."""
    started = time.perf_counter()
    body = {"detection_id": detection["detection_id"], "verdict": "card", "card_id": card_id}
    correction = (await client.post("/corrections", json=body)).raise_for_status().json()
    status = str(correction["status"])
    while status == "pending" and time.perf_counter() - started < _GIVEN_UP_S:
        await asyncio.sleep(_POLL_S)
        status = (await client.get(f"/corrections/{correction['correction_id']}")).json()["status"]
    timed.decided_ms.append((time.perf_counter() - started) * 1000.0)
    timed.standing[status] = timed.standing.get(status, 0) + 1
    if status != "learned":
        return
    quad = np.array(detection["quad"])
    found = [
        one for one in await scan(client, page.jpeg) if quad_iou(np.array(one["quad"]), quad) >= _SAME_IOU
    ]
    best = [one["candidates"][0] for one in found if one["candidates"]]  # type: ignore[index]
    if any(one["card"]["card_id"] == card_id and one["template_source"] == "correction" for one in best):
        timed.changed_ms.append((time.perf_counter() - started) * 1000.0)


@asynccontextmanager
async def _scanning(
    client: httpx.AsyncClient, pictures: Iterator[bytes], times: list[float]
) -> AsyncIterator[None]:
    until = asyncio.Event()
    task = asyncio.create_task(keep_scanning(client, pictures, times, until))
    yield
    until.set()
    await task


async def _each_second(work: Iterable[Coroutine[object, object, object]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for one in work:
            tasks.create_task(one)
            await asyncio.sleep(1.0)


async def measure(url: str, pages: Sequence[Page], corrections: int) -> dict[str, object]:
    """Scans without corrections and with them, by turns."""
    alone, timed, pictures = Timed(), Timed(), different(pages)
    async with httpx.AsyncClient(base_url=url, timeout=60.0, trust_env=False) as client:
        seen = [(page, await scan(client, page.jpeg)) for page in pages]
        cards = [
            (page, detection, card_id)
            for page, found in seen
            for detection, card_id in known_cards(page, found)
        ][:corrections]
        for number, start in enumerate(range(0, len(cards), _STRETCH)):
            stretch = cards[start : start + _STRETCH]
            for jpeg in dict.fromkeys(page.jpeg for page, _, _ in stretch):
                await scan(client, jpeg)  # who corrects an answer has just seen it
            for times in (alone, timed) if number % 2 == 0 else (timed, alone):
                again = (
                    (correct(client, *one, timed) for one in stretch)
                    if times is timed
                    else (scan(client, page.jpeg) for page, _, _ in stretch)
                )
                async with _scanning(client, pictures, times.scans_ms):
                    await _each_second(again)
    return {
        "corrections": len(cards),
        "standing": timed.standing,
        "changed": len(timed.changed_ms),
        "decided_ms": quantiles(timed.decided_ms),
        "changed_ms": quantiles(timed.changed_ms),
        "scans": {"alone": len(alone.scans_ms), "with_corrections": len(timed.scans_ms)},
        "scans_alone_ms": quantiles(alone.scans_ms),
        "scans_with_corrections_ms": quantiles(timed.scans_ms),
    }


def known_cards(page: Page, seen: Sequence[dict[str, object]]) -> list[tuple[dict[str, object], str]]:
    """Detections with the card they truly show."""
    pairs = []
    for quad_px, card_id in zip(page.quads_px, page.card_ids, strict=True):
        for one in seen:
            if quad_iou(np.array(one["quad"]), quad_px) >= _SAME_IOU:
                pairs.append((one, card_id))
                break
    return pairs


async def fill(work: Path, cards: int, seed: int) -> list[Page]:
    """A gallery, and photos of its cards."""
    drawn = full_art_cards(cards, seed)
    async with open_gallery(benchmark_settings(work), drawn, work / "cards"):
        return list(photograph(drawn, seed + 2, _STRENGTH, "medium"))


def main() -> None:
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=300)
    parser.add_argument("--corrections", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7201)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        pages = asyncio.run(fill(work, options.cards, options.seed))
        with running_service(work / "data", {"LEARNING": "true"}) as service:
            url = str(service.client.base_url)
            figures = asyncio.run(measure(url, pages, options.corrections))
    print(figures)
    write_result("learning_latency", figures)


if __name__ == "__main__":
    main()
