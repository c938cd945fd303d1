"""Readers that take their replies slowly, or never: a real server, real sockets, megabytes of reply."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.cli.readers import UNSENT_BUDGET_BYTES, watched_protocol
from app.cli.server import build_server, open_listener
from app.settings import Settings

MIB = 1024 * 1024
PATIENCE_S = 10.0
#: What a reader takes in before it says that it has no more room. Small, as over a network.
WINDOW_BYTES = 4096


class Pictures:
    """Answers every request with as many bytes, and counts the requests."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.asked = 0

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        self.asked += 1
        headers = [(b"content-length", str(self.size_bytes).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(self.size_bytes)})


class Service:
    """A server in a thread, and its address."""

    def __init__(self, pictures: Pictures, server: uvicorn.Server, address: tuple[str, int]) -> None:
        self.pictures = pictures
        self._server = server
        self._address = address

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._server.server_state.connections)

    @contextmanager
    def reader(self) -> Iterator[socket.socket]:
        """A connection that takes in nothing by itself."""
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
            connection.settimeout(PATIENCE_S)
            connection.connect(self._address)
            yield connection


def settings_of_no_file() -> Settings:
    return Settings(_env_file=None).model_copy(update={"host": "127.0.0.1", "port": 0})


@contextmanager
def serving(pictures: Pictures, protocol: type[asyncio.Protocol] | None = None) -> Iterator[Service]:
    """The server that ``binderlens serve`` builds, perhaps with smaller limits."""
    settings = settings_of_no_file()
    listener = open_listener(settings)
    server = build_server(pictures, settings)
    server.config.lifespan = "off"
    if protocol is not None:
        server.config.http = protocol
    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(lambda: asyncio.run(server.serve(sockets=[listener])))
        try:
            yield Service(pictures, server, listener.getsockname())
        finally:
            server.should_exit = True
            ended.result(PATIENCE_S)  # and in good order


def ask(connection: socket.socket, times: int = 1, headers: str = "") -> None:
    connection.sendall(f"GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode() * times)


def take(connection: socket.socket, size_bytes: int) -> int:
    """Reads so many bytes, or what there is until the server closes or cuts the connection."""
    taken_bytes = 0
    while taken_bytes < size_bytes:
        try:
            part = connection.recv(min(256 * 1024, size_bytes - taken_bytes))
        except ConnectionResetError:
            break
        if not part:
            break
        taken_bytes += len(part)
    return taken_bytes


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_readers_that_take_nothing_hold_no_more_memory_than_the_budget() -> None:
    pictures = Pictures(8 * MIB)
    fit = UNSENT_BUDGET_BYTES // pictures.size_bytes
    with serving(pictures) as service, ExitStack() as stack:
        readers = [stack.enter_context(service.reader()) for _ in range(fit + 4)]
        for number, reader in enumerate(readers):
            ask(reader)
            wait_until(lambda asked=number + 1: pictures.asked == asked)
        wait_until(lambda: service.connections == fit)
        whole = [take(reader, pictures.size_bytes) == pictures.size_bytes for reader in readers]
        assert whole.count(True) == fit
        assert whole[-1]  # whoever comes does not pay for those who were there


def test_a_picture_larger_than_the_budget_is_served_to_a_slow_reader() -> None:
    pictures = Pictures(4 * MIB)
    with serving(pictures, watched_protocol(budget_bytes=MIB)) as service, service.reader() as reader:
        ask(reader)
        wait_until(lambda: pictures.asked == 1)
        assert take(reader, pictures.size_bytes) == pictures.size_bytes


def test_a_slow_reader_gets_its_picture_while_others_take_nothing() -> None:
    pictures = Pictures(2 * MIB)
    with serving(pictures, watched_protocol(budget_bytes=5 * MIB)) as service, ExitStack() as stack:
        slow = stack.enter_context(service.reader())
        ask(slow)
        taken_bytes = 0
        for number in range(10):
            taken_bytes += take(slow, MIB // 8)
            ask(stack.enter_context(service.reader()))
            wait_until(lambda asked=number + 2: pictures.asked == asked)
        assert service.connections < 4  # the others made room for each other
        assert taken_bytes + take(slow, 2 * MIB - taken_bytes) == 2 * MIB


@pytest.mark.parametrize("headers", ["", "Connection: close\r\n"])
def test_a_reader_that_takes_nothing_is_let_go(headers: str) -> None:
    pictures = Pictures(MIB)
    with serving(pictures, watched_protocol(stalled_after_s=0.2)) as service, service.reader() as reader:
        ask(reader, headers=headers)
        wait_until(lambda: pictures.asked == 1)
        wait_until(lambda: service.connections == 0)
        assert take(reader, MIB) < MIB


def test_a_small_reply_that_nobody_takes_is_let_go_too() -> None:
    """A thousand of them, one after the other, until neither the kernel nor the reader has room for more."""
    pictures = Pictures(1024)
    with serving(pictures, watched_protocol(stalled_after_s=0.2)) as service, service.reader() as reader:
        ask(reader, times=1000)
        wait_until(lambda: pictures.asked > 0)
        wait_until(lambda: service.connections == 0)
        assert pictures.asked < 1000


def test_a_reader_that_takes_a_little_at_a_time_is_kept() -> None:
    pictures = Pictures(6 * MIB)
    with serving(pictures, watched_protocol(stalled_after_s=1.0)) as service, service.reader() as reader:
        ask(reader, headers="Connection: close\r\n")
        taken_bytes = 0
        began_s = time.monotonic()
        while part_bytes := take(reader, MIB // 4):
            taken_bytes += part_bytes
            time.sleep(0.1)
        assert time.monotonic() - began_s > 2.0  # longer than one that takes nothing would have had
        assert taken_bytes > pictures.size_bytes  # with the head


def test_requests_sent_ahead_wait_until_the_reply_before_is_taken() -> None:
    """Else the next picture would be read from the database and held, where the budget does not count it."""
    pictures = Pictures(2 * MIB)
    with serving(pictures, watched_protocol()) as service, service.reader() as reader:
        ask(reader, times=3)
        wait_until(lambda: pictures.asked == 1)
        assert take(reader, MIB) == MIB
        assert pictures.asked == 1
        assert take(reader, 5 * MIB) == 5 * MIB
        assert pictures.asked == 3
        ask(reader)  # and the connection serves on
        wait_until(lambda: pictures.asked == 4)


def test_what_is_sent_ahead_and_is_no_http_ends_the_connection_when_the_reply_is_taken() -> None:
    """The server ends in good order all the same, which is asked when it does."""
    pictures = Pictures(2 * MIB)
    with serving(pictures) as service, service.reader() as reader:
        ask(reader, headers="Transfer-Encoding: chunked\r\n")
        assert take(reader, 1) == 1  # the reply has begun, and most of it waits
        reader.sendall(b"zzzz\r\n")
        assert take(reader, 3 * MIB) >= pictures.size_bytes
        wait_until(lambda: service.connections == 0)


async def test_what_a_reader_does_not_take_waits_where_it_is_counted() -> None:
    """The kernel would take some megabytes of each reply, which a control group is charged for as well."""
    kept_bytes: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        kept_bytes.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT))
        writer.close()

    listener = open_listener(settings_of_no_file())
    server = await asyncio.start_server(connected, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        assert await kept_bytes == 128 * 1024
        writer.close()
