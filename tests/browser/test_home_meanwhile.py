"""What goes on beside what a person does: uploads, reloads, a service that was away."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.browser.home import (
    Home,
    answered,
    complaints,
    drop,
    page_of,
    photo,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_focus_and_a_click_that_has_begun_outlast_the_uploads_beside_them(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        may_go = asyncio.Event()

        async def held(route: Route) -> None:
            await may_go.wait()
            await route.continue_()

        await drop(page, photo(page_of(home.cards(0, 4), seed=81), "first.jpg"))
        await answered(page, 4)
        await page.route("**/identify", held)
        await drop(page, photo(page_of(home.cards(4, 3), seed=82), "second.jpg"))
        thumb = page.locator("#strip .thumb").first
        await thumb.focus()
        await page.locator("#draw").hover()
        await page.mouse.down()
        may_go.set()
        await expect(page.locator("#totals")).to_contain_text("7 cards")
        await expect(page.locator("#strip .thumb").nth(1).locator("img")).to_be_visible()
        await page.mouse.up()
        await expect(page.get_by_role("button", name="Start with a frame")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.unroute("**/identify")
        await thumb.focus()
        await drop(page, photo(page_of(home.cards(7, 2), seed=83), "third.jpg"))
        await expect(page.locator("#totals")).to_contain_text("9 cards")
        await expect(thumb).to_be_focused()
        assert complaints(watched) == []
