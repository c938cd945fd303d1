"""The quality page's figures, from scans and corrections of the whole service."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.services.runtime import Runtime
from app.synthesis.catalogue import invent_catalogue
from app.synthesis.scenes import Level, Scene, SceneKind
from app.vision.decode import encode_jpeg
from tests.service import FilledGallery, as_upload, photograph

Json = dict[str, Any]
STRANGE_CATALOGUE_SEED = 1234


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


def confidence_that_counts(accuracy: Json) -> float:
    """Of all judged answers together."""
    return sum(one["mean_confidence"] * one["answers"] for one in accuracy["calibration"])


async def test_a_picture_that_was_learnt_does_not_speak_for_itself(
    client: httpx.AsyncClient, runtime: Runtime, filled_gallery: FilledGallery
) -> None:
    """The same photo, saved anew, is answered from its own crops, and judged: that must count for nothing.

    A bad photo, so that the gallery alone is not sure of every card and knowing the photo tells.
    """
    photo = photograph(filled_gallery.cards[9:18], SceneKind.PAGE_3X3, seed=1, level=Level.HARD)

    async def identified_and_told(jpeg_quality: int) -> Json:
        upload = {"image": ("page.jpg", encode_jpeg(photo.image, jpeg_quality), "image/jpeg")}
        scan: Json = (await client.post("/identify", files=upload)).json()
        for found, true in zip(scan["cards"], photo.cards, strict=True):
            await say(client, found, true.card_id)
        await runtime.learning.run_once()
        return scan

    first = await identified_and_told(90)
    before = (await quality(client))["accuracy"]
    again = await identified_and_told(80)
    after = (await quality(client))["accuracy"]
    sure, sure_again = (
        sum(card["confidence"]["printing"] for card in scan["cards"]) for scan in (first, again)
    )
    assert sure_again > sure + 0.2, "the photo must flatter itself, or nothing is shown here"
    assert after["judged"] == 2 * before["judged"] == 18
    counted = confidence_that_counts(after) - confidence_that_counts(before)
    assert counted < sure_again - 0.1
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
    client: httpx.AsyncClient, runtime: Runtime, cards: int
) -> None:
    """Cards of another catalogue: of one of its own the gallery is sure, and would not believe the word."""
    strangers = invent_catalogue(STRANGE_CATALOGUE_SEED, 4)
    scan = await identify(client, photograph(strangers[:4], SceneKind.PAGE_2X2))
    told = scan["cards"][:cards]
    for found in told:
        await say(client, found, None)
    await runtime.learning.run_once()
    body = await quality(client)
    assert body["corrections"] == {"learned": cards}
    assert [group["seen"] for group in body["unknown_groups"]] == [1] * cards
    crops = {crop for group in body["unknown_groups"] for crop in group["detection_ids"]}
    assert crops == {found["detection_id"] for found in told}
    assert body["accuracy"]["unknown"]["whole"] == cards
