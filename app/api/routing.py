"""The kind of route everything here is: it checks key, query and limit, and bounds the body.

All of it happens before the body is read. A dependency could not do that: FastAPI reads a declared body
first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ClassVar, Final, get_args, get_origin

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from app.api.limits import Counted, KeyLimits
from app.api.login import COOKIE_NAME, Visit
from app.api.replays import was_answered
from app.api.responses import REPLAYED_HEADER
from app.api.security import KeyRing, Scope, presented_key
from app.domain.errors import InvalidParameter, RateLimited, UploadTooLarge
from app.settings import Settings

#: Enough for any JSON of the contract: the longest is a correction with a note of 2,000 characters.
JSON_BODY_LIMIT_BYTES: Final = 64 * 1024
#: What a multipart body needs beside the picture: boundaries and part headers.
MULTIPART_OVERHEAD_BYTES: Final = 64 * 1024


class ApiRoute(APIRoute):
    """A route that nobody calls without the scope it names; ``scope`` None leaves it open.

    ``counted`` says what a POST here takes of the key's limits.
    """

    scope: ClassVar[Scope | None] = None
    counted: ClassVar[Counted | None] = None

    def body_limit_bytes(self, settings: Settings) -> int:  # noqa: ARG002 - the upload route needs them
        """Largest body this route reads, in bytes."""
        return JSON_BODY_LIMIT_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wraps FastAPI's handler in the checks."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            visit = self._check_key(request)
            self._check_query(request)
            limit_bytes = self.body_limit_bytes(request.app.state.settings)
            refuse_declared_length(request.headers.get("content-length"), limit_bytes)
            bounded_request = Request(request.scope, bounded(request.receive, limit_bytes))
            if self.counted is None or request.method != "POST":
                response = await handle(bounded_request)
            else:
                response = await self._handle_counted(self.counted, bounded_request, handle)
            if visit is not None:
                visit.renew(response)
            return response

        return checked

    async def _handle_counted(
        self, counted: Counted, request: Request, handle: Callable[[Request], Coroutine[Any, Any, Response]]
    ) -> Response:
        """Handles a request within its key's limit; no answer, or an old one again, does not count."""
        limits: KeyLimits = request.app.state.limits
        limit = limits.of(counted)
        try:
            place = limit.take(request.state.key_id)
        except RateLimited:
            if await was_answered(request, counted):
                return await handle(request)
            raise
        with limit.held(place):
            response = await handle(request)
        if REPLAYED_HEADER in response.headers:
            limit.give_back(place)
        return response

    def _check_key(self, request: Request) -> Visit | None:
        """Lets pass who may; returns the visit of a browser that is logged in."""
        if self.scope is None:
            return None
        key_ring: KeyRing = request.app.state.key_ring
        key = presented_key(request.headers.get("authorization"), request.headers.get("x-api-key"))
        token = request.cookies.get(COOKIE_NAME)
        if key is not None or token is None or key_ring.is_empty:
            request.state.key_id = key_ring.authorise(key, self.scope)
            return None
        visit = Visit.by(token, request, key_ring)
        visit.login.key.require(self.scope)
        request.state.key_id = visit.login.key.key_id
        return visit

    def _check_query(self, request: Request) -> None:
        repeatable = dict(_query_parameters(self.dependant))
        counts = Counter(name for name, _ in request.query_params.multi_items())
        if unknown := sorted(counts.keys() - repeatable.keys()):
            names = ", ".join(map(repr, unknown))
            known = ", ".join(sorted(repeatable)) or "none"
            raise InvalidParameter(f"unknown query parameter {names}; allowed: {known}")
        for name, count in counts.items():
            if count > 1 and not repeatable[name]:
                raise InvalidParameter(f"query parameter {name!r} came {count} times; send it once")


class UploadRoute(ApiRoute):
    """A route that takes a picture."""

    def body_limit_bytes(self, settings: Settings) -> int:
        """``MAX_UPLOAD_MB`` and what multipart adds to it."""
        return settings.max_upload_bytes + MULTIPART_OVERHEAD_BYTES


class PageRoute(ApiRoute):
    """A page for people: its address may hold what its scripts show, and what other sites add to links."""

    def _check_query(self, request: Request) -> None:
        """Anything goes: nothing of it is read here."""


def open_router(tag: str, kind: type[ApiRoute] = ApiRoute) -> APIRouter:
    """A router whose routes need no key: they serve no data."""
    return APIRouter(route_class=kind, tags=[tag])


def scoped_router(
    tag: str, scope: Scope, kind: type[ApiRoute] = ApiRoute, counted: Counted | None = None
) -> APIRouter:
    """A router whose every route needs a scope, so that a new route cannot forget it."""
    route_class = type(f"{scope.value.title()}{kind.__name__}", (kind,), {"scope": scope, "counted": counted})
    return APIRouter(route_class=route_class, tags=[tag])


def refuse_declared_length(content_length: str | None, limit_bytes: int) -> None:
    """Refuses a body that says itself that it is too long, before a byte of it is read."""
    if content_length is not None and content_length.isdecimal() and int(content_length) > limit_bytes:
        raise _too_large(limit_bytes)


def bounded(receive: Receive, limit_bytes: int) -> Receive:
    """Counts the bytes of a body while it comes in, for the bodies that do not say how long they are."""
    received_bytes = 0

    async def counted() -> Message:
        nonlocal received_bytes
        message = await receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        return message

    return counted


def _query_parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Name of each, and whether it may come several times; those of what a route depends on are its own."""
    for field in dependant.query_params:
        yield field.alias, _is_list(field.field_info.annotation)
    for needed in dependant.dependencies:
        yield from _query_parameters(needed)


def _is_list(annotation: object) -> bool:
    """Whether a parameter's type is a list, or an optional one."""
    return list in (get_origin(annotation), *map(get_origin, get_args(annotation)))


def _too_large(limit_bytes: int) -> UploadTooLarge:
    return UploadTooLarge(f"the body is larger than the {limit_bytes:,} bytes accepted here")
