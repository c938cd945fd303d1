"""Clients that ask for a large picture and take nothing of it, while a good one is to be served."""

from __future__ import annotations

import asyncio
import socket
import time

import httpx
import numpy as np

from app.vision.decode import encode_jpeg
from benchmarks.chaos.dose import Dose
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.promises import Outcome
from benchmarks.chaos.served import Served, serving

READERS = 100
#: Of a telephone's photo of 12 megapixels, and as noisy as one at night.
_HEIGHT_PX, _WIDTH_PX, _NOISE = 3000, 4000, 9.0
_RECEIVED_BYTES = 4096
#: All replies that are not taken, and what a scan needs beside.
_MOST_MORE_MB = 120.0
#: The service looks twice, 30 s apart, before it lets go.
_LET_GO_S = 65.0


def ask_and_take_nothing(ground: Ground, dose: Dose) -> Outcome:
    """A hundred of them; what they hold is looked at until none is left."""
    outcome = Outcome()
    with serving(ground.copy("silent-readers")) as served:
        asyncio.run(_hold(served, dose, outcome))
    return outcome


def _large_picture() -> bytes:
    noise = np.random.default_rng(1).normal(128.0, _NOISE, (_HEIGHT_PX, _WIDTH_PX, 3))
    return encode_jpeg(np.clip(noise, 0, 255).astype(np.uint8), 90)


async def _hold(served: Served, dose: Dose, outcome: Outcome) -> None:
    async with httpx.AsyncClient(base_url=served.url, timeout=60.0, trust_env=False) as good:
        files = {"image": ("p.jpg", await asyncio.to_thread(_large_picture))}
        scan_id = (await good.post("/identify", files=files)).raise_for_status().json()["scan_id"]
        path = f"/scans/{scan_id}/image"
        picture_mb = len((await good.get(path)).raise_for_status().content) / 1e6
        before_mb = served.anonymous_mb()
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        silent = [await _ask(served.port, request) for _ in range(READERS)]
        started, most_mb, good_s = time.monotonic(), 0.0, []
        while time.monotonic() - started < min(dose.seconds, _LET_GO_S):
            asked = time.monotonic()
            (await good.get(path)).raise_for_status()
            good_s.append(time.monotonic() - asked)
            most_mb = max(most_mb, served.anonymous_mb())
            await asyncio.sleep(1.0)
        cut = sum([await _is_cut(one) for one in silent])
    outcome.measured(
        picture_mb=round(picture_mb, 2),
        anonymous_before_mb=round(before_mb),
        anonymous_most_mb=round(most_mb),
        anonymous_after_mb=round(served.anonymous_mb()),
        good_longest_s=round(max(good_s), 2),
    )
    more_mb = most_mb - before_mb
    outcome.promise(
        f"they hold less than {_MOST_MORE_MB:.0f} MB", more_mb < _MOST_MORE_MB, f"{more_mb:.0f} MB"
    )
    outcome.promise("all are let go in time", cut == len(silent), f"{cut} of {len(silent)}")
    outcome.promise("a good client gets the picture each time", len(good_s) > 0, f"{len(good_s)} times")


async def _ask(port: int, request: bytes) -> socket.socket:
    """A connection whose reply nobody reads."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED_BYTES)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", port))
    await loop.sock_sendall(connection, request)
    return connection


async def _is_cut(connection: socket.socket) -> bool:
    """Whether the service has closed a connection; what came before that is taken first."""
    with connection:
        try:
            async with asyncio.timeout(1.0):
                while await asyncio.get_running_loop().sock_recv(connection, 1 << 20):
                    pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
    return True
