"""What is shown of why a card was named so, and only where it is asked for."""

from __future__ import annotations

import uuid

import httpx
import pytest

from app.domain.types import Identification, StoredImage
from app.services.explaining import Explainer
from tests.fakes.service import FakeService, card_picture, page_png, png
from tests.openapi import Contract

NOTHING = str(uuid.UUID(int=404))


async def test_explain_adds_the_evidence_behind_each_candidate(client, contract: Contract) -> None:
    response = await client.post("/identify?explain=true", files={"image": ("p.png", page_png(5))})
    contract.check("identify", response)
    groups = {
        candidate["card"]["card_id"]: candidate["evidence"]["artwork_group_id"]
        for candidate in response.json()["cards"][0]["candidates"]
    }
    assert groups["em1-005"] == groups["em2-006"] != groups["em1-001"]


async def test_one_card_of_a_scan_is_answered_again_with_its_evidence(
    client: httpx.AsyncClient, contract: Contract, service: FakeService
) -> None:
    asked = await client.post("/identify?explain=true", files={"image": ("p.png", page_png(5))})
    (card,) = asked.json()["cards"]
    path = f"/detections/{card['detection_id']}"
    explained = await client.get(f"{path}?explain=true")
    contract.check("get_detection", explained)
    assert explained.json() == card
    plain = await client.get(path)
    contract.check("get_detection", plain)
    assert plain.json().keys() == card.keys() - {"explanation"}
    async with service.runtime.identify.admission(), service.runtime.identify.admission():
        busy = await client.get(f"{path}?explain=true")
        assert (await client.get(path)).status_code == 200, "what needs no pixels needs no permit"
    contract.check("get_detection", busy)
    assert (busy.status_code, busy.json()["code"]) == (503, "busy")
    lost = await client.get(f"/detections/{NOTHING}?explain=true")
    contract.check("get_detection", lost)
    assert lost.status_code == 404


async def test_explain_shows_what_matches_and_where_printings_differ(
    client: httpx.AsyncClient, contract: Contract, service: FakeService
) -> None:
    marked = card_picture(5)
    marked[140:160, 20:60] = 255 - marked[140:160, 20:60]
    (sha256,) = service.gallery.images["em2-006"]
    service.gallery.images["em2-006"][sha256] = StoredImage("image/png", png(marked))
    response = await client.post("/identify?explain=true", files={"image": ("p.png", page_png(5))})
    contract.check("identify", response)
    (card,) = response.json()["cards"]
    explanation = card["explanation"]
    assert explanation["card_id"] == card["candidates"][0]["card"]["card_id"] == "em1-005"
    together = [patch for patch in explanation["patches"] if patch["together"]]
    assert len(together) > 20
    assert all(patch["in_crop"] == pytest.approx(patch["on_reference"], abs=0.06) for patch in together)
    (difference,) = explanation["differences"]
    assert difference["card_id"] == "em2-006"
    (region,) = difference["regions"]
    assert region["favours"] > 0.5
    assert region["box"]["left"] < 20 / 126 < 60 / 126 < region["box"]["right"]
    assert region["box"]["top"] < 140 / 176 < 160 / 176 < region["box"]["bottom"]


async def test_without_explain_nothing_is_explained(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def explain(
        _: object, cards: tuple[Identification, ...], *__: object
    ) -> tuple[Identification, ...]:
        asked.append(cards)
        return cards

    monkeypatch.setattr(Explainer, "explain", explain)
    plain = await client.post("/identify", files={"image": ("p.png", page_png(5))})
    assert "explanation" not in plain.json()["cards"][0]
    assert asked == []
    explained = await client.post("/identify?explain=true", files={"image": ("p.png", page_png(5))})
    assert explained.json()["cards"][0]["explanation"] is None
    assert len(asked) == 1


async def test_a_repeated_scan_with_its_key_has_the_same_explanation_which_is_not_stored(
    client: httpx.AsyncClient,
) -> None:
    first, second = [
        await client.post(
            "/identify?explain=true", files={"image": page_png(5)}, headers={"Idempotency-Key": "k-1"}
        )
        for _ in range(2)
    ]
    assert second.headers["idempotency-replayed"] == "true"
    assert first.json()["cards"][0]["explanation"]["patches"]
    assert first.json() == second.json()
    kept = await client.get(f"/scans/{first.json()['scan_id']}")
    assert "explanation" not in kept.json()["cards"][0]
