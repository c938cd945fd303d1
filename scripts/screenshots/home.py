"""The states of the page that scans are dropped on, and how a person gets there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from playwright.async_api import Error, FilePayload, Page, Route

from app.domain.types import RgbImage
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.scenes import Level, SceneCard, SceneKind, photograph_scene
from app.vision.decode import encode_jpeg
from scripts.screenshots.pages import Answers, Shot, as_it_is

#: Cards that no gallery of these pictures has.
_FOREIGN_SEED = 911
_CARD_HEIGHT_PX = 528
_WAIT_MS = 60_000
_EVIDENCE_MS = 2_500
_LATE_S = 5.0

Learn = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Pictures:
    """What is dropped on the page.

    Attributes:
        pages: Photos of two binder pages; some of their cards are not in the gallery.
        bare: A table without a card.
        text: No picture at all.
    """

    pages: tuple[FilePayload, ...]
    bare: FilePayload
    text: FilePayload


def draw_pictures(cards: Sequence[InventedCard]) -> Pictures:
    """Photographs pages of the gallery's cards, with a few foreign ones among them."""
    foreign = invent_catalogue(_FOREIGN_SEED, 4)
    first = [*cards[27:31], foreign[0], *cards[31:35]]
    second = [*cards[36:43], foreign[1], cards[43]]
    pages = (
        _photo("page-01.jpg", first, Level.EASY, seed=11),
        _photo("page-02.jpg", second, Level.MEDIUM, seed=12),
    )
    grain = np.random.default_rng(3).normal(0, 3, (900, 1200, 3))
    bare = np.clip(grain + np.array((132, 104, 78)), 0, 255).astype(np.uint8)
    return Pictures(
        pages,
        _file("table.jpg", "image/jpeg", encode_jpeg(bare, 88)),
        _file("notes.txt", "text/plain", b"a shopping list\n" * 40),
    )


def _photo(name: str, cards: Sequence[InventedCard], level: Level, seed: int) -> FilePayload:
    faces = [SceneCard(draw_card(one, _CARD_HEIGHT_PX), one.card.card_id, one.card.name) for one in cards]
    rng = np.random.default_rng(seed)
    image: RgbImage = photograph_scene(SceneKind.PAGE_3X3, level, faces, rng, megapixels=3.0).image
    return _file(name, "image/jpeg", encode_jpeg(image, 88))


