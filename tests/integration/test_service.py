"""The whole service on real parts: a photo goes in, printings come out, and people can correct them."""

from __future__ import annotations

import uuid
from pathlib import Path

import asyncpg
import cv2
import httpx
import numpy as np
import pytest

from app.domain.geometry import quad_iou
from app.main import open_runtime
from app.synthesis.catalogue import invent_catalogue
from app.synthesis.scenes import Scene, SceneKind
from tests.service import FilledGallery, as_upload, client_of, offline_settings, photograph


async def identify(client: httpx.AsyncClient, scene: Scene, **params: object) -> dict:
    reply = await client.post("/identify", files=as_upload(scene.image), params=params)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_binder_page_gives_nine_cards_in_reading_order(
    client: httpx.AsyncClient, page: Scene, filled_gallery: FilledGallery
) -> None:
    body = await identify(client, page)
    groups = {card.card.card_id: card.artwork_id for card in filled_gallery.cards}
    assert [card["grid"] for card in body["cards"]] == [
        {"row": row, "column": column} for row in range(3) for column in range(3)
    ]
    named = [card["candidates"][0]["card"]["card_id"] for card in body["cards"]]
    assert [groups[card_id] for card_id in named] == [groups[card.card_id] for card in page.cards]
    for found, true in zip(body["cards"], page.cards, strict=True):
        assert quad_iou(np.array(found["quad"]), true.quad_px) > 0.85
        assert np.linalg.norm(np.array(found["quad"])[0] - true.quad_px[0]) < 40


async def test_the_answer_can_be_read_again_with_its_pictures(client: httpx.AsyncClient, page: Scene) -> None:
    body = await identify(client, page)
    scan_id = body["scan_id"]
    assert (await client.get(f"/scans/{scan_id}")).json() == body
    assert (await client.get("/scans")).json()["scans"][0]["scan_id"] == scan_id
    picture = await client.get(f"/scans/{scan_id}/image")
    assert picture.headers["content-type"] == "image/jpeg"
    crop = await client.get(f"/detections/{body['cards'][0]['detection_id']}/image")
    assert crop.content.startswith(b"\xff\xd8")
    lines = (await client.get(f"/scans/{scan_id}/cards.csv")).text.splitlines()
    assert len(lines) == 10


async def test_forgetting_a_scan_removes_it_and_its_pictures(client: httpx.AsyncClient, page: Scene) -> None:
    body = await identify(client, page)
    assert (await client.delete(f"/scans/{body['scan_id']}")).status_code == 204
    for path in (
        f"/scans/{body['scan_id']}",
        f"/scans/{body['scan_id']}/image",
        f"/detections/{body['cards'][0]['detection_id']}/image",
    ):
        assert (await client.get(path)).status_code == 404


async def test_cards_of_no_gallery_are_not_accepted(client: httpx.AsyncClient) -> None:
    strangers = invent_catalogue(seed=31337, artworks=9)[:9]
    body = await identify(client, photograph(strangers, SceneKind.PAGE_3X3, seed=8))
    assert len(body["cards"]) >= 8
    assert [card["status"] for card in body["cards"] if card["status"] == "accepted"] == []


async def test_the_printing_is_named_or_is_among_those_in_doubt(
    client: httpx.AsyncClient, filled_gallery: FilledGallery
) -> None:
    by_artwork: dict[str, list] = {}
    for card in filled_gallery.cards:
        by_artwork.setdefault(card.artwork_id, []).append(card)
    reprinted = next(
        cards
        for cards in by_artwork.values()
        if len({card.card.name for card in cards}) == 1 and len({card.card.set_id for card in cards}) > 1
    )
    body = await identify(client, photograph(reprinted[:1], SceneKind.SINGLE))
    answer = body["cards"][0]
    ids = {card.card.card_id for card in reprinted}
    assert answer["card"]["card_id"] in ids
    assert reprinted[0].card.card_id in {answer["card"]["card_id"], *answer["ambiguous_with"]}
    assert set(answer["ambiguous_with"]) <= ids - {answer["card"]["card_id"]}
    assert answer["confidence"]["printing"] <= answer["confidence"]["card"]


