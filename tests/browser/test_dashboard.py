"""The quality page in a real browser: figures lead to their scans, by keyboard, and nobody else is asked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from playwright.async_api import Browser, Page, Route, expect

from app.domain.types import StoredImage
from app.services.runtime import Runtime
from app.synthesis.scenes import Scene
from scripts.screenshots.browser import PHONE_PX, open_page
from tests.fakes.service import card_picture, png
from tests.integration.db.builders import scan
from tests.service import as_upload

Json = dict[str, Any]


async def judged_scan(client: httpx.AsyncClient, runtime: Runtime, page: Scene) -> Json:
    """A scan of which people judged two cards right; a third one, they say, is no card, and that waits."""
    made: Json = (await client.post("/identify", files=as_upload(page.image))).json()
    for place, found in enumerate(made["cards"][:3]):
        said = {
            "detection_id": found["detection_id"],
            "verdict": "card",
            "card_id": page.cards[place].card_id,
        }
        if place == 2:
            said = {"detection_id": found["detection_id"], "verdict": "not_a_card"}
        assert (await client.post("/corrections", json=said)).status_code == 202
    await runtime.learning.run_once()
    return made


async def disputed_scan(client: httpx.AsyncClient, runtime: Runtime, page: Scene) -> None:
    """A scan with an accepted card that a person says is another one: the gallery is sure that it is not.

    It is not one of those that ``judged_scan`` judges: of the same crop the last word would count.
    """
    made: Json = (await client.post("/identify", files=as_upload(page.image))).json()
    place = next(n for n in range(3, 9) if made["cards"][n]["status"] == "accepted")
    other = page.cards[(place + 4) % 9].card_id
    said = {"detection_id": made["cards"][place]["detection_id"], "verdict": "card", "card_id": other}
    stored = (await client.post("/corrections", json=said)).json()
    await runtime.learning.run_once()
    now = (await client.get(f"/corrections/{stored['correction_id']}")).json()
    assert now["status"] == "quarantined", now


async def reach(page: Page, selector: str, most: int = 120) -> None:
    """Tabs on until that element has the focus."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        if await page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")


async def test_figures_lead_to_their_scans_by_keyboard_and_nobody_else_is_asked(
    browser: Browser, base_url: str, client: httpx.AsyncClient, runtime: Runtime, page: Scene
) -> None:
    made = await judged_scan(client, runtime, page)
    async with open_page(browser, base_url) as watched:
        shown = watched.page
        await shown.goto(f"{base_url}/dashboard")
        await expect(shown.locator("#tiles")).to_contain_text("9 cards")
        await reach(shown, "#tiles a[href*='judged=right']")
        await shown.keyboard.press("Enter")
        panel = shown.locator("#behind")
        await expect(panel).to_be_visible()
        await expect(panel.locator("#behind-conditions")).to_contain_text("judged right")
        await expect(panel.locator("#behind-scans > li")).to_have_count(1)
        link = panel.locator("#behind-scans a")
        assert await link.get_attribute("href") == f"./#scan={made['scan_id']}"
        kept = shown.url
        await shown.keyboard.press("Escape")
        await expect(panel).to_be_hidden()
        await expect(shown).not_to_have_url(re.compile("#behind"))  # a step after it is hidden
        await shown.go_back()
        await expect(panel).to_be_visible()
        await reach(shown, "#behind-scans a")
        await shown.keyboard.press("Enter")
        await expect(shown).to_have_url(f"{base_url}/#scan={made['scan_id']}")
        await shown.goto(kept)
        await expect(panel.locator("#behind-scans > li")).to_have_count(1)
        assert watched.troubles == []


async def test_an_accepted_answer_in_dispute_stands_beside_those_judged_right(
    browser: Browser, base_url: str, client: httpx.AsyncClient, runtime: Runtime, page: Scene
) -> None:
    await judged_scan(client, runtime, page)
    await disputed_scan(client, runtime, page)
    async with open_page(browser, base_url) as watched:
        shown = watched.page
        await shown.goto(f"{base_url}/dashboard")
        tile = shown.locator("#tiles > div", has_text="Right where accepted")
        await expect(tile).to_contain_text("2 more are disputed; if all of these are wrong: 50.0\u00a0%")
        await expect(shown.locator("#disputed img")).to_have_count(2)
        await expect(shown.locator("#standing tr", has_text="learned")).to_contain_text("2")
        await expect(shown.locator("#standing tr", has_text="in quarantine")).to_contain_text("2")
        await tile.locator("a[href*='judged=disputed']").click()
        await expect(shown.locator("#behind-conditions")).to_contain_text("disputed")
        await expect(shown.locator("#behind-scans > li")).to_have_count(2)
        assert watched.troubles == []


async def test_reasons_that_are_not_listed_are_counted(
    browser: Browser, base_url: str, client: httpx.AsyncClient, runtime: Runtime, page: Scene
) -> None:
    await judged_scan(client, runtime, page)
    figures: Json = (await client.get("/quality")).json() | {"more_reasons": 4}
    async with open_page(browser, base_url) as watched:
        await watched.page.route("**/quality?*", lambda route: route.fulfill(json=figures))
        await watched.page.goto(f"{base_url}/dashboard")
        await expect(watched.page.locator("#corrections")).to_contain_text("4 rarer reasons not listed")


