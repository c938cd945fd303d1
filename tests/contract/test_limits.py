"""A key's own limits: 429 with Retry-After, before the body is read, and others are served on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.api.limits import Counted
from app.domain.errors import Busy, EmptyUpload
from app.settings import Settings
from tests.fakes.service import FakeService, ScriptedIdentify, fake_service, page_png
from tests.openapi import Contract

KEYS = SecretStr("shop:identify+correct:one,shop:identify+correct:two,other:identify+correct:three")
PAGE = {"image": ("page.png", page_png(1), "image/png")}


@pytest.fixture
async def limited(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeService]:
    # A minute that does not end while the test runs.
    monkeypatch.setattr("app.api.limits._MINUTE_S", 10**9)
    changes = {"api_keys": KEYS, "scans_per_minute": 2, "corrections_per_day": 2}
    async with fake_service(settings.model_copy(update=changes)) as running:
        yield running


async def test_more_scans_than_a_key_has_are_refused_unread_and_other_keys_are_served(
    limited: FakeService, contract: Contract
) -> None:
    async with limited.client("one") as client:
        statuses = [(await client.post("/identify", files=PAGE)).status_code for _ in range(2)]
    sent: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        sent.append(1)
        yield b"x"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with limited.client("two") as client:  # another key of the same id
        refused = await client.post("/identify", content=body(), headers=headers)
        assert (await client.get("/scans")).status_code == 200
    async with limited.client("three") as client:
        statuses.append((await client.post("/identify", files=PAGE)).status_code)
    assert statuses == [200, 200, 200]
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 0
    assert sent == []
    contract.check("identify", refused)


async def test_a_scan_that_the_service_could_not_serve_does_not_count(limited: FakeService) -> None:
    def busy() -> None:
        raise Busy("all permits are taken")

    real = limited.runtime.identify
    limited.replace_identify(ScriptedIdentify(on_admission=busy))
    async with limited.client("one") as client:
        refused = [(await client.post("/identify", files=PAGE)).status_code for _ in range(4)]
        limited.replace_identify(real)
        served = [(await client.post("/identify", files=PAGE)).status_code for _ in range(3)]
    assert (refused, served) == ([503] * 4, [200, 200, 429])


async def test_an_answer_given_again_does_not_count(limited: FakeService) -> None:
    async with limited.client("one") as client:
        headers = {"Idempotency-Key": "page-1"}
        again = [(await client.post("/identify", files=PAGE, headers=headers)).status_code for _ in range(5)]
        other = (await client.post("/identify", files=PAGE)).status_code
    assert (again, other) == ([200] * 5, 200)


async def test_corrections_have_a_limit_of_their_own_and_can_still_be_read_and_taken_back(
    limited: FakeService, contract: Contract
) -> None:
    async with limited.client("one") as client:
        scan = (await client.post("/identify", files=PAGE)).json()
        body = {"detection_id": scan["cards"][0]["detection_id"], "verdict": "not_a_card"}
        replies = [await client.post("/corrections", json=body) for _ in range(3)]
        path = f"/corrections/{replies[0].json()['correction_id']}"
        assert (await client.get(path)).status_code == 200
        assert (await client.delete(path)).status_code == 200
    assert [reply.status_code for reply in replies] == [202, 202, 429]
    assert 0 < int(replies[2].headers["retry-after"]) <= 86_400
    contract.check("submit_correction", replies[2])


async def test_an_answer_counts_whatever_it_is_since_it_takes_as_long_to_find_out(
    limited: FakeService,
) -> None:
    whole = page_png(1)
    truncated = {"image": ("page.png", whole[: len(whole) // 2], "image/png")}
    async with limited.client("one") as client:
        replies = [(await client.post("/identify", files=truncated)).status_code for _ in range(4)]
        replies.append((await client.post("/identify", files=PAGE)).status_code)
    assert replies == [422, 422, 429, 429, 429]


@pytest.mark.parametrize(
    "error", [HTTPException(400), RuntimeError("a mistake of ours"), EmptyUpload("no bytes")]
)
async def test_a_failure_of_any_other_kind_counts_as_well(limited: FakeService, error: Exception) -> None:
    def fail() -> None:
        raise error

    limited.replace_identify(ScriptedIdentify(on_identify=fail))
    async with limited.client("one") as client:
        statuses = [(await client.post("/identify", files=PAGE)).status_code for _ in range(3)]
    assert statuses[2] == 429
    assert 429 not in statuses[:2]


async def test_an_upload_that_is_broken_off_does_not_count(limited: FakeService) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"--b\r\nContent-Disposition: form-data; name=image; filename=a\r\n\r\n"
        raise ClientDisconnect

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with limited.client("one") as client:
        for _ in range(3):
            with suppress(AssertionError):  # the client misses the end of a reply that nobody gives
                await client.post("/identify", content=body(), headers=headers)
        assert (await client.post("/identify", files=PAGE)).status_code == 200


async def test_evidence_that_is_asked_for_later_counts_as_a_scan(
    limited: FakeService, contract: Contract
) -> None:
    async with limited.client("one") as client:
        scan = (await client.post("/identify", files=PAGE)).json()
        url = f"/detections/{scan['cards'][0]['detection_id']}"
        unknown = await client.get(f"/detections/{uuid.uuid4()}", params={"explain": "true"})
        explained = [await client.get(url, params={"explain": "true"}) for _ in range(2)]
        plain = await client.get(url)
        later = await client.post("/identify", files=PAGE)
    assert unknown.status_code == 404
    assert [reply.status_code for reply in explained] == [200, 429]
    assert (plain.status_code, later.status_code) == (200, 429)
    contract.check("get_detection", explained[1])


async def test_evidence_that_the_service_had_no_permit_for_does_not_count(limited: FakeService) -> None:
    async with limited.client("one") as client:
        scan = (await client.post("/identify", files=PAGE)).json()
        url = f"/detections/{scan['cards'][0]['detection_id']}"
        limited.guard.tight = True
        refused = [(await client.get(url, params={"explain": "true"})).status_code for _ in range(3)]
        limited.guard.tight = False
        assert (await client.get(url, params={"explain": "true"})).status_code == 200
    assert refused == [503] * 3


async def test_a_scan_past_its_deadline_does_not_count(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.limits._MINUTE_S", 10**9)
    changes = {"api_keys": KEYS, "scans_per_minute": 1, "request_timeout_ms": 100}
    async with fake_service(settings.model_copy(update=changes)) as running, running.client("one") as client:
        running.replace_identify(ScriptedIdentify(on_identify=lambda: asyncio.sleep(30)))
        late = [(await client.post("/identify", files=PAGE)).status_code for _ in range(3)]
        limit = running.app.state.limits.of(Counted.SCANS)
        assert limit.take("shop") is not None
    assert late == [504] * 3


async def test_a_correction_that_cannot_be_used_counts(limited: FakeService) -> None:
    async with limited.client("one") as client:
        scan = (await client.post("/identify", files=PAGE)).json()
        body = {"detection_id": scan["cards"][0]["detection_id"], "verdict": "not_a_card"}
        wrong = (body | {"verdict": "nonsense"}, body | {"detection_id": str(uuid.uuid4())}, {})
        failed = [(await client.post("/corrections", json=one)).status_code for one in wrong]
        taken = (await client.post("/corrections", json=body)).status_code
    assert failed == [422, 404, 429]
    assert taken == 429


async def test_an_answer_is_given_again_also_at_the_limit(limited: FakeService) -> None:
    first = {"Idempotency-Key": "page-1"}
    other_page = {"image": ("page.png", page_png(2), "image/png")}
    async with limited.client("one") as client:
        scan = await client.post("/identify", files=PAGE, headers=first)
        body = {"detection_id": scan.json()["cards"][0]["detection_id"], "verdict": "not_a_card"}
        said = await client.post("/corrections", json=body, headers=first)
        await client.post("/identify", files=PAGE)
        await client.post("/corrections", json=body)
        # At the limit now: what is new is refused, what was answered is not.
        for headers in ({}, {"Idempotency-Key": "page-2"}, {"Idempotency-Key": "x" * 300}):
            assert (await client.post("/identify", files=PAGE, headers=headers)).status_code == 429
            assert (await client.post("/corrections", json=body, headers=headers)).status_code == 429
        again = await client.post("/identify", files=PAGE, headers=first)
        said_again = await client.post("/corrections", json=body, headers=first)
        conflict = await client.post("/identify", files=other_page, headers=first)
    assert again.json() == scan.json()
    assert said_again.json() == said.json()
    assert again.headers["idempotency-replayed"] == said_again.headers["idempotency-replayed"] == "true"
    assert (conflict.status_code, conflict.json()["code"]) == (409, "idempotency_conflict")
    # The answer of one caller is not another's.
    async with limited.client("three") as other:
        for _ in range(2):
            await other.post("/identify", files=PAGE)
        assert (await other.post("/identify", files=PAGE, headers=first)).status_code == 429
