"""What a reply to a scan leaves out."""

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
