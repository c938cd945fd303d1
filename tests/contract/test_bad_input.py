"""What cannot be used is refused with a problem that says why, before it costs much."""

from __future__ import annotations

import io
import struct
import zlib

import httpx
import pytest
from PIL import Image

from tests.fakes.service import FakeService, card_picture, page_png
from tests.openapi import Contract

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_bomb(side_px: int = 40_000) -> bytes:
    """A valid PNG of a few kilobytes that would decode to 1.6 gigapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + side_px // 8)
    pixels = b"".join(packer.compress(row) for _ in range(side_px)) + packer.flush()
    header = struct.pack(">IIBBBBB", side_px, side_px, 1, 0, 0, 0, 0)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def truncated_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(card_picture(1)).save(buffer, "JPEG")
    return buffer.getvalue()[: len(buffer.getvalue()) // 2]


async def refused(client: httpx.AsyncClient, status: int, code: str, **request: object) -> str:
    """Posts to /identify, expects a problem, returns its detail."""
    response = await client.post("/identify", **request)
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    return response.json()["detail"]


@pytest.mark.parametrize(
    ("picture", "status", "code"),
    [
        pytest.param(b"hello, this is a text file\n" * 50, 415, "unsupported_format", id="text file"),
        pytest.param(truncated_jpeg(), 422, "broken_image", id="truncated JPEG"),
        pytest.param(page_png(1)[:400], 422, "broken_image", id="truncated PNG"),
        pytest.param(png_bomb(), 413, "upload_too_large", id="PNG bomb"),
        pytest.param(b"", 422, "empty_upload", id="empty upload"),
        pytest.param(b"x" * 2_500_000, 413, "upload_too_large", id="over the limit"),
    ],
)
async def test_a_file_that_is_no_usable_picture_is_refused(
    picture: bytes, status: int, code: str, client: httpx.AsyncClient, contract: Contract
) -> None:
    response = await client.post("/identify", files={"image": ("page.jpg", picture, "image/jpeg")})
    assert (response.status_code, response.json()["code"]) == (status, code)
    contract.check("identify", response)


async def test_a_missing_picture_is_named(client: httpx.AsyncClient) -> None:
    assert "'image' is missing" in await refused(client, 422, "invalid_parameter")
    other = {"files": {"photo": ("p.png", page_png(1))}}
    assert await refused(client, 422, "invalid_parameter", **other) == (
        "unknown form field 'photo'; allowed: image"
    )


async def test_a_picture_with_another_field_is_refused(client: httpx.AsyncClient) -> None:
    detail = await refused(
        client, 422, "invalid_parameter", files={"image": page_png(1)}, data={"candidates": "3"}
    )
    assert detail == "unknown form field 'candidates'; allowed: image"


async def test_two_pictures_are_refused(client: httpx.AsyncClient) -> None:
    files = [("image", page_png(1)), ("image", page_png(2))]
    assert "came 2 times" in await refused(client, 422, "invalid_parameter", files=files)


async def test_a_picture_sent_as_text_is_refused(client: httpx.AsyncClient) -> None:
    assert "must be a file" in await refused(client, 422, "invalid_parameter", files={"image": (None, "x")})


async def test_a_bare_picture_is_told_to_come_as_a_form(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "image/png"}
    detail = await refused(client, 415, "unsupported_format", content=page_png(1), headers=headers)
    assert "multipart/form-data" in detail


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=",
    ],
)
async def test_a_broken_form_is_refused(content_type: str, client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": content_type}
    await refused(client, 400, "malformed_request", content=b"--y\r\nnot a form", headers=headers)


@pytest.mark.parametrize("charset", ["undefined", "punycode"])
async def test_a_form_in_a_charset_that_refuses_it_is_malformed(
    charset: str, client: httpx.AsyncClient
) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="\xff\xfe.-\xff"; filename="p"\r\n\r\nx\r\n--x--\r\n'
    headers = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    await refused(client, 400, "malformed_request", content=body, headers=headers)


async def test_a_form_of_very_many_parts_is_refused(client: httpx.AsyncClient) -> None:
    files = [(f"f{number}", b"x") for number in range(50)]
    await refused(client, 400, "malformed_request", files=files)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("candidates=0", "query candidates"),
        ("candidates=26", "query candidates"),
        ("candidates=many", "query candidates"),
        ("candidates=", "query candidates"),
        ("explain=perhaps", "query explain"),
        ("set_id=", "query set_id"),
        ("game=%00", "query game"),
        ("topk=3", "unknown query parameter 'topk'; allowed: candidates, explain, game, language, set_id"),
        ("a=1&b=2", "unknown query parameter 'a', 'b'; allowed"),
        ("candidates=3&candidates=4", "query parameter 'candidates' came 2 times"),
    ],
)
async def test_a_parameter_out_of_range_or_unknown_is_named(
    query: str, words: str, client: httpx.AsyncClient, service: FakeService
) -> None:
    response = await client.post(f"/identify?{query}", files={"image": page_png(1)})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")
    assert words in response.json()["detail"]
    assert service.scans.scans == {}


@pytest.mark.parametrize("path", ["/health", "/ready", "/memory", "/metrics", "/cards/em1-001", "/scans"])
async def test_no_route_ignores_a_parameter_it_does_not_know(path: str, client: httpx.AsyncClient) -> None:
    response = await client.get(f"{path}?verbose=1")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")
    assert "'verbose'" in response.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/scans/not-a-uuid",
        "/corrections/7",
        "/detections/x/image",
        "/scans?before=yesterday",
        "/scans?before=2026-01-01T00:00:00",
        "/scans?before=1767225600",
        "/scans?since=0.5",
        "/quality?until=0.5",
        "/scans?before=0001-01-01T00:00:00%2B14:00",
        "/scans?before=9999-12-31T23:59:59-14:00",
        "/scans?status=lost",
        "/scans?since=tomorrow",
        "/scans?judged=maybe",
        "/scans?verdict=card_",
        "/scans?correction=lost",
        "/scans?degraded=hurried",
        "/scans?stage=think&slower_than_ms=1",
        "/scans?stage=detect&slower_than_ms=-1",
        "/scans?confidence_from=1.1",
        "/scans?confidence_to=high",
        "/scans?learnt=perhaps",
        "/scans?unknown_group=0",
        "/scans?unknown_group=9223372036854775808",
        "/scans?set_id=",
        "/scans?reason=a%00b",
        "/scans?card_id=a&card_id=b",
        "/scans?limit=0",
        "/scans?limit=999999999999999999999",
        "/cards?limit=201",
        "/cards?query=a%00b",
        "/cards/a%00b",
    ],
)
async def test_an_id_or_filter_of_the_wrong_form_is_refused(path: str, client: httpx.AsyncClient) -> None:
    response = await client.get(path)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=2026-01-02T00:00:00Z&before=2026-01-01T00:00:00Z", "since lies after before"),
        ("confidence_from=0.9&confidence_to=0.8", "confidence_from is greater than confidence_to"),
        ("stage=detect", "stage and slower_than_ms come together"),
        ("slower_than_ms=100", "stage and slower_than_ms come together"),
        ("status=unknown&set_id=em1", "status unknown names no card"),
        ("verdict=not_in_gallery&right_card_id=em1-001", "right_card_id goes with the verdict card"),
        ("unknown_group=3&right_card_id=em1-001", "unknown_group goes with the verdict not_in_gallery"),
        ("unknown_group=3&correction=undone", "unknown_group goes with corrections that were learned"),
        ("judged=right&correction=pending", "judged goes with corrections that were learned"),
        ("judged=disputed&correction=learned", "judged as disputed goes with corrections in quarantine"),
        ("judged=disputed&status=review", "judged as disputed goes with the status accepted"),
    ],
)
async def test_conditions_that_no_scan_can_meet_are_refused_and_named(
    query: str, words: str, client: httpx.AsyncClient, contract: Contract
) -> None:
    response = await client.get(f"/scans?{query}")
    contract.check("list_scans", response)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")
    assert words in response.json()["detail"]


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "caf\u00e9"])
async def test_an_idempotency_key_of_the_wrong_form_is_refused(key: str, client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": key.encode()}
    response = await client.post("/identify", files={"image": page_png(1)}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")
    assert "Idempotency-Key" in response.json()["detail"]


async def test_the_same_key_with_another_body_is_a_conflict(scan, client, contract: Contract) -> None:
    headers = {"Idempotency-Key": "k-1"}
    for number, status in ((1, 200), (2, 409)):
        response = await client.post("/identify", files={"image": page_png(number)}, headers=headers)
        assert response.status_code == status
    assert response.json()["code"] == "idempotency_conflict"
    contract.check("identify", response)
    for verdict, status in (("not_a_card", 202), ("not_in_gallery", 409)):
        body = {"detection_id": scan["cards"][0]["detection_id"], "verdict": verdict}
        response = await client.post("/corrections", json=body, headers=headers)
        assert response.status_code == status
    contract.check("submit_correction", response)


async def test_a_wrong_method_names_the_right_one(client: httpx.AsyncClient) -> None:
    for method, path, allowed in (
        ("GET", "/identify", "POST"),
        ("PUT", "/scans", "GET"),
        ("PUT", "/scans/00000000-0000-0000-0000-000000000000", "DELETE, GET"),
        ("POST", "/health", "GET, HEAD"),
    ):
        response = await client.request(method, path)
        assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
        assert response.headers["allow"] == allowed


async def test_a_path_that_does_not_exist_is_a_problem_too(client: httpx.AsyncClient) -> None:
    for path in ("/nothing", "/identify/", "/static/nothing.js", "/static/../errors.py"):
        response = await client.get(path)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
