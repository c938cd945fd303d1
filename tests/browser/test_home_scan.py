"""A scan on the page: dropped, outlined where its cards are, named, and found again."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.async_api import expect

from app.domain.geometry import quad_iou
from scripts.screenshots.browser import PHONE_PX
from tests.browser.home import (
    Home,
    answered,
    complaints,
    drop,
    is_wider_than_screen,
    page_of,
    photo,
    shown_scan_id,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

_EDGES = """() => [...document.querySelectorAll(".outline .edge")].map((edge) => {
  const image = document.querySelector(".picture img").getBoundingClientRect();
  const matrix = edge.getScreenCTM();
  return [...edge.points].map((corner) => {
    const seen = corner.matrixTransform(matrix);
    return [(seen.x - image.x) / image.width, (seen.y - image.y) / image.height];
  });
})"""


async def test_a_dropped_page_gets_nine_outlines_where_the_labels_say_its_cards_are(home: Home) -> None:
    scene = page_of(home.cards(0), seed=21)
    async with home.opened() as watched:
        page = watched.page
        await drop(page, photo(scene))
        await answered(page)
        # As they are seen on the screen, over the picture as it is shown.
        shares = np.array(await page.evaluate(_EDGES))
        height_px, width_px = scene.image.shape[:2]
        outlines_px = shares * (width_px, height_px)
        overlaps = [
            quad_iou(outline, placed.quad_px)
            for outline, placed in zip(outlines_px, scene.cards, strict=True)
        ]
        assert min(overlaps) > 0.9, overlaps
        names = await page.locator(".card-row strong").all_inner_texts()
        assert names == [placed.name for placed in scene.cards], "in page order"
        labels = await page.locator(".outline .label text").all_text_contents()
        for label, name in zip(labels, names, strict=True):
            assert name.startswith(label.removesuffix("…")), (label, name)
        await expect(page.locator("#totals")).to_contain_text("9 cards")
        pictures = page.locator(".card-row img")
        await expect(pictures).to_have_count(18)
        for index in (0, 1, 16, 17):
            await pictures.nth(index).scroll_into_view_if_needed()
            await expect(pictures.nth(index)).not_to_have_js_property("naturalWidth", 0)
        assert complaints(watched) == []


async def test_a_card_and_its_outline_light_up_together_and_states_differ_without_colour(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        await drop(page, photo(page_of(home.cards(0), seed=22)))
        await answered(page)
        lit = re.compile(r"\blit\b")
        outline, row = page.locator(".outline"), page.locator(".card-row")
        await row.nth(4).hover()
        await expect(outline.nth(4)).to_have_class(lit)
        await outline.nth(2).hover()
        await expect(row.nth(2)).to_have_class(lit)
        await expect(row.nth(4)).not_to_have_class(lit)
        await row.nth(6).focus()
        await expect(outline.nth(6)).to_have_class(lit)
        styles = await page.evaluate(
            """() => ["accepted", "review", "unknown"].map((kind) => {
              const group = document.querySelector(".outline");
              group.setAttribute("class", `outline ${kind}`);
              return getComputedStyle(group.querySelector(".edge")).strokeDasharray;
            })"""
        )
        assert len(set(styles)) == 3, styles
        assert complaints(watched) == []


async def test_pasted_pictures_queue_and_a_reload_finds_the_scan_again(home: Home) -> None:
    first, second = (photo(page_of(home.cards(9), seed=seed), f"{seed}.jpg") for seed in (23, 24))
    async with home.opened(PHONE_PX) as watched:
        page = watched.page
        await drop(page, first, second, by="paste")
        await expect(page.locator("#strip .thumb")).to_have_count(2)
        await expect(page.locator("#totals")).to_contain_text("18 cards", timeout=60_000)
        assert not await is_wider_than_screen(page)
        await page.locator("#strip .thumb").nth(1).click()
        await expect(page.locator(".tools .name")).to_have_text("24.jpg")
        scan_id = await shown_scan_id(page)
        await page.reload()
        await answered(page)
        assert await shown_scan_id(page) == scan_id
        await page.click("#open-history")
        await page.get_by_role("button", name=re.compile("^Open these")).click()
        await expect(page.locator("#history")).to_be_hidden()
        assert await page.locator("#strip .thumb").count() >= 2
        await answered(page)
        assert complaints(watched) == []


async def test_the_page_weighs_less_than_200_kilobytes_without_pictures(home: Home) -> None:
    async with home.opened() as watched:
        await watched.page.wait_for_load_state("networkidle")
        sizes = await watched.page.evaluate(
            """() => performance.getEntries()
              .filter((one) => one.entryType === "navigation" || one.entryType === "resource")
              .map((one) => [one.name, one.decodedBodySize])"""
        )
    names = [name for name, _ in sizes]
    assert any(name.endswith("home/draw.js") for name in names), "everything is loaded"
    assert sum(size for _, size in sizes) < 200_000, sizes