def _file(name: str, media_type: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": data}


class Person:
    """Does on the page what a person does."""

    def __init__(self, pictures: Pictures, learn: Learn) -> None:
        self._pictures = pictures
        self._learn = learn

    async def drops_pages(self, page: Page) -> None:
        """Until both pages are answered."""
        await page.set_input_files("#files", list(self._pictures.pages))
        for place in (1, 2):  # two are sent at once, and either may come first
            await page.wait_for_selector(f"#strip li:nth-child({place}) img", timeout=_WAIT_MS)

    async def drops_one(self, page: Page) -> None:
        """Until the first page is answered."""
        await page.set_input_files("#files", self._pictures.pages[0])
        await page.wait_for_selector(".card-row", timeout=_WAIT_MS)

    async def waits_for_answer(self, page: Page) -> None:
        """While the service looks."""
        await page.route("**/identify", _late)
        await page.set_input_files("#files", self._pictures.pages[0])
        await page.wait_for_selector("#scan progress")
        await page.wait_for_timeout(600)

    async def meets_a_busy_service(self, page: Page) -> None:
        """It asks to come back in a while."""
        await page.route("**/identify", _busy)
        await page.set_input_files("#files", self._pictures.pages[0])
        await page.get_by_text("Trying again in").wait_for()

    async def drops_text(self, page: Page) -> None:
        """A wrong file."""
        await page.set_input_files("#files", self._pictures.text)
        await page.get_by_role("heading", name="Not a picture").wait_for()

    async def drops_a_bare_table(self, page: Page) -> None:
        """A picture without a card."""
        await page.set_input_files("#files", self._pictures.bare)
        await page.get_by_role("heading", name="No card found").wait_for(timeout=_WAIT_MS)

    async def opens_a_card(self, page: Page) -> None:
        """With what matched drawn."""
        await self.drops_one(page)
        await page.locator(".card-row").nth(1).click()
        await page.locator("#matches").check(timeout=_WAIT_MS)
        await page.mouse.move(0, 0)

    async def reviews(self, page: Page) -> None:
        """The first card that needs a look."""
        await self.drops_pages(page)
        await page.click("#review")
        await page.wait_for_timeout(_EVIDENCE_MS)

    async def searches(self, page: Page) -> None:
        """By words in the review."""
        await self.reviews(page)
        await page.keyboard.press("/")
        await page.keyboard.type("a")
        await page.wait_for_selector("#card .results > *")

    async def reviews_all(self, page: Page) -> None:
        """To the end."""
        await self.reviews(page)
        while not await page.locator("#card.finished").count():
            await page.keyboard.press("1")

    async def draws(self, page: Page) -> None:
        """The corners of a card that was missed."""
        await self.drops_one(page)
        await page.click("#draw")
        overlay = page.locator(".overlay")
        await overlay.scroll_into_view_if_needed()
        box = await overlay.bounding_box()
        assert box is not None
        for x, y in ((0.42, 0.4), (0.6, 0.41), (0.59, 0.6), (0.41, 0.59)):
            await page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        await page.wait_for_selector(".handle >> nth=3")

    async def names_the_drawn(self, page: Page) -> None:
        """Looks for it in the gallery."""
        await self.draws(page)
        await page.get_by_role("button", name="Name this card").click()
        await page.keyboard.type("e")
        await page.wait_for_selector(".naming .results > *")

    async def is_asked_for_a_key(self, page: Page) -> None:
        """As where keys are set."""
        await page.route("**/scans?*", _locked)
        await page.click("#open-history")
        await page.wait_for_selector("#login input")

    async def looks_at_past_scans(self, page: Page) -> None:
        """The newest of them."""
        await page.click("#open-history")
        await page.wait_for_selector("#history-scans > li")

    async def corrects(self, page: Page) -> None:
        """Takes a candidate and sees it learnt; after a made-up month the service may accept nothing."""
        await self.drops_one(page)
        await page.locator(".card-row:not(.unknown)").nth(1).click()
        await page.keyboard.press("1")
        await page.get_by_text("saved; it will be judged").first.wait_for()
        await self._learn()
        await page.wait_for_selector("#card .fate:not(:has-text('in a moment'))", timeout=_WAIT_MS)


def shots(person: Person) -> tuple[Shot, ...]:
    """Every state; the last one teaches the service, which changes what it answers."""
    return (
        _state("home", whole=True),
        _state("home-no-gallery", route=("**/ready", _no_gallery), whole=True),
        _state("home-no-connection", route=("**/ready", _gone), whole=True),
        _state("home-looking", person.waits_for_answer, whole=True),
        _state("home-busy", person.meets_a_busy_service, complains=True, whole=True),
        _state("home-wrong-file", person.drops_text, complains=True, whole=True),
        _state("home-no-card", person.drops_a_bare_table, whole=True),
        _state("home-scan", person.drops_one),
        _state("home-scans", person.drops_pages, whole=True),
        _state("home-card", person.opens_a_card),
        _state("home-review", person.reviews),
        _state("home-search", person.searches),
        _state("home-reviewed", person.reviews_all),
        _state("home-draw", person.draws),
        _state("home-name", person.names_the_drawn),
        _state("home-login", person.is_asked_for_a_key, complains=True),
        _state("home-history", person.looks_at_past_scans),
        _state("home-learned", person.corrects),
    )


def _state(
    name: str,
    prepare: Callable[[Page], Awaitable[None]] = as_it_is,
    *,
    route: Answers | None = None,
    complains: bool = False,
    whole: bool = False,
) -> Shot:
    complains = complains or route is not None
    return Shot(name, "/", "#start", prepare, whole=whole, route=route, complains=complains)


async def _late(route: Route) -> None:
    """The request stays open while the page is photographed."""
    await asyncio.sleep(_LATE_S)
    with suppress(Error):  # the page is closed by then
        await route.abort()


async def _gone(route: Route) -> None:
    await route.abort()


async def _busy(route: Route) -> None:
    body = {"title": "All permits are taken", "code": "busy"}
    await route.fulfill(status=503, headers={"Retry-After": "30"}, json=body)


async def _locked(route: Route) -> None:
    body = {
        "title": "A valid key is needed",
        "detail": "send a key",
        "code": "unauthenticated",
        "status": 401,
    }
    await route.fulfill(status=401, json=body)


async def _no_gallery(route: Route) -> None:
    check = {"name": "gallery", "ok": False, "detail": "it is empty; run 'binderlens gallery import'"}
    await route.fulfill(status=503, json={"checks": [check]})
