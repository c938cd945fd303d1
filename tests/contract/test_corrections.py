"""Corrections are stored and undone; replays outlive what they speak of; cutting costs a permit."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import uuid
from typing import Any

import httpx
import numpy as np
import pytest

from app.domain.types import StoredImage
from app.services import corrections
from tests.fakes.service import FakeService, png
from tests.openapi import Contract

QUAD = [[40, 30], [166, 30.5], [166, 206], [40, 206]]


@pytest.fixture
def missed(scan: dict[str, Any]) -> dict[str, Any]:
    """A correction that names a card which was not found."""
    return {"scan_id": scan["scan_id"], "quad": QUAD, "verdict": "card", "card_id": "em1-001"}


async def test_a_replay_is_answered_when_card_and_scan_are_gone(
    missed: dict[str, Any], client: httpx.AsyncClient, service: FakeService
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = await client.post("/corrections", json=missed, headers=headers)
    assert await service.gallery.remove_cards(["em1-001"]) == 1
    assert await service.scans.delete(uuid.UUID(missed["scan_id"]))
    again = await client.post("/corrections", json=missed, headers=headers)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert (await client.post("/corrections", json=missed)).status_code == 404
    other = await client.post("/corrections", json=missed | {"note": "another body"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


async def test_a_missed_card_is_cut_out_only_with_a_permit(
    missed: dict[str, Any], client: httpx.AsyncClient, service: FakeService, contract: Contract
) -> None:
    permit = service.runtime.identify.admission
    async with permit(), permit():
        busy = await client.post("/corrections", json=missed)
    assert (busy.status_code, busy.json()["code"]) == (503, "busy")
    contract.check("submit_correction", busy)
    assert (await client.post("/corrections", json=missed)).status_code == 202


@pytest.mark.parametrize(
    ("quad", "status"),
    [
        ([[10, 10], [10.001, 10], [10.001, 10.001], [10, 10.001]], 422),
        ([[10, 10], [200, 10], [200, 29.9], [10, 29.9]], 422),
        ([[10, 10], [200, 10], [390, 15], [200, 15]], 422),
        ([[10, 10], [30, 10], [30, 30], [10, 30]], 202),
    ],
)
async def test_a_missed_card_is_at_least_20_px_wide_and_high(
    quad: list[list[float]],
    status: int,
    missed: dict[str, Any],
    client: httpx.AsyncClient,
    contract: Contract,
) -> None:
    reply = await client.post("/corrections", json=missed | {"quad": quad})
    contract.check("submit_correction", reply)
    assert reply.status_code == status
    if status == 422:
        assert reply.json()["detail"] == "quad: a card must be at least 20 px wide and high"


async def test_a_missed_card_is_not_cut_out_while_memory_is_tight(
    missed: dict[str, Any], client: httpx.AsyncClient, service: FakeService, contract: Contract
) -> None:
    service.guard.tight = True
    refused = await client.post("/corrections", json=missed)
    assert (refused.status_code, refused.json()["code"]) == (503, "memory_tight")
    contract.check("submit_correction", refused)


async def test_a_detection_is_corrected_without_a_permit(
    scan: dict[str, Any], client: httpx.AsyncClient, service: FakeService
) -> None:
    body = {"detection_id": scan["cards"][0]["detection_id"], "verdict": "not_a_card"}
    permit = service.runtime.identify.admission
    async with permit(), permit():
        assert (await client.post("/corrections", json=body)).status_code == 202


async def test_a_stored_picture_beyond_the_limit_is_not_decoded(
    missed: dict[str, Any], client: httpx.AsyncClient, service: FakeService, contract: Contract
) -> None:
    huge = StoredImage("image/png", png(np.zeros((5000, 4001, 3), np.uint8)))
    service.scans.scan_images[uuid.UUID(missed["scan_id"])] = huge
    refused = await client.post("/corrections", json=missed)
    assert (refused.status_code, refused.json()["code"]) == (413, "upload_too_large")
    contract.check("submit_correction", refused)


async def test_a_cut_that_nobody_waits_for_keeps_its_permit_until_it_is_done(
    missed: dict[str, Any], client: httpx.AsyncClient, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, finish = threading.Event(), threading.Event()

    def slow_cut(*_: object) -> StoredImage:
        begun.set()
        finish.wait(timeout=30)
        return StoredImage("image/jpeg", b"cut")

    monkeypatch.setattr(corrections, "_cut", slow_cut)
    request = asyncio.create_task(client.post("/corrections", json=missed))
    assert await asyncio.to_thread(begun.wait, 30)
    request.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await request
    permit = service.runtime.identify.admission
    async with permit():
        assert (await client.post("/corrections", json=missed)).json()["code"] == "busy"
    finish.set()
    async with asyncio.timeout(5), permit():
        while (await client.post("/corrections", json=missed)).status_code != 202:
            await asyncio.sleep(0)


async def test_what_people_said_about_a_scan_is_listed_in_order_of_arrival(
    scan: dict[str, Any], missed: dict[str, Any], client: httpx.AsyncClient, contract: Contract
) -> None:
    nothing = await client.get(f"/scans/{scan['scan_id']}/corrections")
    contract.check("list_scan_corrections", nothing)
    assert nothing.json() == {"corrections": []}
    about = {"detection_id": scan["cards"][0]["detection_id"], "verdict": "not_a_card"}
    said = [(await client.post("/corrections", json=one)).json() for one in (missed, about)]
    undone = (await client.delete(f"/corrections/{said[1]['correction_id']}")).json()
    listed = await client.get(f"/scans/{scan['scan_id']}/corrections")
    contract.check("list_scan_corrections", listed)
    assert listed.json() == {"corrections": [said[0], undone]}
    lost = await client.get(f"/scans/{uuid.UUID(int=404)}/corrections")
    contract.check("list_scan_corrections", lost)
    assert lost.status_code == 404


async def test_a_correction_is_stored_shown_and_undone(scan, client, contract: Contract) -> None:
    body = {
        "detection_id": scan["cards"][0]["detection_id"],
        "verdict": "card",
        "card_id": "em1-002",
        "note": "seen from near",
    }
    stored = await client.post("/corrections", json=body)
    assert stored.status_code == 202
    contract.check("submit_correction", stored)
    assert stored.json()["status"] == "pending"
    assert stored.headers["location"] == f"/corrections/{stored.json()['correction_id']}"
    shown = await client.get(stored.headers["location"])
    contract.check("get_correction", shown)
    assert shown.json() == stored.json()
    undone = await client.delete(stored.headers["location"])
    contract.check("undo_correction", undone)
    assert undone.json()["status"] == "undone"


async def test_a_missed_card_is_named_by_scan_and_quad(scan, client, contract: Contract) -> None:
    quad = [[40, 30], [166, 30.5], [166, 206], [40, 206]]
    body = {"scan_id": scan["scan_id"], "quad": quad, "verdict": "card", "card_id": "em1-001"}
    stored = await client.post("/corrections", json=body)
    contract.check("submit_correction", stored)
    assert stored.json()["quad"] == quad
