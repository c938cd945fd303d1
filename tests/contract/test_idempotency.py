"""What is sent again with its key is answered again, and done once."""

from __future__ import annotations

import asyncio
from uuid import UUID

import httpx

from tests.fakes.service import page_png


async def test_a_repeated_scan_with_its_key_is_the_same_scan(client: httpx.AsyncClient, service) -> None:
    picture = page_png(1)
    first, second = [
        await client.post("/identify", files={"image": picture}, headers={"Idempotency-Key": "k-1"})
        for _ in range(2)
    ]
    assert first.json() == second.json()
    assert len(service.scans.scans) == 1
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert "binderlens_scans_total 1.0" in (await client.get("/metrics")).text


async def test_scans_with_one_key_at_the_same_time_are_one_scan(client, service) -> None:
    sent = [
        client.post("/identify", files={"image": page_png(1)}, headers={"Idempotency-Key": "k-1"})
        for _ in range(2)
    ]
    one, other = await asyncio.gather(*sent)
    assert (one.status_code, other.status_code) == (200, 200)
    assert one.json() == other.json()
    assert list(service.scans.scans) == [UUID(one.json()["scan_id"])]
    assert ["idempotency-replayed" in reply.headers for reply in (one, other)].count(True) == 1


async def test_a_key_whose_scan_was_forgotten_makes_a_new_scan(client, service) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = await client.post("/identify", files={"image": page_png(1)}, headers=headers)
    assert (await client.delete(f"/scans/{first.json()['scan_id']}")).status_code == 204
    again = await client.post("/identify", files={"image": page_png(1)}, headers=headers)
    assert again.status_code == 200
    assert list(service.scans.scans) == [UUID(again.json()["scan_id"])]


async def test_a_repeated_correction_with_its_key_is_the_same_correction(scan, client) -> None:
    body = {"detection_id": scan["cards"][0]["detection_id"], "verdict": "not_a_card"}
    first, second = [
        await client.post("/corrections", json=body, headers={"Idempotency-Key": "k-1"}) for _ in range(2)
    ]
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
