"""Review by keyboard alone, and the export that comes of it."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from app.synthesis.scenes import Scene
from tests.browser.home import Home, Json, complaints, drop, foreign_cards, page_of, photo

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ALL_SENT = """() => import(new URL("corrections.js", document.querySelector("script[type=module]").src))
  .then((module) => module.allSent())"""


async def two_pages(home: Home, page: Page, seed: int) -> list[Scene]:
    """Two answered pages; three of their 18 cards are not in the gallery."""
    foreign = foreign_cards(3)
    scenes = [
        page_of([*home.cards(8, 4), *foreign[:2], *home.cards(14, 3)], seed),
        page_of([*home.cards(29, 8), foreign[2]], seed + 1),
    ]
    await drop(page, *(photo(scene, f"{index}.jpg") for index, scene in enumerate(scenes)))
    await expect(page.locator("#totals")).to_contain_text("18 cards", timeout=60_000)
    return scenes


async def all_saved(page: Page) -> None:
    """Waits until nothing that was said is still to be sent."""
    await page.evaluate(_ALL_SENT)


async def known(home: Home) -> list[tuple[Json, list[Json]]]:
    """What the service knows of the two newest scans: each reply, and what people said."""
    async with home.client() as client:
        newest = (await client.get("/scans?limit=2")).json()["scans"]
        return [
            (
                (await client.get(f"/scans/{one['scan_id']}")).json(),
                (await client.get(f"/scans/{one['scan_id']}/corrections")).json()["corrections"],
            )
            for one in newest
        ]


async def test_what_needs_a_look_is_reviewed_by_keyboard_alone(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        await two_pages(home, page, seed=41)
        left = await page.locator(".outline").count() and await to_look_at(page)
        assert left >= 3
        await page.locator("#review").press("Enter")
        title = page.locator("#card-title")
        await expect(title).to_have_text(f"{left} to look at")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowLeft")
        await page.keyboard.press("n")
        await expect(title).to_have_text(f"{left - 1} to look at")
        await page.keyboard.press("u")  # the one before, which is shown again
        await expect(title).to_have_text(f"{left} to look at")
        await expect(page.locator("[data-part=scan-name]")).to_contain_text("0.jpg")
        await page.keyboard.press("x")
        await page.keyboard.press("ArrowDown")
        second = page.locator("#card [data-part=choices] .choice").nth(1)
        await expect(second).to_be_focused()
        chosen = await second.get_attribute("data-card")
        await page.keyboard.press("Enter")
        await expect(title).to_have_text(f"{left - 2} to look at")
        await page.keyboard.press("/")
        await page.keyboard.type("inv01 15")
        await expect(page.locator("#card .results .choice").first).to_be_visible()
        searched = await page.locator("#card .results .choice").first.get_attribute("data-card")
        await page.keyboard.press("Enter")
        for remaining in range(left - 3, 0, -1):
            await expect(title).to_have_text(f"{remaining} to look at")
            await page.keyboard.press("1")
        await expect(title).to_have_text("All looked at")
        await page.keyboard.press("Escape")
        await expect(page.locator("#card")).to_be_hidden()
        await expect(page.locator("#review")).to_have_text("Review")
        await all_saved(page)
        said = [one for _, corrections in await known(home) for one in corrections]
        standing = Counter(one["verdict"] for one in said if one["status"] != "undone")
        assert standing["not_a_card"] == 1
        assert standing["not_in_gallery"] == 0, "it was taken back before it counted"
        assert standing["card"] == left - 1
        assert {chosen, searched} <= {one["card_id"] for one in said}
        assert complaints(watched) == []


async def test_a_key_that_is_held_and_a_double_click_speak_of_one_card_alone(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        await two_pages(home, page, seed=61)
        await page.click("#review")
        await page.locator("#every").check()  # enough cards that others could be hit
        for key in ("n", "1"):
            await page.keyboard.down(key)
            for _ in range(4):
                await page.keyboard.down(key)  # as the keyboard repeats it
            await page.keyboard.up(key)
        await page.get_by_role("button", name="Not a card").dblclick()
        await page.keyboard.press("n")  # whoever means it is heard
        await all_saved(page)
        said = [one for _, corrections in await known(home) for one in corrections]
        assert Counter(one["verdict"] for one in said) == {"not_in_gallery": 2, "card": 1, "not_a_card": 1}
        assert complaints(watched) == []


async def test_enter_takes_what_was_typed_and_not_what_an_earlier_part_of_it_found(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        await two_pages(home, page, seed=71)
        await page.locator(".card-row").nth(0).click()
        await page.keyboard.press("/")
        await page.keyboard.type("inv01 1")
        await expect(page.locator("#card .results .choice").first).to_be_visible()
        found = await page.locator("#card .results .choice").first.get_attribute("data-card")
        await page.keyboard.type("5")
        await page.keyboard.press("Enter")  # before the pause that a search waits
        await all_saved(page)
        await expect(page.locator("#card .fate")).to_be_visible()
        await all_saved(page)
        (said,) = [one for _, corrections in await known(home) for one in corrections]
        async with home.client() as client:
            wanted = (await client.get("/cards", params={"query": "inv01 15", "limit": 1})).json()["cards"][0]
        assert said["card_id"] == wanted["card_id"] != found
        assert complaints(watched) == []


async def test_review_ends_by_saying_what_could_not_be_saved(home: Home) -> None:
    async with home.opened() as watched:
        page = watched.page
        await two_pages(home, page, seed=81)
        tired = {
            "status": 429,
            "headers": {"Retry-After": "80000"},
            "content_type": "application/problem+json",
            "body": json.dumps({"title": "Enough", "detail": "1000 corrections were made today"}),
        }
        await page.route("**/corrections", lambda route: route.fulfill(**tired))
        left = await to_look_at(page)
        await page.click("#review")
        for _ in range(left):
            await page.keyboard.press("n")
        await expect(page.locator("#card [data-part=finished]")).to_contain_text(
            f"{left} of what you said could not be saved"
        )
        await expect(page.locator("#card #trouble")).to_contain_text("1000 corrections were made today")


async def to_look_at(page: Page) -> int:
    """How many cards the button counts."""
    words = await page.locator("#review").inner_text()
    return int(words.removeprefix("Review").strip() or 0)


async def test_the_export_says_what_the_service_and_people_said(home: Home, tmp_path: Path) -> None:
    async with home.opened() as watched:
        page = watched.page
        await two_pages(home, page, seed=51)
        await page.locator(".card-row").nth(0).click()
        await page.keyboard.press("2")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("n")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("x")
        await page.keyboard.press("Escape")
        await all_saved(page)
        async with page.expect_download() as downloaded:
            await page.click("#csv")
        table = tmp_path / "cards.csv"
        await (await downloaded.value).save_as(table)
        async with page.expect_download() as downloaded:
            await page.click("#json")
        listed = tmp_path / "cards.json"
        await (await downloaded.value).save_as(listed)
        expected = Counter(line for answer, said in await known(home) for line in lines_of(answer, said))
        rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
        counted = {(row["Card ID"], row["Name"], row["Status"]): int(row["Count"]) for row in rows}
        assert counted == expected
        assert {row["Status"] for row in rows} >= {"confirmed", "not in gallery", "accepted"}
        assert sum(counted.values()) == 17, "what is no card does not count"
        scans = json.loads(listed.read_text(encoding="utf-8"))["scans"]
        assert [len(scan["cards"]) for scan in scans] == [9, 9]
        named = Counter(
            card["card"]["card_id"] if card["card"] else "" for scan in scans for card in scan["cards"]
        )
        del named[""]
        from_table = Counter({row["Card ID"]: 0 for row in rows if row["Card ID"]})
        for row in rows:
            from_table[row["Card ID"]] += int(row["Count"])
        del from_table[""]
        assert named == from_table
        assert complaints(watched) == []


def lines_of(answer: Json, said: list[Json]) -> list[tuple[str, str, str]]:
    """Card id, name and status of each card of a reply, where a person's last word goes first."""
    names = {
        one["card"]["card_id"]: one["card"]["name"]
        for found in answer["cards"]
        for one in found["candidates"]
    }
    last = {one["detection_id"]: one for one in said if one["status"] != "undone"}
    lines = []
    for found in answer["cards"]:
        correction = last.get(found["detection_id"])
        if correction is None:
            card = found["card"] or {"card_id": "", "name": ""}
            lines.append((card["card_id"], card["name"], found["status"]))
        elif correction["verdict"] == "card":
            lines.append((correction["card_id"], names[correction["card_id"]], "confirmed"))
        elif correction["verdict"] == "not_in_gallery":
            lines.append(("", "", "not in gallery"))
    return lines
