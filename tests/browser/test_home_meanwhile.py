"""What goes on beside what a person does: uploads, reloads, a service that was away."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Page, Route, expect

from tests.browser.home import (
    Home,
    answered,
    complaints,
    drop,
    foreign_cards,
    page_of,
    photo,
    shown_scan_id,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def hold_uploads(page: Page) -> asyncio.Event:
    """Has pictures that are sent from now on wait for what is returned."""
    may_go = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_go.wait()
        await route.continue_()

    await page.route("**/identify", hold)
    return may_go


async def test_focus_and_a_click_that_has_begun_outlast_the_uploads_beside_them(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        await drop(page, photo(page_of(home.cards(0, 4), seed=81), "first.jpg"))
        await answered(page, 4)
        may_go = await hold_uploads(page)
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


_PICTURES_THERE = """() => {
  const images = [...document.querySelectorAll(".picture img, .card-row img, #strip img")];
  images.forEach((one) => { one.loading = "eager"; });
  const missing = document.querySelectorAll(".card-row .no-picture").length;
  const isThere = (one) => !one.hidden && one.complete && one.naturalWidth;
  return !missing && images.length > 0 && images.every(isThere);
}"""


async def known_scan(home: Home, page: Page) -> str:
    """The id of a scan of three cards that the service has."""
    await drop(page, photo(page_of(home.cards(0, 3), seed=84)))
    await answered(page, 3)
    scan_id = await shown_scan_id(page)
    await page.goto("about:blank")
    return scan_id


async def test_pictures_that_did_not_come_while_the_service_was_away_come_when_it_is_back(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        scan_id = await known_scan(home, page)

        for path in ("**/image*", "**/ready"):
            await page.route(path, lambda route: route.abort())
        await page.goto(f"{home.base_url}/#scan={scan_id}")
        await answered(page, 3)
        await expect(page.locator("#notice")).to_contain_text("No connection")
        await expect(page.locator(".card-row .no-picture").first).to_be_visible()
        await page.unroute_all()
        await page.wait_for_function(_PICTURES_THERE)
        await expect(page.locator("#notice")).to_be_hidden()


async def test_pictures_that_were_refused_come_after_the_login(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        scan_id = await known_scan(home, page)

        async def refuse(route: Route) -> None:
            await route.fulfill(status=401, json={"title": "No key", "code": "no_key"})

        await page.route("**/image*", refuse)
        await page.goto(f"{home.base_url}/#scan={scan_id}")
        await answered(page, 3)
        await expect(page.locator(".card-row .no-picture").first).to_be_visible()
        await page.wait_for_timeout(300)  # each is tried once more
        await page.route("**/login", lambda route: route.fulfill(status=204))
        await page.route("**/detections/*?explain=true", refuse)
        await page.locator(".card-row").first.click()
        await page.locator("#login input").fill("a key")
        await page.unroute("**/image*", refuse)
        await page.unroute("**/detections/*?explain=true", refuse)
        await page.keyboard.press("Enter")
        await page.wait_for_function(_PICTURES_THERE)


async def test_what_is_on_its_way_joins_the_review_and_an_export_says_that_it_lacks_it(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        await drop(page, photo(page_of([*home.cards(20, 2), *foreign_cards(1)], seed=86), "first.jpg"))
        await answered(page, 3)
        may_go = await hold_uploads(page)
        await drop(page, photo(page_of([*home.cards(23, 1), *foreign_cards(3)[1:]], seed=87), "second.jpg"))
        await expect(page.locator("#totals")).to_contain_text("1 picture on the way")
        async with page.expect_download():
            await page.click("#csv")
        await expect(page.locator("#trouble")).to_contain_text("This file lacks 1 picture still on the way")
        left = await to_look_at(page)
        await page.click("#review")
        for _ in range(left):
            await page.keyboard.press("n")
        finished = page.locator("#card [data-part=finished]")
        await expect(finished).to_contain_text("1 picture still on the way")
        may_go.set()
        more = finished.get_by_role("button", name="Look at 2 more")
        await more.click()
        await expect(page.locator("#card-title")).to_have_text("2 to look at")
        await expect(page.locator("[data-part=scan-name]")).to_contain_text("second.jpg")
        for _ in range(2):
            await page.keyboard.press("n")
        await expect(finished).to_contain_text("That was all")
        await page.keyboard.press("Escape")
        async with page.expect_download():
            await page.click("#csv")
        await expect(page.locator("#trouble-bar")).to_be_hidden()
        assert complaints(watched) == []


async def test_a_link_to_a_scan_opens_it_and_one_that_leads_nowhere_says_so(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        scan_id = await known_scan(home, page)
        nowhere = "00000000-0000-4000-8000-000000000000"
        await page.goto(f"{home.base_url}/#scan={nowhere}")
        trouble = page.locator("#trouble")
        await expect(trouble).to_contain_text("There is no such scan here")
        await expect(page.locator("#start")).to_be_visible()
        assert "#" not in page.url
        await page.evaluate("(id) => { location.hash = `scan=${id}`; }", scan_id.upper())
        await answered(page, 3)
        await expect(trouble).to_be_hidden()
        for broken in (nowhere, "half-a-link"):
            await page.evaluate("(id) => { location.hash = `scan=${id}`; }", broken)
            await expect(trouble).to_be_visible()
            await expect(trouble).to_contain_text("There is no such scan here")
            await expect(page).to_have_url(f"{home.base_url}/#scan={scan_id}")
            await page.click("#trouble-close")


async def test_a_drawing_ends_with_the_scan_that_it_was_on(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        files = [photo(page_of(home.cards(at, 2), seed=88 + at), f"{at}.jpg") for at in (0, 2)]
        await drop(page, *files)
        await expect(page.locator("#totals")).to_contain_text("4 cards")
        await page.click("#draw")
        await page.get_by_role("button", name="Start with a frame").click()
        await page.locator("#strip .thumb").nth(1).click()
        await page.locator(".card-row").first.click()
        await page.keyboard.press("Escape")  # of the card alone
        await expect(page.locator("#card")).to_be_hidden()
        await expect(page.locator("#draw")).to_be_visible()
        await page.click("#draw")
        await page.click("#open-history")
        await page.keyboard.press("Escape")
        await expect(page.locator("#history")).to_be_hidden()
        await expect(page.get_by_role("button", name="Start with a frame")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#draw")).to_be_focused()
        assert complaints(watched) == []


_COUNT_BLOBS = """() => {
  window.inMemory = new Set();
  const [make, forget] = [URL.createObjectURL.bind(URL), URL.revokeObjectURL.bind(URL)];
  URL.createObjectURL = (of) => { const made = make(of); inMemory.add(made); return made; };
  URL.revokeObjectURL = (address) => { inMemory.delete(address); forget(address); };
}"""


async def test_a_picture_that_is_taken_away_or_shown_by_the_service_leaves_the_memory(home: Home) -> None:
    scene = page_of(home.cards(0, 2), seed=91)
    with BytesIO() as coded:
        Image.fromarray(scene.image).save(coded, "TIFF")
        tiff: FilePayload = {"name": "scan.tif", "mimeType": "image/tiff", "buffer": coded.getvalue()}
    async with home.opened() as watched:
        page = watched.page
        await page.evaluate(_COUNT_BLOBS)
        await drop(page, tiff, photo(page_of(home.cards(2, 2), seed=92), "photo.jpg"))
        await expect(page.locator("#totals")).to_contain_text("4 cards")
        pictures = page.locator("#strip img")
        await expect(pictures).to_have_count(2)
        for picture in (page.locator(".picture img"), pictures.nth(0), pictures.nth(1)):
            await expect(picture).not_to_have_js_property("naturalWidth", 0)
        assert await page.evaluate("inMemory.size") == 2, "the photo and its small picture"
        for name in ("scan.tif", "photo.jpg"):
            await page.get_by_role("button", name=f"Close {name}").click()
        await expect(page.locator("#start")).to_be_visible()
        assert await page.evaluate("inMemory.size") == 0
        assert complaints(watched) == []


async def test_past_scans_are_listed_once_and_what_was_left_is_not_opened(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        scan_id = await known_scan(home, page)
        await page.goto(f"{home.base_url}/")
        listed = {
            "scan_id": scan_id,
            "created_at": "2026-01-02T03:04:05Z",
            "accepted": 3,
            "review": 0,
            "unknown": 0,
        }

        async def list_slowly(route: Route) -> None:
            if "before=" in route.request.url or "status=" in route.request.url:
                await asyncio.sleep(0.2 if "before=" in route.request.url else 0.4)
            more = None if "before=" in route.request.url else "2026-01-02T03:04:05Z"
            await route.fulfill(json={"scans": [listed] * 2, "next_before": more})

        await page.route("**/scans?*", list_slowly)
        await page.click("#open-history")
        rows = page.locator("#history-scans > li")
        await expect(rows).to_have_count(2)
        await page.locator("#history-more").dblclick()
        await page.wait_for_timeout(500)
        await expect(rows).to_have_count(4)
        await page.evaluate("""() => {
          const status = document.getElementById("history-status");
          for (const value of ["", "review"]) {
            status.value = value;
            status.dispatchEvent(new Event("change"));
          }
        }""")
        await page.wait_for_timeout(700)
        await expect(rows).to_have_count(2)

        async def open_slowly(route: Route) -> None:
            await asyncio.sleep(0.3)
            await route.continue_()

        await page.route(f"**/scans/{scan_id}", open_slowly)
        await page.click("#history-open")
        await page.keyboard.press("Escape")
        await page.wait_for_timeout(600)
        await expect(page.locator("#start")).to_be_visible()
        assert complaints(watched) == []


async def to_look_at(page: Page) -> int:
    """How many cards the button counts."""
    words = await page.locator("#review").inner_text()
    return int(words.removeprefix("Review").strip() or 0)
