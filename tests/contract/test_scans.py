"""Scans are listed, narrowed down, taken away as a list, and forgotten."""

from __future__ import annotations

import csv
import io

from tests.fakes.service import page_png
from tests.openapi import Contract


async def test_scans_are_listed_newest_first_page_by_page(client, contract: Contract) -> None:
    made = [
        (await client.post("/identify", files={"image": page_png(*cards)})).json()["scan_id"]
        for cards in ((), (1,), (2, 3))
    ]
    seen: list[str] = []
    params: dict[str, str] = {"limit": "2"}
    for _ in range(3):
        response = await client.get("/scans", params=params)
        contract.check("list_scans", response)
        seen += [line["scan_id"] for line in response.json()["scans"]]
        if response.json()["next_before"] is None:
            break
        params["before"] = response.json()["next_before"]
    assert seen == made[::-1]


async def test_scans_are_kept_by_the_status_of_their_cards(scan, client) -> None:
    statuses = {card["status"] for card in scan["cards"]}
    for status in ("accepted", "review", "unknown"):
        listed = (await client.get("/scans", params={"status": status})).json()["scans"]
        assert bool(listed) == (status in statuses)


async def test_scans_are_kept_by_what_is_asked_of_their_cards(scan, client, contract: Contract) -> None:
    """Which conditions hold together, the tests of the database say; here that each gets there."""
    first = scan["cards"][0]
    say = {"detection_id": first["detection_id"], "verdict": "card", "card_id": first["card"]["card_id"]}
    assert (await client.post("/corrections", json=say)).status_code == 202
    sure = first["confidence"]["printing"]
    met = {
        "card_id": first["card"]["card_id"],
        "set_id": first["card"]["set_id"],
        "language": "en",
        "learnt": "false",
        "confidence_from": str(max(0, sure - 0.01)),
        "confidence_to": "1",
        "right_card_id": say["card_id"],
        "verdict": "card",
        "correction": "pending",
        "corrected_since": "2000-01-01T00:00:00Z",
        "since": "2000-01-01T00:00:00Z",
        "before": "2999-01-01T00:00:00Z",
        "encoder": scan["encoder"]["name"],
        "stage": "total",
        "slower_than_ms": "0",
    }
    missed = {
        "card_id": "em1-006",
        "set_id": "no",
        "language": "fr",
        "learnt": "true",
        "correction": "undone",
    }
    missed |= {"verdict": "not_a_card", "right_card_id": "no", "since": "2998-01-01T00:00:00Z"}
    missed |= {"encoder": "other", "slower_than_ms": "1e9", "corrected_since": "2999-01-01T00:00:00Z"}
    missed |= {"before": "2000-01-01T00:00:01Z", "confidence_from": "1"}
    for params, expected in [(met, 1), *((met | {name: value}, 0) for name, value in missed.items())]:
        params = params if params.get("verdict") == "card" else params | {"right_card_id": None}
        response = await client.get("/scans", params={k: v for k, v in params.items() if v is not None})
        contract.check("list_scans", response)
        assert (response.status_code, len(response.json()["scans"])) == (200, expected), params


async def test_a_page_comes_as_a_csv_list(scan, client, contract: Contract) -> None:
    response = await client.get(f"/scans/{scan['scan_id']}/cards.csv")
    contract.check("get_scan_csv", response)
    lines = list(csv.DictReader(io.StringIO(response.text)))
    assert [line["card_id"] for line in lines] == [card["card"]["card_id"] for card in scan["cards"]]


async def test_a_deleted_scan_is_forgotten_with_its_pictures(scan, client, contract: Contract) -> None:
    url = f"/scans/{scan['scan_id']}"
    contract.check("delete_scan", await client.delete(url))
    for gone in (url, f"{url}/image", f"{url}/cards.csv"):
        assert (await client.get(gone)).status_code == 404
    assert (await client.get(f"/detections/{scan['cards'][0]['detection_id']}/image")).status_code == 404
    assert (await client.delete(url)).status_code == 404
