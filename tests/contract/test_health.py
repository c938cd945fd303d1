"""What the service says of its own health, to load balancers in more ways than one."""

from __future__ import annotations

import httpx
import pytest

from app.services.runtime import StartUp
from tests.fakes.service import FakeService
from tests.openapi import Contract


@pytest.mark.parametrize("path", ["/health", "/ready", "/ready/startup"])
async def test_head_answers_as_get_without_a_body(path: str, client: httpx.AsyncClient) -> None:
    response = await client.head(path)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["x-request-id"]


async def test_head_on_ready_is_503_while_the_service_starts(service: FakeService) -> None:
    service.app.state.runtime = None
    async with service.client() as client:
        response = await client.head("/ready")
        assert (response.status_code, response.content) == (503, b"")
        assert response.headers["retry-after"] == (await client.get("/ready")).headers["retry-after"]
        assert (await client.head("/health")).status_code == 200


async def test_another_method_on_health_is_still_405(client: httpx.AsyncClient) -> None:
    assert (await client.post("/health")).status_code == 405


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


async def test_a_release_is_up_once_start_up_has_finished_with_an_empty_gallery_too(
    service: FakeService, contract: Contract
) -> None:
    service.gallery.templates.clear()
    async with service.client() as client:
        assert (await client.get("/ready")).status_code == 503
        up = await client.get("/ready/startup")
        contract.check("get_ready_startup", up)
        assert up.json() == {
            "ready": True,
            "checks": [{"name": "startup", "ok": True, "detail": "start-up has finished"}],
        }
        assert (await client.head("/ready/startup")).status_code == 200
        for state in (StartUp(), StartUp("the encoder's weights are not here", failed=True)):
            service.app.state.runtime, service.app.state.startup = None, state
            down = await client.get("/ready/startup")
            contract.check("get_ready_startup", down)
            assert (down.status_code, down.json()["code"]) == (503, "not_ready")
            assert down.json()["checks"] == [{"name": "startup", "ok": False, "detail": state.detail}]
            assert (await client.head("/ready/startup")).status_code == 503


async def test_memory_is_told_in_bytes(client, contract: Contract) -> None:
    response = await client.get("/memory")
    contract.check("get_memory", response)
    assert response.json()["resident_bytes"] == 600_000_000
    assert response.json()["limit_bytes"] == 1_000_000_000
