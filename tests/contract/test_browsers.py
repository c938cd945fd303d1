"""Without keys no web page of others gets in, neither by a name of its own nor across sites."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from app.settings import Settings
from tests.fakes.service import FakeService, fake_service, page_png
from tests.openapi import Contract

PATHS = ["/", "/docs", "/health", "/scans", "/openapi.json", "/static/style.css", "/no-such-path"]
FOREIGN = ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0"]
ODD = ["", "localhost:8000:9", "user@localhost", "localhost/", "::1", "[::1", "localhost:port", "local host"]


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000", "localhost:"],
)
async def test_names_of_this_machine_are_answered(host: str, client: httpx.AsyncClient) -> None:
    assert (await client.get("/scans", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", FOREIGN + ODD)
async def test_another_name_is_refused(host: str, client: httpx.AsyncClient, contract: Contract) -> None:
    refused = await client.get("/scans", headers={"Host": host})
    assert (refused.status_code, refused.json()["code"]) == (403, "host_not_allowed")
    contract.check("list_scans", refused)


@pytest.mark.parametrize("path", PATHS)
async def test_another_name_is_refused_on_every_path(path: str, client: httpx.AsyncClient) -> None:
    refused = await client.get(path, headers={"Host": "evil.example"})
    assert (refused.status_code, refused.json()["code"]) == (403, "host_not_allowed")
    assert refused.headers["x-request-id"] == refused.json()["request_id"]


async def test_a_request_without_or_with_two_hosts_is_refused(service: FakeService) -> None:
    async with service.client() as client:
        for hosts in ([], ["localhost", "localhost"]):
            request = client.build_request("GET", "/scans")
            request.headers = httpx.Headers([("Host", host) for host in hosts])
            assert (await client.send(request)).json()["code"] == "host_not_allowed"


@pytest.mark.parametrize(
    ("listens_on", "asked_for"),
    [("binder.lan", "Binder.lan:8000"), ("::1", "[::1]"), ("127.0.0.5", "127.0.0.5")],
)
async def test_the_address_that_was_set_is_answered(
    listens_on: str, asked_for: str, settings: Settings
) -> None:
    async with (
        fake_service(settings.model_copy(update={"host": listens_on})) as running,
        running.client() as client,
    ):
        assert (await client.get("/scans", headers={"Host": asked_for})).status_code == 200


async def test_a_form_of_another_site_is_refused_unread(
    client: httpx.AsyncClient, service: FakeService, contract: Contract
) -> None:
    files = {"image": ("page.png", page_png(1))}
    refused = await client.post("/identify", files=files, headers={"Sec-Fetch-Site": "cross-site"})
    assert (refused.status_code, refused.json()["code"]) == (403, "cross_site_request")
    contract.check("identify", refused)
    assert service.scans.scans == {}


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
async def test_the_service_s_own_page_may_send_a_form(site: str, client: httpx.AsyncClient) -> None:
    files = {"image": ("page.png", page_png(1))}
    answered = await client.post("/identify", files=files, headers={"Sec-Fetch-Site": site})
    assert answered.status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1.evil.example:8000", "http://user@localhost"]
)
async def test_a_form_of_a_foreign_origin_is_refused(origin: str, client: httpx.AsyncClient) -> None:
    files = {"image": ("page.png", page_png(1))}
    refused = await client.post("/identify", files=files, headers={"Origin": origin})
    assert (refused.status_code, refused.json()["code"]) == (403, "cross_site_request")


@pytest.mark.parametrize("origin", ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000"])
async def test_a_form_of_the_service_s_own_origin_is_taken(origin: str, client: httpx.AsyncClient) -> None:
    files = {"image": ("page.png", page_png(1))}
    assert (await client.post("/identify", files=files, headers={"Origin": origin})).status_code == 200


async def test_a_link_from_another_site_may_be_followed(client: httpx.AsyncClient) -> None:
    assert (await client.get("/docs", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 200


async def test_with_keys_the_service_has_any_name(settings: Settings) -> None:
    keys = SecretStr("shop:identify:look-1")
    async with (
        fake_service(settings.model_copy(update={"api_keys": keys})) as running,
        running.client("look-1") as client,
    ):
        headers = {"Host": "scan.example", "Sec-Fetch-Site": "cross-site"}
        assert (await client.get("/scans", headers=headers)).status_code == 200
        files = {"image": ("page.png", page_png(1))}
        assert (await client.post("/identify", files=files, headers=headers)).status_code == 200
