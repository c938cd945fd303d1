"""A real browser that notices what nobody would: errors in its console, and requests to other hosts."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

#: Width and height in CSS pixels of a desktop's window and of a phone.
DESKTOP_PX, PHONE_PX = (1280, 900), (390, 844)

ColourScheme = Literal["light", "dark"]


def find_chromium() -> str | None:
    """The browser's path: the environment variable CHROMIUM, else what Debian's package installs."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@dataclass
class WatchedPage:
    """A page with everything that went wrong on it.

    Attributes:
        page: What Playwright drives.
        base_url: Of the service; anything else is another host.
        troubles: What the browser complained about or asked of others, in words.
    """

    page: Page
    base_url: str
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self._note(said.type == "error", _words_of(said)))
        self.page.on("pageerror", lambda error: self._note(True, f"script: {error}"))
        self.page.on("request", self._look_at)

    def _note(self, is_trouble: bool, words: str) -> None:
        if is_trouble:
            self.troubles.append(words)

    def _look_at(self, request: Request) -> None:
        own = request.url.startswith((f"{self.base_url}/", f"blob:{self.base_url}/"))
        self._note(not own, f"another host: {request.url[:200]}")


def _words_of(said: ConsoleMessage) -> str:
    """What was said, and of which address: a reply with an error names it there alone."""
    return f"console: {said.text} ({said.location.get('url', '')})"


@asynccontextmanager
async def open_browser(chromium: str) -> AsyncIterator[Browser]:
    """Headless Chromium."""
    # Chromium's own sandbox cannot be had as root in a container; it shows nothing but pages of our own.
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_page(
    browser: Browser,
    base_url: str,
    size_px: tuple[int, int] = DESKTOP_PX,
    colour_scheme: ColourScheme = "light",
) -> AsyncIterator[WatchedPage]:
    """A page of a visitor who has never been here."""
    context = await browser.new_context(
        viewport={"width": size_px[0], "height": size_px[1]},
        color_scheme=colour_scheme,
        reduced_motion="reduce",
        locale="en-GB",
    )
    try:
        yield WatchedPage(await context.new_page(), base_url)
    finally:
        await context.close()
