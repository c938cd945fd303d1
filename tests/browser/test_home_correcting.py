"""Corrections on the page: by a click, by search, by drawing; learnt, and taken back."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Locator, Page, expect

from app.domain.geometry import quad_iou
from tests.browser.home import (
    ANSWER_MS,
    Home,
    Json,
    answered,
    complaints,
    drop,
    page_of,
    photo,
    shown_scan_id,
)
from tests.service import import_manifest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def judged(home: Home, scan_id: str) -> list[Json]:
    """What the service knows of a scan's corrections."""
    async with home.client() as client:
        listed: list[Json] = (await client.get(f"/scans/{scan_id}/corrections")).json()["corrections"]
    return listed


def fate(page: Page) -> Locator:
    return page.locator("#card .fate")


async def test_a_card_is_corrected_by_a_click_learnt_and_taken_back(home: Home) -> None:
    scene = page_of(home.cards(0), seed=31)
    async with home.opened() as watched:
        page = watched.page
        await drop(page, photo(scene))
        await answered(page)
        await page.locator(".outline").nth(3).click()
        right = scene.cards[3].card_id
        await page.locator(f"#card .choices [data-card='{right}']").click()
        await expect(page.locator("#card .verdict .chip")).to_have_text("confirmed")
        await expect(fate(page)).to_contain_text("learned", timeout=ANSWER_MS)
        scan_id = await shown_scan_id(page)
        (said,) = await judged(home, scan_id)
        assert (said["status"], said["card_id"], said["verdict"]) == ("learned", right, "card")
        await page.reload()
        await expect(page.locator(".card-row.confirmed")).to_have_count(1)
        await page.locator(".card-row").nth(3).click()
        await page.locator("#card .undo").click()
        await expect(page.locator("#card .verdict .chip")).not_to_have_text("confirmed")
        await expect(page.locator(".card-row.confirmed")).to_have_count(0)
        await page.wait_for_timeout(300)
        (said,) = await judged(home, scan_id)
        assert said["status"] == "undone"
        assert complaints(watched) == []


async def test_a_card_that_came_to_the_gallery_later_is_found_by_set_and_number(home: Home) -> None:
    scene = page_of(home.cards(11), seed=32)
    card = home.gallery.cards[15].card
    await home.runtime.gallery.remove_cards([card.card_id])
    async with home.opened() as watched:
        page = watched.page
        await drop(page, photo(scene))
        await answered(page)
        before = await page.locator(".card-row").nth(4).get_attribute("class")
        await import_manifest(home.runtime, home.gallery.manifest, home.gallery.folder)
        await page.locator(".card-row").nth(4).click()
        assert card.set_id is not None
        assert card.number is not None
        typed = f"{card.set_id} {card.number.partition('/')[0].lstrip('0')}"
        await page.get_by_label("Search the gallery").fill(typed)
        found = page.locator("#card .results .choice")
        await expect(found.first).to_have_attribute("data-card", card.card_id)
        await page.keyboard.press("Enter")
        await expect(page.locator("#card .verdict strong")).to_have_text(card.name)
        await expect(fate(page)).to_contain_text("learned", timeout=ANSWER_MS)
        assert before is not None
        assert "accepted" not in before, "its card was not in the gallery"
        async with home.client() as client:
            again = (await client.post("/identify", files={"image": photo(scene)["buffer"]})).json()
        assert again["cards"][4]["card"]["card_id"] == card.card_id
        assert complaints(watched) == []


