"""Runs the service in the foreground."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from contextlib import suppress
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app.api.security import refuse_unsafe_listen
from app.cli.ending import LastResort
from app.cli.readers import KERNEL_UNSENT_BYTES, watched_protocol
from app.domain.errors import ConfigurationError
from app.inference.collector import spare_what_is_loaded
from app.main import create_app, prepare_process
from app.settings import Settings

#: How long scans in flight may take to finish after a signal to stop.
SHUTDOWN_GRACE_S = 20

#: Connections the kernel keeps waiting while all workers are busy.
LISTEN_BACKLOG = 128


def run_server(settings: Settings) -> None:
    """Serves until a signal stops it.

    Raises:
        ConfigurationError: the port is in use, or listening there without keys would be unsafe.
    """
    refuse_unsafe_listen(settings)
    listener = open_listener(settings)
    prepare_process(settings)
    signal.signal(signal.SIGTERM, _end)
    # The server has shut down in good order by the time it passes the interrupt on.
    with suppress(KeyboardInterrupt):
        application = create_app(settings, when_ready=spare_what_is_loaded)
        asyncio.run(build_server(application, settings).serve(sockets=[listener]))


def _end(_signal: int, _frame: object) -> None:
    """Ends with status 0: the server passes the signal on once it has shut down in good order."""
    raise SystemExit(0)


def open_listener(settings: Settings) -> socket.socket:
    """Takes the port before anything slow is started, so that a port in use is an error at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named: else asyncio leaves Nagle's algorithm on, and whoever keeps a connection waits
    # 40 ms for the body of each reply, until the head is acknowledged.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with suppress(OSError):  # where a kernel does not know it, replies take more memory, and that is all
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, KERNEL_UNSENT_BYTES)  # inherited
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(LISTEN_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"port {settings.port} on {settings.host} is in use; stop what uses it or choose another "
                "with --port or PORT"
            ) from error
        raise ConfigurationError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}"
        ) from error
    listener.setblocking(False)
    return listener


def build_server(application: FastAPI, settings: Settings) -> uvicorn.Server:
    """The HTTP server around an application; its log is ours.

    It believes the proxies of the settings: left to itself it would ask the environment, and miss ``.env``.
    """
    config = uvicorn.Config(
        application,
        http=watched_protocol(),
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
    )
    return _EndingServer(config)


class _EndingServer(uvicorn.Server):
    """The server, with a limit on all that a signal to stop sets going: its own waits for the application."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._last_resort = LastResort()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves until a signal stops it."""
        self._last_resort.watch(asyncio.get_running_loop())
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Takes a signal to stop."""
        self._last_resort.begin()
        super().handle_exit(sig, frame)
