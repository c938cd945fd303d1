"""What tests of the page share: a person with a browser, and photos to drop."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from playwright.async_api import Browser, FilePayload, Page, expect

from app.services.runtime import Runtime
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.scenes import Level, Scene, SceneKind
from app.vision.decode import encode_jpeg
from scripts.screenshots.browser import DESKTOP_PX, ColourScheme, WatchedPage, open_page
from tests.service import FilledGallery, photograph

Json = dict[str, Any]

ANSWER_MS = 30_000
#: A gallery of these has none of the cards of ``tests.integration.conftest``.
FOREIGN_SEED = 911

_DROP = """async ([files, kind]) => {
  const transfer = new DataTransfer();
  for (const { name, mimeType, data } of files) {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: mimeType }));
  }
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


@dataclass(frozen=True)
class Home:
    """A browser, and the service whose page it shows."""

    browser: Browser
    base_url: str
    runtime: Runtime
    gallery: FilledGallery

    @asynccontextmanager
    async def opened(
        self, size_px: tuple[int, int] = DESKTOP_PX, colours: ColourScheme = "light"
    ) -> AsyncIterator[WatchedPage]:
        """The page as a new visitor sees it."""
        async with open_page(self.browser, self.base_url, size_px, colours) as watched:
            watched.page.set_default_timeout(ANSWER_MS)
            await watched.page.goto(f"{self.base_url}/")
            yield watched

    def client(self) -> httpx.AsyncClient:
        """A program beside the browser."""
        return httpx.AsyncClient(base_url=self.base_url, timeout=60)

    def cards(self, start: int, count: int = 9) -> list[InventedCard]:
        """Cards of the gallery."""
        return list(self.gallery.cards[start : start + count])


def foreign_cards(count: int) -> list[InventedCard]:
    """Cards that the gallery lacks."""
    return invent_catalogue(FOREIGN_SEED, 6)[:count]


def page_of(cards: Sequence[InventedCard], seed: int, level: Level = Level.EASY) -> Scene:
    """A labelled photo of a binder page."""
    return photograph(cards, SceneKind.PAGE_3X3, seed=seed, level=level)


def photo(scene: Scene, name: str = "page.jpg") -> FilePayload:
    """A scene as the file that a person chooses."""
    return {"name": name, "mimeType": "image/jpeg", "buffer": encode_jpeg(scene.image, 90)}


def bare_table() -> FilePayload:
    """A picture without a card."""
    grain = np.random.default_rng(3).normal(0, 3, (600, 800, 3)) + np.array((132, 104, 78))
    return {
        "name": "table.jpg",
        "mimeType": "image/jpeg",
        "buffer": encode_jpeg(np.clip(grain, 0, 255).astype(np.uint8), 90),
    }


async def drop(page: Page, *files: FilePayload, by: str = "drop") -> None:
    """Drops files on the page, or pastes them."""
    coded = [
        {
            "name": one["name"],
            "mimeType": one["mimeType"],
            "data": base64.b64encode(one["buffer"]).decode(),
        }
        for one in files
    ]
    await page.evaluate(_DROP, [coded, by])


async def answered(page: Page, count: int = 9) -> None:
    """Waits until the list shows so many cards."""
    await expect(page.locator(".card-row")).to_have_count(count, timeout=ANSWER_MS)


def complaints(watched: WatchedPage) -> list[str]:
    """What the browser complained about; a busy machine may be slow to say that it is ready."""
    return [one for one in watched.troubles if not ("status of 503" in one and one.endswith("/ready)"))]


async def shown_scan_id(page: Page) -> str:
    """Which scan is shown, as the page's address says."""
    await page.wait_for_url("**/#scan=*")
    return page.url.partition("#scan=")[2]


async def is_wider_than_screen(page: Page) -> bool:
    """Whether one would have to push the page sideways."""
    wide = await page.evaluate(
        """() => [document.documentElement, ...document.querySelectorAll("dialog[open], dialog[open] .body")]
          .filter((one) => one.scrollWidth > one.clientWidth).length"""
    )
    return bool(wide)
