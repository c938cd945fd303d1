"""What is photographed: which page, in which state, on which kind of screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Page, Route

from scripts.screenshots.browser import DESKTOP_PX, PHONE_PX, ColourScheme, open_page

_WAIT_MS = 60_000

#: Addresses, and what makes up the answers to them.
Answers = tuple[str, Callable[[Route], Awaitable[None]]]


async def as_it_is(_: Page) -> None:
    """Nothing is done to the page."""


async def _open_panel(page: Page) -> None:
    await page.click("#tiles a >> nth=2")
    await page.wait_for_selector("#behind-scans > li")


@dataclass(frozen=True, slots=True)
class Shot:
    """One state of one page.

    Attributes:
        name: Of the file, without screen and colours.
        path: Of the page.
        ready: What stands on the page once it has loaded, as a CSS selector.
        prepare: What a person does then.
        whole: Whether the whole page is photographed, and not what the screen shows.
        route: Addresses whose answers are made up, and what makes them.
        complains: Whether the browser may complain: about an error that is the very state.
    """

    name: str
    path: str
    ready: str
    prepare: Callable[[Page], Awaitable[None]] = field(default=as_it_is)
    whole: bool = True
    route: Answers | None = None
    complains: bool = False


#: A service without scans, and one with a month of them; ``home`` has the page that scans are dropped on.
EMPTY = (Shot("dashboard-empty", "/dashboard", "#nothing:visible"),)
MONTH = (
    Shot("dashboard", "/dashboard", "#figures:visible"),
    Shot("dashboard-behind", "/dashboard", "#figures:visible", _open_panel, whole=False),
)

_SCREENS: tuple[tuple[str, tuple[int, int], ColourScheme], ...] = (
    ("desktop-light", DESKTOP_PX, "light"),
    ("desktop-dark", DESKTOP_PX, "dark"),
    ("phone-light", PHONE_PX, "light"),
    ("phone-dark", PHONE_PX, "dark"),
)


async def photograph(browser: Browser, base_url: str, shots: tuple[Shot, ...], folder: Path) -> list[str]:
    """Writes a PNG of each state on each screen; returns what went wrong on the pages, in words."""
    troubles: list[str] = []
    for shot, (screen, size_px, colours) in _each(shots):
        async with open_page(browser, base_url, size_px, colours) as watched:
            if shot.route is not None:
                await watched.page.route(*shot.route)
            await watched.page.goto(base_url + shot.path)
            await watched.page.wait_for_selector(shot.ready, timeout=_WAIT_MS)
            await shot.prepare(watched.page)
            async with asyncio.timeout(_WAIT_MS / 1000):
                await _see_pictures(watched.page)
            path = folder / f"{shot.name}-{screen}.png"
            await watched.page.screenshot(path=path, full_page=shot.whole)
            if not shot.complains:
                troubles += [f"{path.name}: {trouble}" for trouble in watched.troubles]
    return troubles


def _each(shots: tuple[Shot, ...]) -> Iterator[tuple[Shot, tuple[str, tuple[int, int], ColourScheme]]]:
    for shot in shots:
        for screen in _SCREENS:
            yield shot, screen


async def _see_pictures(page: Page) -> None:
    """Pictures load when they come into view, which a photograph of the whole page does not wait for."""
    # In one go: a picture that came between the two would stay lazy, and never load where it is hidden.
    # Not Playwright's own waiting: it compiles a string in the page, which the page's policy forbids.
    await page.evaluate(
        "Promise.all([...document.images].map((one) => { one.loading = 'eager'; return one; })"
        ".filter((one) => !one.complete)"
        ".map((one) => new Promise((seen) => { one.onload = one.onerror = seen; })))"
    )
