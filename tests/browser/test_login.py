"""The dashboard of a service with keys: whoever logs in there follows its links and sees its pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Browser, Page, expect
from pydantic import SecretStr

from app.api.login import COOKIE_NAME
from app.main import open_runtime
from app.services.runtime import Runtime
from app.synthesis.scenes import Scene
from scripts.screenshots.browser import open_page
from tests.service import as_upload, offline_settings

KEYS = SecretStr("shop:identify+correct:a-good-long-key")


@pytest.fixture
async def runtime(gallery_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runtime]:
    """The wired service, with keys."""
    settings = offline_settings(gallery_url, tmp_path_factory.mktemp("data"), api_keys=KEYS)
    async with open_runtime(settings) as opened:
        yield opened


@pytest.fixture
async def scan_id(base_url: str, page: Scene) -> str:
    """A scan that a program made with its key."""
    async with httpx.AsyncClient(base_url=base_url, headers={"X-API-Key": "a-good-long-key"}) as program:
        made = await program.post("/identify", files=as_upload(page.image), timeout=60)
    assert made.status_code == 200, made.text
    return str(made.json()["scan_id"])


async def log_in(shown: Page, key: str) -> None:
    await shown.locator("#login input").fill(key)
    await shown.keyboard.press("Enter")


async def test_who_logs_in_follows_links_sees_pictures_and_logs_out(
    browser: Browser, base_url: str, scan_id: str
) -> None:
    async with open_page(browser, base_url) as watched:
        shown = watched.page
        # The overlay's own address: its login must not lie under it.
        await shown.goto(f"{base_url}/dashboard#behind?status=accepted")
        login = shown.locator("#login")
        await expect(login).to_be_visible()
        await log_in(shown, "a-wrong-key")
        await expect(login.locator("[role=alert]")).to_have_text("this key is not known")
        await log_in(shown, "a-good-long-key")
        await expect(login).to_be_hidden()
        panel = shown.locator("#behind")
        await expect(panel.locator("#behind-scans > li")).to_have_count(1)
        await expect(panel.locator("img")).to_have_js_property("complete", True)
        assert await panel.locator("img").evaluate("(image) => image.naturalWidth") > 0
        [cookie] = await shown.context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (COOKIE_NAME, True, "Strict")
        assert "a-good-long-key" not in f"{cookie} {shown.url} {await shown.evaluate('document.cookie')}"
        await panel.locator("#behind-scans a").click()
        await expect(shown).to_have_url(f"{base_url}/#scan={scan_id}")
        await expect(shown.locator(".outline")).to_have_count(9)
        # Nobody is asked again; after a logout everybody is.
        await shown.goto(f"{base_url}/dashboard")
        await expect(shown.locator("#tiles")).to_contain_text("9 cards")
        await shown.click("#log-out")
        await expect(login).to_be_visible()
        assert await shown.context.cookies() == []
        assert [trouble for trouble in watched.troubles if "401" not in trouble] == []


async def test_who_does_not_log_in_is_told_so_and_asked_again_when_he_wants(
    browser: Browser, base_url: str
) -> None:
    async with open_page(browser, base_url) as watched:
        shown = watched.page
        await shown.goto(f"{base_url}/dashboard")
        await expect(shown.locator("#login")).to_be_visible()
        await shown.keyboard.press("Escape")
        await expect(shown.locator("#login")).to_have_count(0)
        await expect(shown.locator("#message")).to_contain_text("You are not logged in")
        await shown.click("#filters button")
        await expect(shown.locator("#login")).to_be_visible()
        await log_in(shown, "a-good-long-key")
        await expect(shown.locator("#nothing")).to_be_visible()
