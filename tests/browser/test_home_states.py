"""What the page says when something is in the way: and that it goes on by itself where it can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route, expect
from pydantic import SecretStr

from app.api.login import COOKIE_NAME
from app.main import open_runtime
from app.services.runtime import Runtime
from app.synthesis.scenes import Scene
from scripts.screenshots.browser import DESKTOP_PX, PHONE_PX, ColourScheme, open_page
from scripts.screenshots.service import served
from tests.browser.home import (
    ANSWER_MS,
    Home,
    answered,
    bare_table,
    complaints,
    drop,
    foreign_cards,
    is_wider_than_screen,
    page_of,
    photo,
)
from tests.service import offline_settings
from tests.serving import Served, is_ready

shared = pytest.mark.asyncio(loop_scope="session")

KEY = "a-good-long-key"


def expected_only(troubles: list[str], *statuses: int) -> bool:
    """Whether the browser complained of nothing but replies with these statuses, which it always does."""
    return all(any(f"status of {one} " in trouble for one in statuses) for trouble in troubles)


@shared
async def test_a_wrong_file_a_damaged_one_and_a_bare_table_say_what_to_do(home: Home) -> None:
    damaged = photo(page_of(home.cards(0), seed=61), "cut.jpg")
    damaged["buffer"] = damaged["buffer"][: len(damaged["buffer"]) // 2]
    text = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"a shopping list\n" * 50}
    for file, words in ((text, "Not a picture"), (damaged, "This picture is damaged")):
        async with home.opened() as watched:
            await drop(watched.page, file)  # type: ignore[arg-type]
            await expect(watched.page.get_by_role("heading", name=words)).to_be_visible()
            await watched.page.get_by_role("button", name="Take it away").click()
            await expect(watched.page.locator("#start")).to_be_visible()
            assert expected_only(watched.troubles, 415, 422), watched.troubles
    async with home.opened() as watched:
        await drop(watched.page, bare_table())
        await expect(watched.page.get_by_role("heading", name="No card found")).to_be_visible(
            timeout=ANSWER_MS
        )
        await expect(watched.page.locator("#draw")).to_be_visible()
        assert complaints(watched) == []


@shared
async def test_a_busy_service_is_asked_again_when_it_says_and_the_picture_shows_meanwhile(home: Home) -> None:
    refused = 0

    async def once(route: Route) -> None:
        nonlocal refused
        refused += 1
        if refused > 1:
            await route.continue_()
            return
        body = {"title": "All permits are taken", "code": "busy"}
        await route.fulfill(status=503, headers={"Retry-After": "2"}, json=body)

    async with home.opened() as watched:
        await watched.page.route("**/identify", once)
        await drop(watched.page, photo(page_of(home.cards(0), seed=62)))
        await expect(watched.page.locator("#scan")).to_contain_text(
            "The service is busy. Trying again in 2 s."
        )
        await expect(watched.page.locator(".picture img")).not_to_have_js_property("naturalWidth", 0)
        await answered(watched.page)
        assert refused == 2
        assert expected_only(watched.troubles, 503), watched.troubles


@shared
@pytest.mark.parametrize(("size_px", "colours"), [(DESKTOP_PX, "light"), (PHONE_PX, "dark")])
async def test_axe_finds_nothing_serious(home: Home, size_px: tuple[int, int], colours: ColourScheme) -> None:
    scene = page_of([*home.cards(0, 8), *foreign_cards(1)], seed=63)
    async with home.opened(size_px, colours) as watched:
        page = watched.page
        await axe_is_content(page, "start")
        await drop(page, photo(scene))
        await answered(page)
        await axe_is_content(page, "scan")
        await page.click("#draw")
        await page.get_by_role("button", name="Start with a frame").click()
        await axe_is_content(page, "drawing")
        await page.get_by_role("button", name="Name this card").click()
        await page.keyboard.type("e")
        await expect(page.locator(".naming .results .choice").first).to_be_visible()
        await axe_is_content(page, "naming")
        await page.get_by_role("button", name="Close", exact=True).last.click()
        await page.locator(".card-row").first.click()
        await page.locator("#matches").check()
        await axe_is_content(page, "card")
        await page.keyboard.press("Escape")
        await page.click("#review")
        await axe_is_content(page, "review")
        await page.keyboard.press("Escape")
        await page.click("#open-history")
        await expect(page.locator("#history-scans > li").first).to_be_visible()
        await axe_is_content(page, "history")
        assert complaints(watched) == []


async def axe_is_content(page: Page, state: str) -> None:
    assert not await is_wider_than_screen(page), state
    found = (await Axe().run(page)).response["violations"]
    serious = [
        (one["id"], [node["html"][:200] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == [], state


@pytest.fixture
async def without_gallery(database_url: str, tmp_path: Path) -> AsyncIterator[str]:
    """A service whose gallery is empty."""
    async with open_runtime(offline_settings(database_url, tmp_path)) as runtime, served(runtime) as base_url:
        yield base_url


async def test_without_a_gallery_the_page_says_how_to_import_one(
    browser: Browser, without_gallery: str, page: Scene
) -> None:
    async with open_page(browser, without_gallery) as watched:
        await watched.page.goto(f"{without_gallery}/")
        notice = watched.page.locator("#notice")
        await expect(notice).to_contain_text("binderlens gallery import MANIFEST --images DIR")
        await drop(watched.page, photo(page))
        await expect(watched.page.locator("#scan")).to_contain_text("No gallery yet", timeout=ANSWER_MS)
        assert expected_only(watched.troubles, 503), watched.troubles


@pytest.fixture
async def with_keys(gallery_url: str, tmp_path: Path) -> AsyncIterator[tuple[Runtime, str]]:
    """A service with keys."""
    settings = offline_settings(gallery_url, tmp_path, api_keys=SecretStr(f"shop:identify+correct:{KEY}"))
    async with open_runtime(settings) as runtime, served(runtime) as base_url:
        yield runtime, base_url


async def test_with_keys_one_login_is_asked_for_and_the_picture_that_waited_goes_on(
    browser: Browser, with_keys: tuple[Runtime, str], page: Scene
) -> None:
    _, base_url = with_keys
    async with open_page(browser, base_url, PHONE_PX) as watched:
        shown = watched.page
        await shown.goto(f"{base_url}/")
        await drop(shown, photo(page))
        await shown.locator("#login input").fill(KEY)
        await shown.keyboard.press("Enter")
        await answered(shown)
        await expect(shown.locator("#log-out")).to_be_visible()
        assert not await is_wider_than_screen(shown)
        for picture in (shown.locator(".pair img").nth(0), shown.locator(".pair img").nth(1)):
            await expect(picture).not_to_have_js_property("naturalWidth", 0)
        await shown.locator(".card-row").first.click()
        await shown.keyboard.press("1")
        await expect(shown.locator("#card .fate")).to_contain_text("saved")
        [cookie] = await shown.context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (COOKIE_NAME, True, "Strict")
        stored = await shown.evaluate(
            "JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + location"
        )
        assert KEY not in stored
        await shown.keyboard.press("Escape")
        await shown.click("#log-out")
        await shown.locator("#login input").wait_for()
        assert expected_only(watched.troubles, 401), watched.troubles


async def test_a_restart_in_the_middle_loses_nothing(
    browser: Browser, gallery_url: str, tmp_path: Path, page: Scene
) -> None:
    settings = {"database_url": gallery_url, "data_dir": tmp_path / "data"}
    service = Served(tmp_path, **settings)
    try:
        await asyncio.to_thread(service.wait_until, is_ready)
        async with open_page(browser, service.url) as watched:
            shown = watched.page
            await shown.goto(f"{service.url}/")
            await drop(shown, photo(page))
            await answered(shown)
            service.process.kill()
            service.process.wait()
            await drop(shown, photo(page, "second.jpg"))
            await shown.locator(".card-row").first.click()
            await shown.keyboard.press("1")
            await expect(shown.locator("#notice")).to_contain_text("No connection")
            await expect(shown.locator("#card .fate")).to_contain_text("being saved")
            await shown.keyboard.press("Escape")
            await expect(shown.locator("#strip .thumb").nth(1)).to_contain_text("waiting")
            service = Served(tmp_path, **settings, port=service.port)
            await asyncio.to_thread(service.wait_until, is_ready)
            await expect(shown.locator("#totals")).to_contain_text("18 cards", timeout=ANSWER_MS)
            await expect(shown.locator(".card-row.confirmed .fate")).to_contain_text(
                "learned", timeout=ANSWER_MS
            )
            await expect(shown.locator("#notice")).to_be_hidden(timeout=ANSWER_MS)
            assert all("ERR_" in one or "status of 503" in one for one in watched.troubles), watched.troubles
    finally:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()
