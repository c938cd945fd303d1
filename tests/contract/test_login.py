"""A key is exchanged for a cookie that does what the key does, in our own pages alone."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from http.cookies import Morsel, SimpleCookie

import httpx
import pytest
from pydantic import SecretStr

from app.api.limits import WRONG_KEYS_A_MINUTE
from app.api.login import COOKIE_NAME, LIFETIME_S, Logins
from app.api.security import parse_keys
from app.settings import Settings
from tests.fakes.service import LOGIN_SECRET, FakeService, fake_service, page_png
from tests.openapi import Contract

KEYS = "shop:identify+correct:one,viewer:identify:two,boss:admin:three"
PAGE = {"image": ("page.png", page_png(1), "image/png")}


@pytest.fixture
async def keyed(settings: Settings) -> AsyncIterator[FakeService]:
    changes = {"api_keys": SecretStr(KEYS), "scans_per_minute": 3, "cors_origins": "https://shop.example"}
    async with fake_service(settings.model_copy(update=changes)) as running:
        yield running


@pytest.fixture
async def browser(keyed: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    """A client that keeps cookies, and has none yet."""
    async with keyed.client() as opened:
        yield opened


async def log_in(client: httpx.AsyncClient, key: str = "one", **headers: str) -> httpx.Response:
    reply = await client.post("/login", json={"key": key}, headers=headers)
    assert reply.status_code == 204, reply.text
    return reply


def cookie_of(reply: httpx.Response) -> Morsel[str]:
    return SimpleCookie(reply.headers["set-cookie"])[COOKIE_NAME]


async def test_a_login_opens_what_the_key_opens_and_a_logout_ends_it(
    browser: httpx.AsyncClient, keyed: FakeService, contract: Contract
) -> None:
    assert (await browser.get("/scans")).status_code == 401
    contract.check("log_in", await log_in(browser))
    scan = (await browser.post("/identify", files=PAGE)).json()
    assert (await browser.get(f"/scans/{scan['scan_id']}/image")).status_code == 200
    said = {"detection_id": scan["cards"][0]["detection_id"], "verdict": "not_a_card"}
    correction = await browser.post("/corrections", json=said)
    assert correction.json()["key_id"] == "shop"
    assert keyed.scans.key_ids[uuid.UUID(scan["scan_id"])] == "shop"
    refused = await browser.delete(f"/scans/{scan['scan_id']}")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    left = await browser.post("/logout")
    assert left.status_code == 204
    contract.check("log_out", left)
    assert COOKIE_NAME not in browser.cookies
    assert (await browser.get("/scans")).status_code == 401


async def test_the_cookie_says_what_a_browser_must_keep_to(browser: httpx.AsyncClient) -> None:
    cookie = cookie_of(await log_in(browser))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert LIFETIME_S - 5 <= int(cookie["max-age"]) <= LIFETIME_S
    assert cookie["domain"] == ""
    assert "Secure" not in (await log_in(browser)).headers["set-cookie"]
    gone = cookie_of(await browser.post("/logout"))
    assert (gone.value, gone["max-age"], gone["path"]) == ("", "0", "/")


async def test_over_https_the_cookie_is_never_sent_in_the_clear(keyed: FakeService) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(keyed.app), base_url="https://cards.example"
    ) as client:
        assert cookie_of(await log_in(client))["secure"] is True


async def test_below_a_path_of_a_proxy_the_cookie_stays_there(keyed: FakeService) -> None:
    transport = httpx.ASGITransport(keyed.app, root_path="/cards-app")
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert cookie_of(await log_in(client))["path"] == "/cards-app"


async def test_a_wrong_key_gets_no_cookie_and_after_some_no_answer(
    browser: httpx.AsyncClient, contract: Contract
) -> None:
    refused = await browser.post("/login", json={"key": "SECRET-wrong"})
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert "set-cookie" not in refused.headers
    assert "SECRET" not in refused.text
    contract.check("log_in", refused)
    for _ in range(WRONG_KEYS_A_MINUTE):
        last = await browser.post("/login", json={"key": "wrong"})
    assert (last.status_code, last.json()["code"]) == (429, "logins_limited")
    assert 0 < int(last.headers["retry-after"]) <= 60
    contract.check("log_in", last)
    # Who has a key gets in all the same, or on without a login.
    await log_in(browser)
    assert (await browser.get("/scans", headers={"X-API-Key": "two"})).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"key": ""}, {"key": 1}, {"key": "SECRET" * 200}, {"key": "one", "SECRET": 1}]
)
async def test_a_body_that_is_none_shows_no_key(body: object, browser: httpx.AsyncClient) -> None:
    refused = await browser.post("/login", json=body)
    assert refused.status_code == 422
    assert "SECRETSECRET" not in refused.text


@pytest.mark.parametrize("token", ["", "nonsense", "1.2.shop.x", "1800000000.1900000000.shop." + "A" * 43])
async def test_a_made_up_cookie_opens_nothing(
    token: str, browser: httpx.AsyncClient, contract: Contract
) -> None:
    refused = await browser.get("/scans", headers={"Cookie": f"{COOKIE_NAME}={token}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    contract.check("list_scans", refused)


async def test_a_login_ends_with_its_key(browser: httpx.AsyncClient, keyed: FakeService) -> None:
    await log_in(browser)
    ring = keyed.app.state.key_ring
    ring.replace([key for key in ring.keys if key.key_id != "shop"])
    assert (await browser.get("/scans")).status_code == 401


async def test_a_login_shares_the_limits_of_its_key(browser: httpx.AsyncClient, keyed: FakeService) -> None:
    await log_in(browser)
    async with keyed.client("one") as program:
        statuses = [
            (await client.post("/identify", files=PAGE)).status_code
            for client in (browser, program, browser, program, browser)
        ]
    assert statuses == [200, 200, 200, 429, 429]


async def test_a_key_in_a_header_goes_before_the_cookie(browser: httpx.AsyncClient) -> None:
    await log_in(browser, "three")
    scan = (await browser.post("/identify", files=PAGE)).json()
    path = f"/scans/{scan['scan_id']}"
    assert (await browser.delete(path, headers={"X-API-Key": "two"})).status_code == 403
    assert (await browser.delete(path, headers={"Authorization": "Bearer wrong"})).status_code == 401
    # With a key of its own a page of others may do what the key may.
    others = {"Sec-Fetch-Site": "cross-site", "Origin": "https://shop.example", "X-API-Key": "three"}
    assert (await browser.delete(path, headers=others)).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "https://shop.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "https://localhost:80"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "localhost"},
    ],
)
async def test_a_page_of_others_changes_nothing_by_a_login(
    headers: dict[str, str], browser: httpx.AsyncClient, keyed: FakeService, contract: Contract
) -> None:
    await log_in(browser, "three")
    scan = (await browser.post("/identify", files=PAGE)).json()
    for method, path in (
        ("POST", "/identify"),
        ("POST", "/corrections"),
        ("DELETE", f"/scans/{scan['scan_id']}"),
        ("DELETE", f"/corrections/{uuid.uuid4()}"),
        ("POST", "/logout"),
    ):
        refused = await browser.request(method, path, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "cross_site_request"), path
    refused = await browser.post("/login", json={"key": "one"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "cross_site_request")
    contract.check("log_in", refused)
    assert len(keyed.scans.scans) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Origin": "http://LOCALHOST:80"},
        # Behind a proxy that gives the service another name.
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://cards.example"},
        {"Origin": "https://cards.example", "Host": "cards.example:443"},
    ],
)
async def test_our_own_pages_may_do_all_that_the_key_may(
    headers: dict[str, str], browser: httpx.AsyncClient
) -> None:
    token = cookie_of(await log_in(browser, **headers)).value
    headers = headers | {"Cookie": f"{COOKIE_NAME}={token}"}
    assert (await browser.post("/identify", files=PAGE, headers=headers)).status_code == 200


async def test_a_link_from_elsewhere_only_looks(browser: httpx.AsyncClient) -> None:
    await log_in(browser)
    assert (await browser.get("/scans", headers={"Sec-Fetch-Site": "same-site"})).status_code == 200


async def test_an_old_login_is_renewed_by_whatever_it_is_used_for(
    browser: httpx.AsyncClient, keyed: FakeService
) -> None:
    ring = keyed.app.state.key_ring
    [key] = parse_keys("shop:identify+correct:one", "API_KEYS")
    now_s = time.time()
    old = Logins(LOGIN_SECRET, ring, lambda: now_s - LIFETIME_S + 60)
    browser.cookies.set(COOKIE_NAME, old.token(old.begin(key)), domain="localhost.local", path="/")
    renewed = cookie_of(await browser.get("/scans"))
    assert int(renewed["max-age"]) > LIFETIME_S - 60
    assert renewed["httponly"] is True
    assert "set-cookie" not in (await browser.get("/scans")).headers


async def test_without_keys_a_login_is_not_needed_and_gives_nothing(client: httpx.AsyncClient) -> None:
    reply = await client.post("/login", json={"key": "whatever"})
    assert (reply.status_code, "set-cookie" in reply.headers) == (204, False)
    assert (await client.get("/scans", headers={"Cookie": f"{COOKIE_NAME}=nonsense"})).status_code == 200
    assert (await client.post("/logout")).status_code == 204


async def test_before_the_service_is_ready_a_login_is_told_to_wait(
    browser: httpx.AsyncClient, keyed: FakeService
) -> None:
    await log_in(browser)
    keyed.app.state.runtime = None
    assert (await browser.get("/metrics")).status_code == 503
    assert (await browser.post("/login", json={"key": "one"})).status_code == 503
    assert (await browser.get("/metrics", headers={"X-API-Key": "one"})).status_code == 200


async def test_nobody_is_sent_credentials_across_origins(browser: httpx.AsyncClient) -> None:
    reply = await log_in(browser)
    assert "access-control-allow-credentials" not in reply.headers
    read = await browser.get("/scans", headers={"Origin": "https://shop.example"})
    assert "access-control-allow-credentials" not in read.headers
