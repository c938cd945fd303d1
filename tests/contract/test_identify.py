"""What a picture is answered with, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import numpy as np
import pytest

from app.services import reading
from tests.fakes.service import page_png
from tests.openapi import Contract

UNKNOWN_CARD = 77


async def test_what_looks_like_a_back_is_left_out_unless_the_gallery_knows_it(
    client: httpx.AsyncClient, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = {"image": ("page.png", page_png(UNKNOWN_CARD, 1), "image/png")}
    both = await client.post("/identify", files=page)
    assert [card["confidence"]["card"] >= 0.5 for card in both.json()["cards"]] == [False, True]

    def all_backs(crops: Sequence[object], *_: object) -> np.ndarray:
        return np.ones(len(crops), dtype=bool)

    monkeypatch.setattr(reading, "find_backs", all_backs)
    reply = await client.post("/identify", files=page)
    contract.check("identify", reply)
    (card,) = reply.json()["cards"]
    assert card["card"]["card_id"] == "em1-001"
    assert card["quad"] == both.json()["cards"][1]["quad"]


async def test_a_page_is_answered_in_the_form_of_the_contract(scan, client, contract: Contract) -> None:
    response = await client.get(f"/scans/{scan['scan_id']}")
    contract.check("get_scan", response)
    assert response.json() == scan
    assert [card["card"]["card_id"] for card in scan["cards"]][:2] == ["em1-001", "em1-002"]
    assert {card["status"] for card in scan["cards"]} <= {"accepted", "review"}
    assert scan["cards"][2]["ambiguous_with"] in (["em1-005"], ["em2-006"])
    assert scan["image"]["width"] == 500
    assert set(scan["timings_ms"]) == {"decode", "detect", "embed", "search", "verify", "total"}
    assert scan["timings_ms"]["total"] >= scan["timings_ms"]["detect"] > 0


async def test_a_reply_to_a_picture_matches_the_openapi_document(client, contract: Contract) -> None:
    response = await client.post("/identify", files={"image": ("page.png", page_png(1, 2, 3))})
    assert response.status_code == 200
    contract.check("identify", response)
    assert "evidence" not in response.text


async def test_a_picture_without_a_card_gets_an_empty_list(client, contract: Contract) -> None:
    response = await client.post("/identify", files={"image": ("empty.png", page_png())})
    contract.check("identify", response)
    assert response.json()["cards"] == []


async def test_candidates_and_filters_narrow_the_answer(client: httpx.AsyncClient) -> None:
    url = "/identify?candidates=2&set_id=em2&set_id=em1&game=invented&language=en"
    response = await client.post(url, files={"image": ("p.png", page_png(1))})
    assert len(response.json()["cards"][0]["candidates"]) == 2
    other = await client.post("/identify?set_id=em2", files={"image": ("p.png", page_png(1))})
    listed = [candidate["card"]["set_id"] for candidate in other.json()["cards"][0]["candidates"]]
    assert listed == ["em2"]
