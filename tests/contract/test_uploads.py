"""Too large an upload is refused without being read to its end, let alone kept."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import httpx
import psutil
import pytest
import uvicorn

from app.settings import Settings
from tests.fakes.service import FakeService, fake_service, page_png

MEGABYTE = 1_000_000
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
PART_HEAD = b'--b\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n\r\n'


class Sender:
    """A multipart body of any length, a megabyte at a time, that counts what was taken of it."""

    def __init__(self, megabytes: int) -> None:
        self._megabytes = megabytes
        self.sent_megabytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield PART_HEAD
        for _ in range(self._megabytes):
            self.sent_megabytes += 1
            yield b"x" * MEGABYTE


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@pytest.fixture
async def served(service: FakeService) -> AsyncIterator[str]:
    """The address of a real server in front of the application."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(service.app, log_level="error", lifespan="off", access_log=False)
        server = Server(config)
        running = asyncio.create_task(server.serve([listener]))
        await asyncio.wait_for(server.is_up.wait(), 10)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await running


async def test_a_body_that_says_it_is_too_long_is_not_read(client: httpx.AsyncClient) -> None:
    sender = Sender(200)
    headers = {**FORM, "Content-Length": str(200 * MEGABYTE)}
    response = await client.post("/identify", content=sender.__aiter__(), headers=headers)
    assert (response.status_code, response.json()["code"]) == (413, "upload_too_large")
    assert sender.sent_megabytes == 0


async def test_a_body_that_does_not_say_is_read_to_the_limit_only(client: httpx.AsyncClient) -> None:
    sender = Sender(200)
    response = await client.post("/identify", content=sender.__aiter__(), headers=FORM)
    assert (response.status_code, response.json()["code"]) == (413, "upload_too_large")
    assert sender.sent_megabytes == 3  # the limit is 2 MB


async def test_the_limit_counts_the_bytes_of_the_picture(client: httpx.AsyncClient) -> None:
    # A PNG ends where it says so; what follows is not looked at, but counts.
    just_fits = page_png(1).ljust(2 * MEGABYTE, b"\0")
    for picture, status in ((just_fits, 200), (just_fits + b"\0", 413)):
        assert (await client.post("/identify", files={"image": picture})).status_code == status


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
async def test_200_megabytes_over_a_socket_get_413_and_take_no_memory(declared: bool, served: str) -> None:
    process = psutil.Process()
    before_bytes = process.memory_info().rss
    peak_bytes = before_bytes

    async def watch() -> None:
        nonlocal peak_bytes
        while True:
            peak_bytes = max(peak_bytes, process.memory_info().rss)
            await asyncio.sleep(0.005)

    watching = asyncio.create_task(watch())
    headers = {**FORM, "Content-Length": str(200 * MEGABYTE + len(PART_HEAD))} if declared else FORM
    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.post(f"{served}/identify", content=Sender(200).__aiter__(), headers=headers)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    assert (response.status_code, response.json()["code"]) == (413, "upload_too_large")
    assert peak_bytes - before_bytes < 40 * MEGABYTE


async def test_a_real_server_answers_a_picture(served: str) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.post(f"{served}/identify", files={"image": page_png(1, 2)})
    assert [card["card"]["card_id"] for card in response.json()["cards"]] == ["em1-001", "em1-002"]


async def test_senders_that_say_nothing_keep_nobody_out(service: FakeService, settings: Settings) -> None:
    coming: list[int] = []
    silence = asyncio.Event()

    async def idle_body() -> AsyncIterator[bytes]:
        yield b"--b\r\n"
        coming.append(1)
        await silence.wait()

    async with service.client() as client:
        idle = [
            asyncio.create_task(client.post("/identify", content=idle_body(), headers=FORM))
            for _ in range(settings.max_concurrent_scans + 1)
        ]
        async with asyncio.timeout(20):
            while len(coming) < len(idle):
                await asyncio.sleep(0.001)
        served = await client.post("/identify", files={"image": page_png(1)})
        silence.set()
        await asyncio.gather(*idle)
    assert served.status_code == 200, served.text


async def test_a_caller_that_hangs_up_gives_its_permit_back(settings: Settings) -> None:
    async with fake_service(settings.model_copy(update={"max_concurrent_scans": 1})) as service:
        messages = iter(
            [{"type": "http.request", "body": PART_HEAD, "more_body": True}, {"type": "http.disconnect"}]
        )

        async def receive() -> dict[str, object]:
            return next(messages)

        async def send(message: object) -> None:
            raise AssertionError(f"nobody is there to get {message}")

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/identify",
            "raw_path": b"/identify",
            "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"content-type", FORM["Content-Type"].encode())],
        }
        await service.app(scope, receive, send)
        async with service.client() as client:
            assert (await client.post("/identify", files={"image": page_png(1)})).status_code == 200