@pytest.mark.parametrize("height_left", [0.7, 0.52])
async def test_cards_seen_so_steeply_that_they_look_wider_than_high_are_named(
    client: httpx.AsyncClient, page: Scene, filled_gallery: FilledGallery, height_left: float
) -> None:
    reply = await client.post("/identify", files=as_upload(squashed(page.image, height_left)))
    groups = {card.card.card_id: card.artwork_id for card in filled_gallery.cards}
    found = reply.json()["cards"]
    named = [card["candidates"][0]["card"]["card_id"] for card in found]
    assert [groups[card_id] for card_id in named] == [groups[card.card_id] for card in page.cards]
    for card, true in zip(found, page.cards, strict=True):
        assert card["rotation"] == 0
        left_side_px = np.linalg.norm((true.quad_px[3] - true.quad_px[0]) * (1, height_left))
        assert card["quality"]["height_px"] == pytest.approx(left_side_px, rel=0.15)
        assert np.linalg.norm(np.array(card["quad"])[0] - true.quad_px[0] * (1, height_left)) < 40
    flat = (await client.post("/identify", files=as_upload(page.image))).json()["cards"]
    crops = [await crop_of(client, cards[0]) for cards in (found, flat)]
    assert np.corrcoef(crops[0].ravel(), crops[1].ravel())[0, 1] > 0.8


def squashed(image: np.ndarray, height_left: float) -> np.ndarray:
    """As if seen from low above the table."""
    height, width = image.shape[:2]
    return cv2.resize(image, (width, round(height_left * height)), interpolation=cv2.INTER_AREA)


async def crop_of(client: httpx.AsyncClient, detection: dict) -> np.ndarray:
    """The stored crop in grey, small."""
    data = (await client.get(f"/detections/{detection['detection_id']}/image")).content
    crop = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return cv2.resize(crop, (63, 88), interpolation=cv2.INTER_AREA).astype(float)


@pytest.mark.parametrize("height_left", [0.82, 0.6])
async def test_strangers_seen_steeply_lie_as_the_detector_saw_them(
    client: httpx.AsyncClient, height_left: float
) -> None:
    strangers = photograph(invent_catalogue(777, 9)[:9], SceneKind.PAGE_3X3)
    reply = await client.post("/identify", files=as_upload(squashed(strangers.image, height_left)))
    lying = 0 if height_left > 0.75 else 9
    found = reply.json()["cards"]
    assert sum(card["rotation"] in (90, 270) for card in found) in range(lying - 1, lying + 1)
    assert [card["status"] for card in found].count("accepted") == 0


async def test_a_blank_picture_has_no_cards(client: httpx.AsyncClient) -> None:
    reply = await client.post("/identify", files=as_upload(np.full((400, 300, 3), 127, np.uint8)))
    assert (reply.status_code, reply.json()["cards"]) == (200, [])


async def test_filters_narrow_the_gallery(
    client: httpx.AsyncClient, page: Scene, filled_gallery: FilledGallery
) -> None:
    set_id = filled_gallery.cards[0].card.set_id
    body = await identify(client, page, set_id=set_id)
    candidates = [c["card"]["set_id"] for card in body["cards"] for c in card["candidates"]]
    assert set(candidates) == {set_id}
    nothing = await identify(client, page, game="another game")
    assert {card["status"] for card in nothing["cards"]} == {"unknown"}


