"""Every operation answers what the OpenAPI document says, over real services and in-memory stores."""

from __future__ import annotations

import asyncio
import csv
import io
import uuid
from uuid import UUID

import httpx
import pytest
from PIL import Image

from app.domain.types import Identification, StoredImage
from app.services.explaining import Explainer
from app.services.runtime import StartUp
from tests.fakes.service import FakeService, card_picture, page_png, png
from tests.openapi import Contract

NOTHING = str(uuid.UUID(int=404))


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


async def test_candidates_and_filters_narrow_the_answer(client: httpx.AsyncClient) -> None:
    url = "/identify?candidates=2&set_id=em2&set_id=em1&game=invented&language=en"
    response = await client.post(url, files={"image": ("p.png", page_png(1))})
    assert len(response.json()["cards"][0]["candidates"]) == 2
    other = await client.post("/identify?set_id=em2", files={"image": ("p.png", page_png(1))})
    listed = [candidate["card"]["set_id"] for candidate in other.json()["cards"][0]["candidates"]]
    assert listed == ["em2"]


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


async def test_a_repeated_correction_with_its_key_is_the_same_correction(scan, client) -> None:
    body = {"detection_id": scan["cards"][0]["detection_id"], "verdict": "not_a_card"}
    first, second = [
        await client.post("/corrections", json=body, headers={"Idempotency-Key": "k-1"}) for _ in range(2)
    ]
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"


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


@pytest.mark.parametrize(
    ("operation_id", "method", "path"),
    [
        ("get_scan", "GET", f"/scans/{NOTHING}"),
        ("get_scan_image", "GET", f"/scans/{NOTHING}/image"),
        ("get_scan_csv", "GET", f"/scans/{NOTHING}/cards.csv"),
        ("delete_scan", "DELETE", f"/scans/{NOTHING}"),
        ("get_detection_image", "GET", f"/detections/{NOTHING}/image"),
        ("get_card", "GET", "/cards/nothing"),
        ("get_card", "GET", "/cards/em1/with/slashes"),
        ("get_card_image", "GET", "/cards/nothing/image"),
        ("get_correction", "GET", f"/corrections/{NOTHING}"),
        ("undo_correction", "DELETE", f"/corrections/{NOTHING}"),
    ],
)
async def test_what_is_not_there_is_404(
    operation_id: str, method: str, path: str, client: httpx.AsyncClient, contract: Contract
) -> None:
    response = await client.request(method, path)
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
    contract.check(operation_id, response)


async def test_health_does_not_need_what_lies_behind(service: FakeService, contract: Contract) -> None:
    service.app.state.runtime = None
    async with service.client() as client:
        response = await client.get("/health")
        contract.check("get_health", response)
        assert response.json() == {"status": "ok"}


async def test_ready_names_the_check_that_fails(client, service: FakeService, contract: Contract) -> None:
    ready = await client.get("/ready")
    contract.check("get_ready", ready)
    assert ready.json()["checks"] == [{"name": "gallery", "ok": True, "detail": "6 templates"}]
    service.gallery.templates.clear()
    refused = await client.get("/ready")
    contract.check("get_ready", refused)
    assert refused.status_code == 503
    assert refused.json()["detail"] == "gallery: the gallery has no templates of this encoder"
    assert refused.json()["checks"][0]["ok"] is False
    assert int(refused.headers["retry-after"]) > 0


async def test_before_start_up_has_finished_everything_else_is_503(
    service: FakeService, contract: Contract
) -> None:
    service.app.state.runtime = None
    service.app.state.startup = StartUp("the encoder's weights are not here")
    async with service.client() as client:
        for operation_id, path in (
            ("get_ready", "/ready"),
            ("list_scans", "/scans"),
            ("get_memory", "/memory"),
        ):
            response = await client.get(path)
            assert (response.status_code, response.json()["code"]) == (503, "not_ready")
            assert "the encoder's weights are not here" in response.json()["detail"]
            contract.check(operation_id, response)


async def test_memory_is_told_in_bytes(client, contract: Contract) -> None:
    response = await client.get("/memory")
    contract.check("get_memory", response)
    assert response.json()["resident_bytes"] == 600_000_000
    assert response.json()["limit_bytes"] == 1_000_000_000


async def test_metrics_count_requests_scans_cards_and_memory(scan, client, contract: Contract) -> None:
    await client.get(f"/scans/{NOTHING}")
    response = await client.get("/metrics")
    contract.check("get_metrics", response)
    lines = response.text.splitlines()
    assert "binderlens_scans_total 1.0" in lines
    assert 'binderlens_http_requests_total{method="GET",route="/scans/{scan_id}",status="404"} 1.0' in lines
    assert 'binderlens_memory_bytes{kind="resident"} 6e+08' in lines
    assert 'binderlens_stage_seconds_count{stage="detect"} 1.0' in lines
    assert sum(float(line.split()[-1]) for line in lines if line.startswith("binderlens_cards_total")) == 3


async def test_metrics_show_what_the_process_is_made_of(client, contract: Contract) -> None:
    lines = (await client.get("/metrics")).text.splitlines()
    for line in (
        'binderlens_ready{check="gallery"} 1.0',
        'binderlens_permits{state="taken"} 0.0',
        'binderlens_permits{state="limit"} 2.0',
        'binderlens_permits{state="uploads"} 0.0',
        'binderlens_ready{check="startup"} 1.0',
        'binderlens_db_connections{state="busy"} 1.0',
        'binderlens_db_connections{state="idle"} 2.0',
        'binderlens_db_connections{state="limit"} 5.0',
        "binderlens_db_connections_opened_total 7.0",
        "binderlens_db_failures_total 2.0",
        "binderlens_memory_limit_bytes 1e+09",
        "binderlens_search_retries_total 0.0",
    ):
        assert line in lines
    [encoder] = [line for line in lines if line.startswith("binderlens_encoder_info{")]
    assert 'precision="fp32"' in encoder


async def test_metrics_are_there_before_the_service_is_ready(service: FakeService) -> None:
    service.app.state.runtime = None
    async with service.client() as client:
        response = await client.get("/metrics")
    assert response.status_code == 200
    assert 'binderlens_ready{check="startup"} 0.0' in response.text.splitlines()
    assert "binderlens_permits{" not in response.text
