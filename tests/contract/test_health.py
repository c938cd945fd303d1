"""Load balancers ask for health in more ways than one."""

from __future__ import annotations

import httpx
import pytest

from tests.fakes.service import FakeService


@pytest.mark.parametrize("path", ["/health", "/ready"])
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