async def test_the_same_key_and_picture_give_the_same_scan_and_another_picture_a_conflict(
    client: httpx.AsyncClient, page: Scene
) -> None:
    headers = {"Idempotency-Key": "page-1"}
    first = await client.post("/identify", files=as_upload(page.image), headers=headers)
    again = await client.post("/identify", files=as_upload(page.image), headers=headers)
    assert again.json() == first.json()
    other = await client.post("/identify", files=as_upload(page.image[:500]), headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


async def test_a_correction_is_stored_as_pending_once_and_can_be_undone(
    client: httpx.AsyncClient, page: Scene
) -> None:
    body = await identify(client, page)
    correction = {
        "detection_id": body["cards"][0]["detection_id"],
        "verdict": "card",
        "card_id": body["cards"][1]["candidates"][0]["card"]["card_id"],
    }
    headers = {"Idempotency-Key": "c-1"}
    first = await client.post("/corrections", json=correction, headers=headers)
    again = await client.post("/corrections", json=correction, headers=headers)
    assert first.status_code == again.status_code == 202
    assert first.json()["correction_id"] == again.json()["correction_id"]
    path = f"/corrections/{first.json()['correction_id']}"
    assert (await client.get(path)).json()["status"] == "pending"
    conflict = await client.post("/corrections", json={**correction, "note": "other"}, headers=headers)
    assert conflict.status_code == 409
    assert (await client.delete(path)).status_code in {200, 204}
    assert (await client.get(path)).json()["status"] == "undone"


async def test_a_missed_card_can_be_drawn_by_hand(client: httpx.AsyncClient, page: Scene) -> None:
    body = await identify(client, page)
    missed = {
        "scan_id": body["scan_id"],
        "quad": page.cards[0].quad_px.tolist(),
        "verdict": "card",
        "card_id": page.cards[0].card_id,
    }
    assert (await client.post("/corrections", json=missed)).status_code == 202
    outside = {**missed, "quad": [[-5, 0], [100, 0], [100, 100], [0, 100]]}
    reply = await client.post("/corrections", json=outside)
    assert (reply.status_code, "inside" in reply.json()["detail"]) == (422, True)
    unknown = {**missed, "scan_id": str(uuid.uuid4())}
    assert (await client.post("/corrections", json=unknown)).status_code == 404


async def test_ready_says_which_encoder_and_gallery_serve(client: httpx.AsyncClient) -> None:
    reply = await client.get("/ready")
    assert reply.status_code == 200, reply.text
    checks = reply.json()["checks"]
    assert [check["name"] for check in checks] == ["encoder", "database", "gallery", "memory"]
    assert "fp32" in checks[0]["detail"]
    assert "loses too much in anything less" in checks[0]["detail"]


async def test_memory_is_reported_in_bytes(client: httpx.AsyncClient, page: Scene) -> None:
    await identify(client, page)
    memory = (await client.get("/memory")).json()
    assert memory["resident_bytes"] > memory["anonymous_bytes"] > 10_000_000
    assert memory["batches"] > 0


async def test_templates_of_another_encoder_are_refused_and_ready_says_so(
    gallery_url: str, page: Scene, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(gallery_url)
    await connection.execute("UPDATE galleries SET encoder_fingerprint = 'another'")
    await connection.close()
    settings = offline_settings(gallery_url, tmp_path)
    async with open_runtime(settings) as runtime, client_of(runtime) as client:
        reply = await client.post("/identify", files=as_upload(page.image))
        assert (reply.status_code, reply.json()["code"]) == (503, "gallery_mismatch")
        ready = await client.get("/ready")
        assert (ready.status_code, "another" in ready.json()["detail"]) == (503, True)


async def test_an_empty_gallery_is_not_ready(database_url: str, page: Scene, tmp_path: Path) -> None:
    async with (
        open_runtime(offline_settings(database_url, tmp_path)) as runtime,
        client_of(runtime) as client,
    ):
        reply = await client.post("/identify", files=as_upload(page.image))
        assert (reply.status_code, reply.json()["code"]) == (503, "gallery_empty")
        assert reply.headers["Retry-After"]
        assert (await client.get("/ready")).status_code == 503
        assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"just text, no picture", 415, "unsupported_format"),
        (b"", 422, "empty_upload"),
        (b"\xff\xd8\xff\xe0" + b"\x00" * 50, 422, "broken_image"),
    ],
)
async def test_what_is_not_a_picture_is_refused_by_name(
    client: httpx.AsyncClient, content: bytes, status: int, code: str
) -> None:
    reply = await client.post("/identify", files={"image": ("x.jpg", content, "image/jpeg")})
    assert (reply.status_code, reply.json().get("code")) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"


def without_names(body: dict) -> dict:
    """An answer without what is new each time: ids and times."""
    cards = [
        {name: value for name, value in card.items() if name != "detection_id"} for card in body["cards"]
    ]
    return {"image": body["image"], "encoder": body["encoder"], "cards": cards}


async def test_the_same_picture_gets_the_same_answer_also_after_a_restart(
    client: httpx.AsyncClient, page: Scene, gallery_url: str, tmp_path: Path
) -> None:
    """Not because an answer is remembered: the second process has seen nothing."""
    first, second = await identify(client, page), await identify(client, page)
    assert first["scan_id"] != second["scan_id"]
    async with (
        open_runtime(offline_settings(gallery_url, tmp_path)) as restarted,
        client_of(restarted) as other,
    ):
        third = await identify(other, page)
    assert without_names(first) == without_names(second) == without_names(third)
    assert len(first["cards"]) == 9
