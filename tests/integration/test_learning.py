"""What people say is learnt, refused, and taken back, by the whole service."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import numpy as np
import pytest

from app.domain.correction_types import CorrectionStatus
from app.domain.errors import SearchTimeout
from app.domain.types import TemplateHit
from app.services.runtime import Runtime
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.foil import add_foil
from app.synthesis.scenes import Level, Scene, SceneCard, SceneKind, photograph_scene
from tests.service import CARD_HEIGHT_PX, FilledGallery, as_upload, photograph

Json = dict[str, Any]
STRANGE_CATALOGUE_SEED = 1234


def foil_page(cards: list[InventedCard], seed: int) -> Scene:
    """Foils of cards of which the gallery has plain pictures."""
    faces = [add_foil(draw_card(card, CARD_HEIGHT_PX), card.seed) for card in cards]
    shown = [
        SceneCard(face, card.card.card_id, card.card.name) for face, card in zip(faces, cards, strict=True)
    ]
    rng = np.random.default_rng(seed)
    return photograph_scene(SceneKind.PAGE_2X2, Level.EASY, shown, rng, megapixels=1.6)


@pytest.fixture
def cards(filled_gallery: FilledGallery) -> list[InventedCard]:
    """Four cards of pictures of their own."""
    firsts = {card.artwork_id: card for card in reversed(filled_gallery.cards)}
    return list(firsts.values())[-4:]


@pytest.fixture
async def scan(client: httpx.AsyncClient, cards: list[InventedCard]) -> Json:
    reply = await client.post("/identify", files=as_upload(foil_page(cards, 3).image))
    assert reply.status_code == 200, reply.text
    body: Json = reply.json()
    assert len(body["cards"]) == 4
    return body


async def correct(client: httpx.AsyncClient, detection: Json, card_id: str) -> str:
    said = {"detection_id": detection["detection_id"], "verdict": "card", "card_id": card_id}
    reply = await client.post("/corrections", json=said)
    assert reply.status_code == 202, reply.text
    return str(reply.json()["correction_id"])


async def standing(client: httpx.AsyncClient, correction_id: str) -> Json:
    body: Json = (await client.get(f"/corrections/{correction_id}")).json()
    return body


def sources(scan: Json) -> list[str]:
    return [card["candidates"][0]["template_source"] for card in scan["cards"]]


async def test_a_learnt_card_is_answered_from_its_correction_until_that_is_taken_back(
    client: httpx.AsyncClient, runtime: Runtime, cards: list[InventedCard], scan: Json
) -> None:
    assert "correction" not in sources(scan)
    truth = [card.card.card_id for card in cards]
    ids = [await correct(client, found, card_id) for found, card_id in zip(scan["cards"], truth, strict=True)]
    report = await runtime.learning.run_once()
    assert report.studied == 4
    stand = [await standing(client, correction_id) for correction_id in ids]
    assert [one["status"] for one in stand] == ["learned"] * 4, stand
    again = (await client.post("/identify", files=as_upload(foil_page(cards, 4).image))).json()
    assert "correction" in sources(again)
    for correction_id in ids:
        undone = await client.delete(f"/corrections/{correction_id}")
        assert (undone.status_code, "taken back" in undone.json()["reason"]) == (200, True)
    before = (await client.post("/identify", files=as_upload(foil_page(cards, 4).image))).json()
    assert "correction" not in sources(before)


async def test_a_card_that_the_crop_does_not_show_waits_for_a_second_person(
    client: httpx.AsyncClient, runtime: Runtime, filled_gallery: FilledGallery, scan: Json
) -> None:
    shown = {candidate["card"]["card_id"] for candidate in scan["cards"][0]["candidates"]}
    wrong = next(one.card.card_id for one in filled_gallery.cards if one.card.card_id not in shown)
    correction_id = await correct(client, scan["cards"][0], wrong)
    await runtime.learning.run_once()
    stand = await standing(client, correction_id)
    assert stand["status"] == "quarantined"
    assert "second person" in stand["reason"]
    assert (await runtime.gallery.status()).templates_by_source.get("correction", 0) == 0


async def test_a_card_that_no_search_finds_is_learnt_where_its_picture_agrees_with_the_crop(
    client: httpx.AsyncClient,
    runtime: Runtime,
    cards: list[InventedCard],
    scan: Json,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named, search = cards[0].card.card_id, runtime.gallery.search

    async def blind(*asked: Any, **how: Any) -> list[TemplateHit]:
        return [hit for hit in await search(*asked, **how) if hit.card.card_id != named]

    monkeypatch.setattr(runtime.gallery, "search", blind)
    correction_id = await correct(client, scan["cards"][0], named)
    wrong_id = await correct(client, scan["cards"][1], named)
    await runtime.learning.run_once()
    stands = [await standing(client, one) for one in (correction_id, wrong_id)]
    assert [one["status"] for one in stands] == ["learned", "quarantined"], stands


async def test_a_card_that_no_search_finds_waits_where_no_other_picture_could_be_compared(
    client: httpx.AsyncClient,
    runtime: Runtime,
    cards: list[InventedCard],
    scan: Json,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named, search, features = cards[0].card.card_id, runtime.gallery.search, runtime.references.features_of

    async def blind(*asked: Any, **how: Any) -> list[TemplateHit]:
        return [hit for hit in await search(*asked, **how) if hit.card.card_id != named]

    async def of_the_named_alone(card_ids: Any) -> Any:
        return await features(card_ids) if list(card_ids) == [named] else {}

    monkeypatch.setattr(runtime.gallery, "search", blind)
    monkeypatch.setattr(runtime.references, "features_of", of_the_named_alone)
    correction_id = await correct(client, scan["cards"][0], named)
    await runtime.learning.run_once()
    assert (await standing(client, correction_id))["status"] == "quarantined"


async def test_the_service_learns_by_itself_within_seconds(
    client: httpx.AsyncClient, runtime: Runtime, cards: list[InventedCard], scan: Json
) -> None:
    learning = asyncio.create_task(runtime.learning.keep_learning())
    try:
        correction_id = await correct(client, scan["cards"][0], cards[0].card.card_id)
        async with asyncio.timeout(30):
            while (await standing(client, correction_id))["status"] == "pending":
                await asyncio.sleep(0.05)
    finally:
        learning.cancel()
    assert (await standing(client, correction_id))["status"] == "learned"


async def test_a_correction_that_met_a_slow_database_is_studied_later(
    client: httpx.AsyncClient,
    runtime: Runtime,
    cards: list[InventedCard],
    scan: Json,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def too_slow(*_: object, **__: object) -> None:
        raise SearchTimeout("the database cancelled a statement")

    correction_id = await correct(client, scan["cards"][0], cards[0].card.card_id)
    with monkeypatch.context() as patched:
        patched.setattr(runtime.gallery, "search", too_slow)
        with pytest.raises(SearchTimeout):
            await runtime.learning.run_once()
        assert (await standing(client, correction_id))["status"] == "pending"
    await runtime.learning.run_once()
    assert (await standing(client, correction_id))["status"] == "learned"


async def test_an_unknown_card_gets_a_number_that_alike_crops_share(
    client: httpx.AsyncClient, runtime: Runtime
) -> None:
    """Two cards of another catalogue, one of them in two photos."""
    strangers = invent_catalogue(STRANGE_CATALOGUE_SEED, 4)[:4]
    photos = [photograph(strangers, SceneKind.PAGE_2X2, seed).image for seed in (3, 4)]
    first, again = [
        (await client.post("/identify", files=as_upload(photo))).json()["cards"] for photo in photos
    ]
    told = [first[0]["detection_id"], first[1]["detection_id"], again[0]["detection_id"]]
    for detection_id in told:
        said = {"detection_id": detection_id, "verdict": "not_in_gallery"}
        assert (await client.post("/corrections", json=said)).status_code == 202
    report = await runtime.learning.run_once()
    assert report.standing == {CorrectionStatus.LEARNED: 3}
    groups = (await client.get("/quality")).json()["unknown_groups"]
    assert [set(group["detection_ids"]) for group in groups] == [{told[0], told[2]}, {told[1]}]


async def test_that_a_card_is_none_or_not_there_waits_where_the_gallery_is_sure_of_it(
    client: httpx.AsyncClient, runtime: Runtime, cards: list[InventedCard]
) -> None:
    faces = [draw_card(card, CARD_HEIGHT_PX) for card in cards]
    shown = [
        SceneCard(face, card.card.card_id, card.card.name) for face, card in zip(faces, cards, strict=True)
    ]
    page = photograph_scene(SceneKind.PAGE_2X2, Level.EASY, shown, np.random.default_rng(3), megapixels=1.6)
    scan = (await client.post("/identify", files=as_upload(page.image))).json()
    sure = [found["detection_id"] for found in scan["cards"] if found["status"] == "accepted"][:2]
    ids = []
    for detection_id, verdict in zip(sure, ("not_a_card", "not_in_gallery"), strict=True):
        said = {"detection_id": detection_id, "verdict": verdict}
        ids.append((await client.post("/corrections", json=said)).json()["correction_id"])
    await runtime.learning.run_once()
    for correction_id in ids:
        stand = await standing(client, correction_id)
        assert (stand["status"], "agrees clearly" in stand["reason"]) == ("quarantined", True), stand
