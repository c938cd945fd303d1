"""Who may do what: every route against every kind of key, so that a new route cannot forget its scope."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from app.api.application import api_routers
from app.api.routing import ApiRoute
from app.api.security import Scope
from app.settings import Settings
from tests.fakes.service import FakeService, fake_service, page_png

KEYS = {"identify": "look-1", "correct": "mend-1", "admin": "rule-1", "identify+correct": "both-1"}
#: What each route needs; None is open. A route that is missing here fails the first test.
NEEDS = {
    ("POST", "/identify"): "identify",
    ("POST", "/corrections"): "correct",
    ("GET", "/corrections/{correction_id}"): "correct",
    ("DELETE", "/corrections/{correction_id}"): "correct",
    ("GET", "/cards"): "identify",
    ("GET", "/cards/{card_id}"): "identify",
    ("GET", "/cards/{card_id}/image"): "identify",
    ("GET", "/scans"): "identify",
    ("GET", "/scans/{scan_id}"): "identify",
    ("GET", "/scans/{scan_id}/image"): "identify",
    ("GET", "/scans/{scan_id}/cards.csv"): "identify",
    ("GET", "/scans/{scan_id}/corrections"): "correct",
    ("GET", "/detections/{detection_id}"): "identify",
    ("GET", "/detections/{detection_id}/image"): "identify",
    ("DELETE", "/scans/{scan_id}"): "admin",
    ("GET", "/memory"): "identify",
    ("GET", "/metrics"): "identify",
    ("POST", "/login"): None,
    ("POST", "/logout"): None,
    ("GET", "/health"): None,
    ("GET", "/ready"): None,
    ("GET", "/ready/startup"): None,
    ("GET", "/"): None,
    ("GET", "/docs"): None,
    ("GET", "/dashboard"): None,
    ("GET", "/quality"): "identify",
    ("GET", "/static/swagger-ui/{name}"): None,
}


def routes() -> dict[tuple[str, str], ApiRoute]:
    return {
        (method, route.path_format): route
        for router in api_routers()
        for route in router.routes
        for method in route.methods
    }


@pytest.fixture
async def guarded(settings: Settings) -> AsyncIterator[FakeService]:
    keys = ",".join(f"{scopes.replace('+', '-')}:{scopes}:{key}" for scopes, key in KEYS.items())
    async with fake_service(settings.model_copy(update={"api_keys": SecretStr(keys)})) as running:
        yield running


def test_every_route_says_which_scope_it_needs() -> None:
    assert {name: route.scope for name, route in routes().items()} == NEEDS


@pytest.mark.parametrize(("method", "path"), [name for name, scope in NEEDS.items() if scope])
async def test_a_route_is_closed_to_all_but_the_right_scopes(
    method: str, path: str, guarded: FakeService
) -> None:
    url = path.format(**dict.fromkeys(("scan_id", "detection_id", "correction_id", "card_id"), uuid.uuid4()))
    needed = NEEDS[method, path]
    async with guarded.client() as client:
        for presented in (None, "wrong", ""):
            headers = {} if presented is None else {"X-API-Key": presented}
            refused = await client.request(method, url, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
            assert refused.headers["www-authenticate"].startswith("Bearer")
        for scopes, key in KEYS.items():
            answered = await client.request(method, url, headers={"Authorization": f"Bearer {key}"})
            if needed in scopes.split("+") or scopes == "admin":
                assert answered.status_code not in (401, 403)
            else:
                assert (answered.status_code, answered.json()["code"]) == (403, "scope_missing")
                assert key not in answered.text


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/", "/docs", "/dashboard", "/openapi.json", "/static/style.css"]
)
async def test_the_shells_need_no_key(path: str, guarded: FakeService) -> None:
    async with guarded.client() as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer look-1"},
        {"Authorization": "bearer   look-1"},
        {"X-API-Key": "look-1"},
        {"Authorization": "Basic abc", "X-API-Key": "look-1"},
    ],
)
async def test_a_key_may_come_either_way(headers: dict[str, str], guarded: FakeService) -> None:
    async with guarded.client() as client:
        assert (await client.get("/scans", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Authorization": "look-1"}, {"Authorization": "Basic look-1"}, {"X-API-Key": "LOOK-1"}]
)
async def test_a_key_in_another_form_is_no_key(headers: dict[str, str], guarded: FakeService) -> None:
    async with guarded.client() as client:
        assert (await client.get("/scans", headers=headers)).status_code == 401


async def test_without_keys_nobody_needs_one(client: httpx.AsyncClient) -> None:
    assert (await client.get("/scans")).status_code == 200
    assert (await client.get("/scans", headers={"X-API-Key": "whatever"})).status_code == 200


async def test_a_refused_upload_is_not_read(guarded: FakeService) -> None:
    sent: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(100):
            sent.append(1000)
            yield b"x" * 1000

    async with guarded.client() as client:
        refused = await client.post("/identify", content=body())
    assert refused.status_code == 401
    assert sent == []


async def test_a_key_is_refused_before_a_broken_body_is_judged(guarded: FakeService) -> None:
    async with guarded.client() as client:
        headers = {"Content-Type": "application/json"}
        assert (await client.post("/corrections", content="{", headers=headers)).status_code == 401


async def test_a_scan_and_a_correction_remember_the_id_of_their_key(guarded: FakeService) -> None:
    async with guarded.client("both-1") as client:
        scan = (await client.post("/identify", files={"image": page_png(1)})).json()
        body = {"detection_id": scan["cards"][0]["detection_id"], "verdict": "not_a_card"}
        correction = (await client.post("/corrections", json=body)).json()
    assert guarded.scans.key_ids[uuid.UUID(scan["scan_id"])] == "identify-correct"
    assert correction["key_id"] == "identify-correct"


async def test_what_was_said_with_one_key_is_not_taken_back_with_another(guarded: FakeService) -> None:
    async with guarded.client(KEYS["identify+correct"]) as author:
        scan = (await author.post("/identify", files={"image": ("p.png", page_png(1))})).json()
        body = {
            "detection_id": scan["cards"][0]["detection_id"],
            "verdict": "card",
            "card_id": "em1-001",
        }
        own = [(await author.post("/corrections", json=body)).headers["location"] for _ in range(2)]
        async with guarded.client(KEYS["correct"]) as stranger:
            refused = await stranger.delete(own[0])
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        assert (await author.get(own[0])).json()["status"] == "pending"
        assert (await author.delete(own[0])).json()["status"] == "undone"
    async with guarded.client(KEYS["admin"]) as admin:
        assert (await admin.delete(own[1])).json()["status"] == "undone"


async def test_only_hashes_of_keys_are_kept(guarded: FakeService) -> None:
    ring = guarded.app.state.key_ring
    kept = repr([(key.key_id, key.key_sha256) for key in ring._keys])
    assert not any(key in kept for key in KEYS.values())
    assert ring.authorise("rule-1", Scope.CORRECT) == "admin"


async def test_a_hashed_key_in_the_settings_opens_for_the_clear_one(settings: Settings) -> None:
    digest = hashlib.sha256(b"s3cret").hexdigest()
    keys = SecretStr(f"ci:identify:sha256={digest}")
    async with fake_service(settings.model_copy(update={"api_keys": keys})) as running:
        async with running.client("s3cret") as client:
            assert (await client.get("/scans")).status_code == 200
        async with running.client(f"sha256={digest}") as client:
            assert (await client.get("/scans")).status_code == 401
