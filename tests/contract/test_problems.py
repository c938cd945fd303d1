"""Each error of the domain becomes the status of the contract's table, and ours say nothing about us."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app.api.errors import ERROR_RULES
from app.domain import errors
from app.domain.errors import BinderlensError, Busy, DatabaseUnavailable, MemoryTight
from app.settings import Settings
from tests.fakes.service import FakeService, ScriptedIdentify, fake_service, page_png
from tests.openapi import Contract

NOTHING = str(uuid.UUID(int=404))
STATUSES = {
    errors.MalformedRequest: 400,
    errors.InvalidInput: 422,
    errors.InvalidParameter: 422,
    errors.EmptyUpload: 422,
    errors.BrokenImage: 422,
    errors.UploadTooLarge: 413,
    errors.UnsupportedFormat: 415,
    errors.Unauthenticated: 401,
    errors.ScopeMissing: 403,
    errors.HostNotAllowed: 403,
    errors.CrossSiteRequest: 403,
    errors.NotFound: 404,
    errors.IdempotencyConflict: 409,
    errors.RateLimited: 429,
    errors.LoginsLimited: 429,
    errors.Unavailable: 503,
    errors.Busy: 503,
    errors.MemoryTight: 503,
    errors.DatabaseUnavailable: 503,
    errors.GalleryEmpty: 503,
    errors.GalleryMismatch: 503,
    errors.NotReady: 503,
    errors.SearchTimeout: 503,
    errors.DeadlineExceeded: 504,
}


def raising(error: Exception):
    def act() -> None:
        raise error

    return act


async def post(service: FakeService, **headers: str) -> httpx.Response:
    async with service.client() as client:
        return await client.post("/identify", files={"image": page_png(1)}, headers=headers)


def test_the_table_is_the_contracts() -> None:
    assert {error: rule.status for error, rule in ERROR_RULES.items()} == STATUSES
    codes = [rule.code for rule in ERROR_RULES.values()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("error", STATUSES, ids=lambda error: error.__name__)
async def test_an_error_becomes_its_problem(
    error: type[BinderlensError], service: FakeService, contract: Contract
) -> None:
    service.replace_identify(ScriptedIdentify(on_identify=raising(error("what happened"))))
    response = await post(service)
    assert response.status_code == STATUSES[error]
    assert response.headers["content-type"] == "application/problem+json"
    contract.validate(contract.document["components"]["schemas"]["Problem"], response.json())
    body = response.json()
    assert (body["status"], body["detail"]) == (response.status_code, "what happened")
    assert body["code"] == ERROR_RULES[error].code
    assert body["type"].endswith(body["code"])
    assert body["request_id"] == response.headers["x-request-id"]
    assert ("retry-after" in response.headers) == (response.status_code in (429, 503))


def test_an_error_class_that_is_new_has_the_status_of_its_parent() -> None:
    from app.api.errors import rule_for

    class LentOut(errors.Unavailable):
        pass

    assert rule_for(LentOut) is ERROR_RULES[errors.Unavailable]


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("secret: postgres://user:pw@host"),
        errors.EncoderInvalid("secret: /srv/weights"),
        KeyError("secret"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_our_fault_is_told_by_an_id_and_logged_with_its_traceback(
    error: Exception, service: FakeService, contract: Contract
) -> None:
    service.replace_identify(ScriptedIdentify(on_identify=raising(error)))
    with capture_logs() as logs:
        response = await post(service)
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text
    assert response.json()["request_id"] == response.headers["x-request-id"]
    contract.check("identify", response)
    logged = [line for line in logs if line["event"] == "unmapped_error"]
    assert [line["exc_info"] for line in logged] == [error]


@pytest.mark.parametrize("error", [Busy("busy"), MemoryTight("tight")], ids=lambda one: type(one).__name__)
async def test_a_scan_that_is_not_admitted_is_refused_before_its_body_is_read(
    error: BinderlensError, service: FakeService, contract: Contract
) -> None:
    service.replace_identify(ScriptedIdentify(on_admission=raising(error)))
    sent: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        sent.append(1)
        yield b"x"

    async with service.client() as client:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        response = await client.post("/identify", content=body(), headers=headers)
    assert response.status_code == 503
    assert error.retry_after_s is not None
    assert error.retry_after_s <= int(response.headers["retry-after"]) <= 2 * error.retry_after_s
    assert sent == []
    contract.check("identify", response)


async def test_a_crowd_that_is_refused_at_once_is_not_asked_to_come_back_at_once(
    service: FakeService,
) -> None:
    service.replace_identify(ScriptedIdentify(on_admission=raising(Busy("busy"))))
    replies = [await post(service) for _ in range(60)]
    assert {int(reply.headers["retry-after"]) for reply in replies} == {2, 3, 4}


async def test_the_memory_guard_refuses_a_scan(service: FakeService) -> None:
    service.guard.tight = True
    response = await post(service)
    assert (response.status_code, response.json()["code"]) == (503, "memory_tight")


async def test_a_picture_without_room_for_its_pixels_is_refused(
    service: FakeService, contract: Contract
) -> None:
    service.guard.room_bytes = 100
    response = await post(service)
    assert (response.status_code, response.json()["code"]) == (503, "memory_tight")
    assert response.headers["retry-after"]
    contract.check("identify", response)
    service.guard.room_bytes = 100_000_000
    assert (await post(service)).status_code == 200
    assert service.guard.reserved_bytes == []


async def test_a_permit_is_given_back_whatever_happens(service: FakeService) -> None:
    scripted = ScriptedIdentify(on_identify=raising(DatabaseUnavailable("away")))
    service.replace_identify(scripted)
    await post(service)
    assert scripted.admitted == 0


async def test_more_scans_than_permits_are_busy(service: FakeService, settings: Settings) -> None:
    permits = settings.max_concurrent_scans
    replies = await asyncio.gather(*(post(service) for _ in range(permits + 3)))
    statuses = sorted(reply.status_code for reply in replies)
    assert statuses == [200] * permits + [503] * 3
    assert {reply.json()["code"] for reply in replies if reply.status_code == 503} == {"busy"}


async def test_a_request_past_its_deadline_is_504(settings: Settings) -> None:
    async with fake_service(settings.model_copy(update={"request_timeout_ms": 100})) as service:
        scripted = ScriptedIdentify(on_identify=lambda: asyncio.sleep(5))
        service.replace_identify(scripted)
        response = await asyncio.wait_for(post(service), 2)
    assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")
    assert "100 ms" in response.json()["detail"]
    assert response.headers["x-request-id"] == response.json()["request_id"]
    assert scripted.admitted == 0


async def test_a_sender_that_is_too_slow_is_504_too(settings: Settings) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"--b\r\n"
        await asyncio.sleep(5)

    async with fake_service(settings.model_copy(update={"request_timeout_ms": 100})) as service:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        async with service.client() as client:
            response = await asyncio.wait_for(client.post("/identify", content=body(), headers=headers), 2)
    assert response.status_code == 504


async def test_a_timeout_that_is_not_the_deadline_is_our_fault(service: FakeService) -> None:
    service.replace_identify(ScriptedIdentify(on_identify=raising(TimeoutError("of something else"))))
    with capture_logs():
        assert (await post(service)).status_code == 500


async def test_a_sane_request_id_is_kept_and_another_is_replaced(client: httpx.AsyncClient) -> None:
    kept = await client.get("/health", headers={"X-Request-ID": "order-7.page_2"})
    assert kept.headers["x-request-id"] == "order-7.page_2"
    for insane in ("", "a b", "x" * 129, "<script>", "a\tb"):
        replaced = await client.get("/health", headers={"X-Request-ID": insane})
        assert re.fullmatch(r"[0-9a-f]{32}", replaced.headers["x-request-id"])


async def test_every_request_has_an_id_of_its_own(client: httpx.AsyncClient) -> None:
    ids = {(await client.get(path)).headers["x-request-id"] for path in ("/health", "/nothing", "/health")}
    assert len(ids) == 3


async def test_the_log_line_of_a_request_holds_what_operators_ask_for(service: FakeService) -> None:
    with capture_logs() as logs:
        await post(service, **{"X-Request-ID": "r-1"})
    [line] = [line for line in logs if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("POST", "/identify", 200)
    assert line["duration_ms"] > 0
    assert line["log_level"] == "info"


async def test_the_log_line_of_a_scan_ties_its_id_to_the_request_and_says_where_the_time_went(
    service: FakeService,
) -> None:
    def add_context(logger: object, method: str, event: dict) -> dict:
        return merge_contextvars(logger, method, event)

    with capture_logs(processors=[add_context]) as logs:
        response = await post(service, **{"X-Request-ID": "r-2"})
    [line] = [line for line in logs if line["event"] == "scan"]
    body = response.json()
    assert (line["request_id"], line["scan_id"], line["cards"]) == ("r-2", body["scan_id"], 1)
    assert line["timings_ms"].keys() == body["timings_ms"].keys()


async def test_replies_tell_browsers_to_stay_careful(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/scans")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")


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
