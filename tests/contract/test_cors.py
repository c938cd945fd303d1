"""Pages of other sites get nothing, unless their origin is set; then they can read errors, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr, ValidationError

from app.settings import Settings
from tests.fakes.service import FakeService, ScriptedIdentify, fake_service, page_png

SHOP, STRANGER = "https://shop.example", "https://evil.example"
PAGE = {"image": ("page.png", page_png(1), "image/png")}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


def with_origins(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update={"cors_origins": f"{SHOP}, http://localhost:3000", **changes})


@pytest.fixture
async def keyed(settings: Settings) -> AsyncIterator[FakeService]:
    async with fake_service(with_origins(settings, api_keys=SecretStr("shop:identify:one"))) as running:
        yield running


async def test_without_the_setting_no_origin_is_allowed(service: FakeService) -> None:
    async with service.client() as client:
        reply = await client.get("/scans", headers={"Origin": SHOP})
        preflight = await client.options("/identify", headers={"Origin": SHOP, **PREFLIGHT})
    assert [name for name in (*reply.headers, *preflight.headers) if name.startswith("access-control")] == []
    assert preflight.status_code == 405


async def test_a_page_of_an_allowed_origin_may_ask_and_read_the_answer(keyed: FakeService) -> None:
    async with keyed.client("one") as client:
        preflight = await client.options("/identify", headers={"Origin": SHOP, **PREFLIGHT})
        answered = await client.post("/identify", files=PAGE, headers={"Origin": SHOP})
        refused = await client.get("/scans?nonsense=1", headers={"Origin": SHOP})
    assert preflight.status_code == 200
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert (answered.status_code, refused.status_code) == (200, 422)
    for reply in (preflight, answered, refused):
        assert reply.headers["access-control-allow-origin"] == SHOP
        assert "access-control-allow-credentials" not in reply.headers
        assert reply.headers["x-request-id"]
    assert "retry-after" in answered.headers["access-control-expose-headers"].lower()


@pytest.mark.parametrize("origin", [STRANGER, "null", "http://shop.example", "https://shop.example.evil"])
async def test_a_page_of_another_origin_may_not(origin: str, keyed: FakeService) -> None:
    async with keyed.client("one") as client:
        preflight = await client.options("/identify", headers={"Origin": origin, **PREFLIGHT})
        reply = await client.get("/scans", headers={"Origin": origin})
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in {*preflight.headers, *reply.headers}


async def test_an_allowed_page_can_read_that_its_request_took_too_long_or_failed(settings: Settings) -> None:
    changes = {"api_keys": SecretStr("shop:identify:one"), "request_timeout_ms": 100}
    async with fake_service(with_origins(settings, **changes)) as running:
        running.replace_identify(ScriptedIdentify(on_identify=lambda: asyncio.sleep(5)))
        async with running.client("one") as client:
            slow = await client.post("/identify", files=PAGE, headers={"Origin": SHOP})

        def fail() -> None:
            raise RuntimeError("a mistake of ours")

        running.replace_identify(ScriptedIdentify(on_identify=fail))
        async with running.client("one") as client:
            failed = await client.post("/identify", files=PAGE, headers={"Origin": SHOP})
    assert (slow.status_code, failed.status_code) == (504, 500)
    assert {reply.headers.get("access-control-allow-origin") for reply in (slow, failed)} == {SHOP}


async def test_without_keys_an_allowed_page_may_send_and_others_still_may_not(settings: Settings) -> None:
    async with fake_service(with_origins(settings)) as running, running.client() as client:
        site = {"Sec-Fetch-Site": "cross-site"}
        allowed = await client.post("/identify", files=PAGE, headers={"Origin": SHOP, **site})
        stranger = await client.post("/identify", files=PAGE, headers={"Origin": STRANGER, **site})
    assert (allowed.status_code, stranger.status_code) == (200, 403)


async def test_with_open_access_any_name_is_answered_but_foreign_pages_are_not(settings: Settings) -> None:
    changes = {"host": "0.0.0.0", "allow_open_access": True}
    async with fake_service(settings.model_copy(update=changes)) as running, running.client() as client:
        name = {"Host": "cards.lan:8000"}
        own = await client.post("/identify", files=PAGE, headers={**name, "Origin": "http://cards.lan:8000"})
        program = await client.post("/identify", files=PAGE, headers=name)
        foreign = await client.post("/identify", files=PAGE, headers={**name, "Origin": STRANGER})
        hidden = await client.post("/identify", files=PAGE, headers={**name, "Origin": "null"})
    assert [reply.status_code for reply in (own, program, foreign, hidden)] == [200, 200, 403, 403]


@pytest.mark.parametrize(
    "origin", ["*", "shop.example", "https://shop.example/", "https://shop.example/a", "null"]
)
def test_what_is_no_origin_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ValidationError, match="CORS_ORIGINS"):
        Settings(_env_file=None, cors_origins=origin)
