"""Cards are found, and pictures of them and of scans are shown."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.openapi import Contract


async def test_cards_are_found_by_words_and_set(client, contract: Contract) -> None:
    response = await client.get("/cards", params={"query": "heron 003", "set_id": "em1"})
    contract.check("find_cards", response)
    assert [card["card_id"] for card in response.json()["cards"]] == ["em1-003"]
    assert len((await client.get("/cards?limit=2")).json()["cards"]) == 2
    assert len((await client.get("/cards?query=&set_id=&limit=6")).json()["cards"]) == 6
    one = await client.get("/cards/em1-003")
    contract.check("get_card", one)
    assert one.json() == response.json()["cards"][0]


@pytest.mark.parametrize("kind", ["card", "scan", "detection"])
async def test_pictures_are_served_once(kind: str, scan, client, contract: Contract) -> None:
    url = {
        "card": "/cards/em1-001/image",
        "scan": f"/scans/{scan['scan_id']}/image",
        "detection": f"/detections/{scan['cards'][0]['detection_id']}/image",
    }[kind]
    first = await client.get(url)
    contract.check(f"get_{kind}_image", first)
    Image.open(io.BytesIO(first.content)).verify()
    assert "private" in first.headers["cache-control"]
    again = await client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    contract.check(f"get_{kind}_image", again)
    other = await client.get(url, headers={"If-None-Match": '"something else"'})
    assert other.content == first.content


async def test_a_scan_has_a_small_picture_for_lists(scan, client, contract: Contract) -> None:
    url = f"/scans/{scan['scan_id']}/image"
    whole = Image.open(io.BytesIO((await client.get(url)).content))
    first = await client.get(url, params={"height_px": 100})
    contract.check("get_scan_image", first)
    small = Image.open(io.BytesIO(first.content))
    assert small.size == (round(whole.width * 100 / whole.height), 100)
    again = await client.get(url, params={"height_px": 100}, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    refused = await client.get(url, params={"height_px": 1025})
    assert (refused.status_code, "height_px" in refused.json()["detail"]) == (422, True)


async def test_a_small_picture_that_memory_has_no_room_for_is_refused_with_a_time_to_ask_again(
    scan, client, service, contract: Contract, monkeypatch
) -> None:
    monkeypatch.setattr("app.services.small_copies._UNASKED_BYTES", 0)
    service.guard.room_bytes = 0
    refused = await client.get(f"/scans/{scan['scan_id']}/image", params={"height_px": 100})
    assert (refused.status_code, refused.json()["code"]) == (503, "memory_tight")
    assert int(refused.headers["retry-after"]) > 0
    contract.check("get_scan_image", refused)