async def test_every_link_of_a_figure_finds_the_scan_that_it_counts(
    browser: Browser, base_url: str, client: httpx.AsyncClient, runtime: Runtime, page: Scene
) -> None:
    """Whatever stands behind a figure that is not zero: here it can only be the one scan."""
    await judged_scan(client, runtime, page)
    async with open_page(browser, base_url, PHONE_PX, "dark") as watched:
        await watched.page.goto(f"{base_url}/dashboard")
        await expect(watched.page.locator("#tiles")).to_contain_text("9 cards")
        hrefs = await watched.page.eval_on_selector_all(
            "a[href^='#behind']", "(links) => links.map((link) => link.getAttribute('href'))"
        )
        width, scrolled = await watched.page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
        assert scrolled <= width, "the page is wider than the phone"
        assert watched.troubles == []
    assert len(set(hrefs)) > 15
    for href in sorted(set(hrefs)):
        found = await client.get(f"/scans?{href.partition('?')[2]}")
        assert found.status_code == 200, (href, found.text)
        # No scan took longer than the only one, and no answer was decided by what came after it.
        is_behind = "slower_than_ms" not in href and "learnt" not in href
        assert len(found.json()["scans"]) == is_behind, href


async def test_a_service_without_scans_says_so_and_more_of_many_come_page_by_page(
    browser: Browser, base_url: str, runtime: Runtime
) -> None:
    async with open_page(browser, base_url) as watched:
        shown = watched.page
        await shown.goto(f"{base_url}/dashboard")
        await expect(shown.locator("#nothing")).to_be_visible()
        await expect(shown.locator("#figures")).to_be_hidden()
        for number in range(13):
            empty = scan(created_at=datetime.now(UTC) - timedelta(seconds=number))
            await runtime.scans.save(empty, StoredImage("image/png", png(card_picture(number))), [], None)
        await shown.click("#filters button")
        await shown.click("#tiles a")
        scans = shown.locator("#behind-scans > li")
        await expect(scans).to_have_count(12)
        await shown.click("#behind-more")
        await expect(scans).to_have_count(13)
        await expect(shown.locator("#behind-more")).to_be_hidden()
        await expect(shown.locator("#behind-message")).to_contain_text("13 scans shown, no more")
        await expect(scans.nth(12).locator("a")).to_be_focused()
        assert watched.troubles == []
        await shown.goto(f"{base_url}/dashboard#behind?status=lost")
        await shown.reload()
        await expect(shown.locator("#behind-message")).to_contain_text("status")


async def test_the_first_figures_are_asked_for_once_with_the_page_and_show_asks_for_the_same(
    browser: Browser, base_url: str, client: httpx.AsyncClient
) -> None:
    """The service tells their address with the page: were it another one, all would be counted twice."""
    async with open_page(browser, base_url) as watched:
        asked: list[str] = []
        watched.page.on("request", lambda one: asked.append(one.url) if "/quality" in one.url else None)
        await watched.page.goto(f"{base_url}/dashboard", wait_until="networkidle")
        await expect(watched.page.locator("#message")).to_be_empty()
        async with watched.page.expect_response("**/quality?*"):
            await watched.page.click("#filters button")
        assert len(asked) == 2
        assert asked[0] == asked[1]


async def test_the_address_of_chosen_figures_can_be_kept_and_they_are_asked_for_once(
    browser: Browser, base_url: str, client: httpx.AsyncClient
) -> None:
    async with open_page(browser, base_url) as watched:
        await watched.page.goto(f"{base_url}/dashboard", wait_until="networkidle")
        await watched.page.select_option("#filters select[name=days]", "7")
        await watched.page.click("#filters button")
        kept = watched.page.url
        assert "days=7" in kept
        asked: list[str] = []
        watched.page.on("request", lambda one: asked.append(one.url) if "/quality" in one.url else None)
        await watched.page.goto("about:blank")
        await watched.page.goto(kept, wait_until="networkidle")
        assert await watched.page.input_value("#filters select[name=days]") == "7"
        assert len(asked) == 1
        assert watched.troubles == []


async def test_a_picture_that_a_busy_service_refuses_is_asked_for_again(
    browser: Browser, base_url: str, client: httpx.AsyncClient, runtime: Runtime, page: Scene
) -> None:
    await judged_scan(client, runtime, page)
    refused = 0

    async def busy(route: Route) -> None:
        nonlocal refused
        refused += 1
        if refused > 2:  # the picture itself, and why it did not come
            await route.continue_()
            return
        await route.fulfill(status=503, headers={"Retry-After": "1"}, json={"code": "memory_tight"})

    async with open_page(browser, base_url) as watched:
        await watched.page.route("**/scans/*/image?height_px=*", busy)
        await watched.page.goto(f"{base_url}/dashboard")
        await expect(watched.page.locator("#tiles")).to_contain_text("9 cards")
        await watched.page.locator("#tiles a[href*='judged=right']").first.click()
        image = watched.page.locator("#behind-scans img[src*='height_px']")
        await expect(image).not_to_have_js_property("naturalWidth", 0)
    assert refused == 3
