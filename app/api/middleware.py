"""Around every request: an id, a deadline, one log line, counts, and the headers that browsers need."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Mapping
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import response_for_error
from app.domain.errors import DeadlineExceeded
from app.obs.metrics import Metrics

_SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")

#: Asked all the time by machines: logged only for those who debug.
_QUIET_PATHS: Final = frozenset({"/health", "/ready", "/ready/startup", "/metrics"})

#: Anybody can invent a method; the counts know these.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

#: What the counts call a path of no route: anybody can invent paths, too.
UNMATCHED_ROUTE: Final = "unmatched"

#: Replies are data, not pages, unless a route says otherwise.
_DEFAULT_HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)


class Reply:
    """Sends one reply with the common headers, and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        #: None until the reply has started.
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        """Passes a message on; the first one gets the headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            for name, value in _DEFAULT_HEADERS:
                headers.setdefault(name, value)
        await self._send(message)


class RequestContextMiddleware:
    """Outermost: gives the request an id, logs and counts."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        state = scope.setdefault("state", {})
        state.update(request_id=request_id, key_id=None)
        reply = Reply(send, request_id)
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, reply.send)
            except ClientDisconnect:
                structlog.get_logger("app.api").info("client_disconnected", path=_loggable_path(scope))
            finally:
                self._record(scope, reply.status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int | None, duration_s: float) -> None:
        # The template of the path, never the path: ids would make a new time series for each scan.
        route = getattr(scope.get("route"), "path_format", UNMATCHED_ROUTE)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.observe_request(method, route, status, duration_s)
        logger = structlog.get_logger("app.api")
        log = logger.debug if scope["path"] in _QUIET_PATHS else logger.info
        log(
            "request",
            method=method,
            path=_loggable_path(scope),
            status=status,
            duration_ms=round(duration_s * 1000.0, 1),
            key_id=scope["state"]["key_id"],
        )


class ProblemMiddleware:
    """Answers what no route caught, on the near side of whatever adds headers to replies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = False

        async def noting(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientDisconnect:
            raise
        except Exception as error:
            response = response_for_error(error, scope["state"]["request_id"])
            if has_started:
                # Half a reply is out: only closing the connection can say that it is not whole.
                raise
            await response(scope, receive, send)


class DeadlineMiddleware:
    """Answers 504 once ``REQUEST_TIMEOUT_MS`` is over, upload included: a slow sender takes a place."""

    def __init__(self, app: ASGIApp, timeout_ms: int) -> None:
        self._app = app
        self._timeout_ms = timeout_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        deadline = asyncio.timeout(self._timeout_ms / 1000.0)
        try:
            async with deadline:
                await self._app(scope, receive, send)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise DeadlineExceeded(f"the request was not done within {self._timeout_ms} ms") from error


def _loggable_path(scope: Scope) -> str:
    """The path without anything that a caller made up: somebody will put a key there.

    Ids of ours show. A path that is no route's, and a name that is no UUID, does not.
    """
    template = getattr(scope.get("route"), "path_format", None)
    if template is None:
        return "[no route]"
    values: Mapping[str, object] = scope.get("path_params", {})
    shown = {name: value if _is_uuid(value) else f"[{name}]" for name, value in values.items()}
    return str(template.format_map(shown))


def _is_uuid(value: object) -> bool:
    try:
        return uuid.UUID(str(value)) is not None
    except ValueError:
        return False


def _request_id(offered: str | None) -> str:
    """The caller's own id where it is sane: it ends up in logs."""
    if offered is not None and _SANE_REQUEST_ID.fullmatch(offered):
        return offered
    return uuid.uuid4().hex
