"""The quality page's figures, from scans and corrections of the whole service."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.services.runtime import Runtime
from app.synthesis.scenes import Scene
from tests.service import FilledGallery, as_upload

Json = dict[str, Any]


async def quality(client: httpx.AsyncClient, **query: str) -> Json:
    reply = await client.get("/quality", params=query)
    assert reply.status_code == 200, reply.text
    body: Json = reply.json()
    return body


async def identify(client: httpx.AsyncClient, page: Scene) -> Json:
    reply = await client.post("/identify", files=as_upload(page.image))
    body: Json = reply.json()
    return body


async def say(client: httpx.AsyncClient, detection: Json, card_id: str | None) -> None:
    verdict = "not_in_gallery" if card_id is None else "card"
    said = {"detection_id": detection["detection_id"], "verdict": verdict}
    reply = await client.post("/corrections", json=said if card_id is None else {**said, "card_id": card_id})
    assert reply.status_code == 202


async def test_scans_and_judged_answers_are_counted(
    client: httpx.AsyncClient, runtime: Runtime, page: Scene
) -> None:
    scan = await identify(client, page)
    for found, true in zip(scan["cards"][:4], page.cards[:4], strict=True):
        await say(client, found, true.card_id)
    await runtime.learning.run_once()
    body = await quality(client)
    assert [day["scans"] for day in body["days"]] == [1]
    assert sum(body["days"][0]["cards"].values()) == 9
    assert sum(body["corrections"].values()) == 4
    assert body["accuracy"]["judged"] == body["corrections"].get("learned", 0)
    assert body["accuracy"]["card"]["whole"] == body["accuracy"]["judged"]
    assert {stage["stage"] for stage in body["stages"]} >= {"decode", "detect", "embed", "search", "total"}
    assert body["encoders"] == ["compact"]
    assert body["anonymous_bytes"] > 0
    assert all(one["reason"] for one in body["review"])


async def test_a_picture_that_was_learnt_does_not_speak_for_itself(
    client: httpx.AsyncClient, runtime: Runtime, page: Scene, filled_gallery: FilledGallery
) -> None:
    """The same photo again is answered from its own crops, and judged: that must count for nothing."""
    first = await identify(client, page)
    for found, true in zip(first["cards"], page.cards, strict=True):
        await say(client, found, true.card_id)
    await runtime.learning.run_once()
    before = (await quality(client))["accuracy"]
    again = await identify(client, page)
    flattered = [card for card in again["cards"] if card["candidates"][0]["template_source"] == "correction"]
    assert flattered
    for found, true in zip(again["cards"], page.cards, strict=True):
        await say(client, found, true.card_id)
    await runtime.learning.run_once()
    after = (await quality(client))["accuracy"]
    assert after["printing"]["part"] - before["printing"]["part"] <= after["judged"] - before["judged"]
    assert after["gained"] == before["gained"] == 0


async def test_filters_narrow_the_figures(client: httpx.AsyncClient, page: Scene) -> None:
    await identify(client, page)
    assert (await quality(client, since="2999-01-01T00:00:00Z"))["days"] == []
    assert (await quality(client, until="2000-01-01T00:00:00Z"))["days"] == []
    assert (await quality(client, encoder="other"))["days"] == []
    some_set = (await quality(client))["sets"][0]
    assert (await quality(client, set_id="no-such-set"))["days"] == []
    assert some_set["cards"]["accepted"] + some_set["cards"]["review"] > 0
    for wrong in ({"since": "yesterday"}, {"nosuch": "x"}):
        assert (await client.get("/quality", params=wrong)).status_code in (400, 422)


@pytest.mark.parametrize("cards", [2, 3])
async def test_unknown_cards_that_were_seen_are_listed_with_their_crops(
    client: httpx.AsyncClient, runtime: Runtime, page: Scene, cards: int
) -> None:
    scan = await identify(client, page)
    for found in scan["cards"][:cards]:
        await say(client, found, None)
    await runtime.learning.run_once()
    body = await quality(client)
    learned = body["corrections"].get("learned", 0)
    assert sum(group["seen"] for group in body["unknown_groups"]) == learned
    assert body["accuracy"]["unknown"]["whole"] == learned
