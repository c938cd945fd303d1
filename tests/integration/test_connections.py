"""Connections that the service accepts: no reply waits for the one before to be acknowledged."""

from __future__ import annotations

import asyncio
import socket

import pytest

from app.cli.server import open_listener
from app.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_accepted_connections_send_what_is_written_at_once(host: str) -> None:
    """Of a reply head and body are written apart; with Nagle's algorithm the body would wait for 40 ms."""
    sends_at_once: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        sends_at_once.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = open_listener(Settings(_env_file=None).model_copy(update={"host": host, "port": 0}))
    server = await asyncio.start_server(connected, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        assert await sends_at_once
        writer.close()
