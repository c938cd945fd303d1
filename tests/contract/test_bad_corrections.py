"""A correction that says nothing usable is refused with a problem that says why."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.openapi import Contract


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"verdict": None}, "verdict"),
        ({"colour": "red"}, "unknown field 'colour'; allowed: card_id, detection_id"),
        ({"detection_id": "7"}, "detection_id"),
        ({"card_id": None}, "card_id goes with the verdict 'card'"),
        ({"card_id": 7}, "card_id"),
        ({"card_id": "a\x00b"}, "card_id"),
        ({"card_id": "\ud800"}, "card_id"),
        ({"verdict": "not_a_card"}, "card_id goes with the verdict 'card'"),
        ({"note": "x" * 2001}, "note"),
        ({"quad": [[0, 0], [1, 0], [1, 1], [0, 1]]}, "either detection_id, or scan_id with quad"),
        ({"detection_id": None}, "either detection_id, or scan_id with quad"),
        ({"quad": [[0, 0], [1, 0], [1, 1]]}, "quad"),
        ({"quad": [["0", 0], [1, 0], [1, 1], [0, 1]]}, "quad"),
        ({"quad": [[True, 0], [1, 0], [1, 1], [0, 1]]}, "quad"),
        ({"quad": [[1e300, 0], [1, 0], [1, 1], [0, 1]]}, "quad"),
    ],
)
async def test_a_correction_that_makes_no_sense_is_refused(
    change: dict[str, object], words: str, scan, client: httpx.AsyncClient, contract: Contract
) -> None:
    body = {"detection_id": scan["cards"][0]["detection_id"], "verdict": "card", "card_id": "em1-002"}
    # Not by the client's own encoder: it would refuse a lone surrogate itself.
    content, headers = json.dumps(body | change), {"Content-Type": "application/json"}
    response = await client.post("/corrections", content=content, headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")
    assert words in response.json()["detail"]
    contract.check("submit_correction", response)


@pytest.mark.parametrize("quad", ["[[NaN,0],[1,0],[1,1],[0,1]]", "[[Infinity,0],[1,0],[1,1],[0,1]]"])
async def test_numbers_that_json_does_not_know_are_refused(quad: str, scan, client) -> None:
    body = f'{{"scan_id": "{scan["scan_id"]}", "quad": {quad}, "verdict": "card", "card_id": "em1-001"}}'
    headers = {"Content-Type": "application/json"}
    response = await client.post("/corrections", content=body, headers=headers)
    assert response.status_code == 422


@pytest.mark.parametrize("body", ["", "[]", '"text"', "7", "null"])
async def test_a_correction_that_is_no_object_is_refused(body: str, client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/corrections", content=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")


@pytest.mark.parametrize("body", ["{", "{'verdict': 1}", b"\xff\xfe", "[" * 50_000])
async def test_a_correction_that_is_no_json_is_malformed(body: str, client, contract: Contract) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/corrections", content=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_request")
    contract.check("submit_correction", response)


async def test_a_correction_that_a_web_form_could_send_is_refused(scan, client: httpx.AsyncClient) -> None:
    body = f'{{"detection_id": "{scan["cards"][0]["detection_id"]}", "verdict": "not_a_card"}}'
    response = await client.post("/corrections", content=body, headers={"Content-Type": "text/plain"})
    assert response.status_code == 422


async def test_a_correction_of_many_bytes_is_refused(client: httpx.AsyncClient, contract: Contract) -> None:
    response = await client.post("/corrections", json={"verdict": "card", "note": "x" * 70_000})
    assert (response.status_code, response.json()["code"]) == (413, "upload_too_large")
    contract.check("submit_correction", response)


@pytest.mark.parametrize("named", ["detection_id", "card_id", "scan_id"])
async def test_a_correction_of_something_unknown_is_404(named: str, scan, client) -> None:
    nothing = "3f2c1a90-5b7e-4d21-9a66-0c8d5e1f7b34"
    quad = [[40, 30], [166, 30], [166, 206], [40, 206]]
    body = {
        "detection_id": {"detection_id": nothing, "verdict": "not_a_card"},
        "card_id": {
            "detection_id": scan["cards"][0]["detection_id"],
            "verdict": "card",
            "card_id": "no-such-card",
        },
        "scan_id": {"scan_id": nothing, "quad": quad, "verdict": "card", "card_id": "em1-001"},
    }[named]
    response = await client.post("/corrections", json=body)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