async def test_why_a_card_was_named_so_is_shown_and_not_a_card_takes_it_off_the_totals(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        await drop(page, photo(page_of(home.cards(9), seed=33)))
        await answered(page)
        await page.locator(".card-row.accepted").first.click()
        await page.locator("#matches").check(timeout=ANSWER_MS)
        assert await page.locator("#card .patch:not(.alone) line").count() > 10
        facts = page.locator("#card .facts")
        for fact in ("Similarity", "Patches in place", "Decided by"):
            await expect(facts).to_contain_text(fact)
        await page.get_by_role("button", name="Not a card").click()
        await page.keyboard.press("Escape")
        await expect(page.locator("#totals")).to_contain_text("8 cards")
        await expect(page.locator(".card-row.crossed")).to_contain_text("Not a card")
        # Whoever changes their mind has the last word; taking that back leaves the first one.
        await page.locator(".card-row.crossed").click()
        await page.locator("#card .choices .choice").first.click()
        await expect(page.locator("#totals")).to_contain_text("9 cards")
        scan_id = await shown_scan_id(page)
        await expect(fate(page)).not_to_contain_text("being saved")
        said = await judged(home, scan_id)
        assert [one["verdict"] for one in said] == ["not_a_card", "card"]
        assert "undone" not in {one["status"] for one in said}
        await page.locator("#card .undo").click()
        await expect(page.locator("#totals")).to_contain_text("8 cards")
        assert complaints(watched) == []


async def test_a_missed_card_is_drawn_with_four_corners_and_named(home: Home) -> None:
    scene = page_of(home.cards(27), seed=34)
    wanted = scene.cards[4]
    async with home.opened() as watched:
        page = watched.page
        await drop(page, photo(scene))
        await answered(page)
        await page.click("#draw")
        await page.keyboard.press("Escape")
        await expect(page.locator(".drawn")).to_have_count(0)
        await page.click("#draw")
        # The other way round than the service wants them: the first is the card's own top left all the same.
        await click_corners(page, scene.image.shape, wanted.quad_px[[0, 3, 2, 1]])
        handle = page.locator(".handle").nth(2)
        await expect(handle).to_be_visible()
        await handle.focus()
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowLeft")
        await page.get_by_role("button", name="Name this card").click()
        await page.locator(".naming input").fill(wanted.name)
        await page.locator(f".naming [data-card='{wanted.card_id}']").click()
        await answered(page, 10)
        await expect(page.locator(".card-row.confirmed")).to_contain_text(wanted.name)
        await expect(page.locator(".card-row.confirmed .fate")).not_to_contain_text("being saved")
        (said,) = await judged(home, await shown_scan_id(page))
        assert said["card_id"] == wanted.card_id
        assert quad_iou(np.array(said["quad"], float), wanted.quad_px) > 0.95
        assert np.abs(np.array(said["quad"]) - wanted.quad_px).max() < 6
        await page.locator(".card-row.confirmed").click()
        await page.locator("#card .undo").click()
        await expect(page.locator("#card")).to_be_hidden()
        await answered(page, 9)
        assert complaints(watched) == []


async def test_a_missed_card_is_drawn_by_keyboard(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        await drop(page, photo(page_of(home.cards(36), seed=35)))
        await answered(page)
        await page.locator("#draw").press("Enter")
        await page.get_by_role("button", name="Start with a frame").press("Enter")
        first = page.locator(".handle").first
        await expect(first).to_be_focused()
        label = await first.get_attribute("aria-label")
        await page.keyboard.press("Shift+ArrowUp")
        await expect(first).to_be_focused()
        assert await first.get_attribute("aria-label") != label
        await page.get_by_role("button", name="Name this card").press("Enter")
        await page.get_by_role("button", name="Not in the gallery").last.press("Enter")
        await expect(page.locator(".card-row.absent")).to_have_count(1)
        await expect(page.locator(".card-row.absent")).to_contain_text(
            re.compile("saved|learned|kept|not used")
        )
        assert complaints(watched) == []


async def click_corners(page: Page, shape: tuple[int, ...], quad_px: Any) -> None:
    """Clicks where those corners are seen."""
    picture = page.locator(".picture img")
    await picture.scroll_into_view_if_needed()
    box = await picture.bounding_box()
    assert box is not None
    for x, y in quad_px:
        await page.mouse.click(
            box["x"] + x * box["width"] / shape[1], box["y"] + y * box["height"] / shape[0]
        )
