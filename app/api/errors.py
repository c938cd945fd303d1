"""One table: what each error of the domain becomes as an HTTP reply (RFC 9457 problem+json).

Nothing else in the product knows a status code. An error the table does not know is our fault: it is logged
with its traceback and answered with 500, an id, and no details.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route

from app.api.schemas.base import Problem
from app.domain.errors import (
    BinderlensError,
    BrokenImage,
    Busy,
    CrossSiteRequest,
    DatabaseUnavailable,
    DeadlineExceeded,
    EmptyUpload,
    GalleryEmpty,
    GalleryMismatch,
    HostNotAllowed,
    IdempotencyConflict,
    InvalidInput,
    InvalidParameter,
    LoginsLimited,
    MalformedRequest,
    MemoryTight,
    NotFound,
    NotReady,
    RateLimited,
    ScopeMissing,
    SearchTimeout,
    Unauthenticated,
    Unavailable,
    UnsupportedFormat,
    UploadTooLarge,
)

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """What HTTP makes of one class of error.

    Attributes:
        status: HTTP status code.
        code: Stable name for programs; also the end of the problem's ``type``.
        title: The class of problem in a few words for people.
        retry_after_s: ``Retry-After`` where the error itself names no time.
    """

    status: int
    code: str
    title: str
    retry_after_s: int | None = None


ERROR_RULES: Final[Mapping[type[BinderlensError], ErrorRule]] = MappingProxyType(
    {
        MalformedRequest: ErrorRule(400, "malformed_request", "The request cannot be read"),
        InvalidInput: ErrorRule(422, "invalid_input", "The request cannot be used"),
        InvalidParameter: ErrorRule(422, "invalid_parameter", "A field is missing, unknown or out of range"),
        EmptyUpload: ErrorRule(422, "empty_upload", "The uploaded file has no bytes"),
        BrokenImage: ErrorRule(422, "broken_image", "The picture cannot be decoded"),
        UploadTooLarge: ErrorRule(413, "upload_too_large", "Too many bytes or pixels"),
        UnsupportedFormat: ErrorRule(415, "unsupported_format", "Not a picture of a known format"),
        Unauthenticated: ErrorRule(401, "unauthenticated", "A valid key is needed"),
        ScopeMissing: ErrorRule(403, "scope_missing", "The key lacks the scope"),
        HostNotAllowed: ErrorRule(403, "host_not_allowed", "The request names another host"),
        CrossSiteRequest: ErrorRule(403, "cross_site_request", "A page of another site asks"),
        NotFound: ErrorRule(404, "not_found", "There is no such thing"),
        IdempotencyConflict: ErrorRule(409, "idempotency_conflict", "The same key came with another body"),
        RateLimited: ErrorRule(429, "rate_limited", "This key has had its share for now"),
        LoginsLimited: ErrorRule(429, "logins_limited", "Too many wrong keys for now"),
        Unavailable: ErrorRule(503, "unavailable", "Not available now"),
        Busy: ErrorRule(503, "busy", "All permits are taken"),
        MemoryTight: ErrorRule(503, "memory_tight", "Memory is tight"),
        DatabaseUnavailable: ErrorRule(503, "database_unavailable", "The database cannot be reached"),
        GalleryEmpty: ErrorRule(503, "gallery_empty", "The gallery is empty"),
        GalleryMismatch: ErrorRule(503, "gallery_mismatch", "The gallery belongs to another encoder"),
        NotReady: ErrorRule(503, "not_ready", "The service is not ready"),
        SearchTimeout: ErrorRule(503, "search_timeout", "The database took too long", retry_after_s=5),
        DeadlineExceeded: ErrorRule(504, "deadline_exceeded", "The request took too long"),
    }
)

INTERNAL_ERROR: Final = ErrorRule(500, "internal_error", "Our fault")
METHOD_NOT_ALLOWED: Final = ErrorRule(405, "method_not_allowed", "Wrong method for this path")

#: Every status that is not the sender's fault.
FAILURE_STATUSES: Final = tuple(
    sorted({rule.status for rule in (*ERROR_RULES.values(), INTERNAL_ERROR) if rule.status >= 500})
)

#: What is answered to a request that may be sent again as it is: not now, whatever was in it.
_NOT_NOW_STATUSES: Final = frozenset({429, 503, 504})

#: Statuses that the framework raises by itself.
_HTTP_RULES: Final[Mapping[int, tuple[ErrorRule, str]]] = MappingProxyType(
    {
        400: (ERROR_RULES[MalformedRequest], "the body cannot be read"),
        404: (ERROR_RULES[NotFound], "no such path"),
        405: (METHOD_NOT_ALLOWED, "this path does not know that method; see Allow"),
        413: (ERROR_RULES[UploadTooLarge], "the body is too large"),
    }
)


def rule_for(error_type: type[BaseException]) -> ErrorRule | None:
    """The rule of an error class or of its nearest ancestor in the table; None where there is none."""
    for ancestor in error_type.__mro__:
        if issubclass(ancestor, BinderlensError) and ancestor in ERROR_RULES:
            return ERROR_RULES[ancestor]
    return None


def is_no_answer(error: BaseException) -> bool:
    """Whether a request ended without having been looked at: refused for now, cancelled, or broken off."""
    if isinstance(error, HTTPException) and error.__cause__ is not None:
        error = error.__cause__  # the framework's own words for what was raised while it read the body
    if isinstance(error, ClientDisconnect) or not isinstance(error, Exception):
        return True
    rule = rule_for(type(error))
    return rule is not None and rule.status in _NOT_NOW_STATUSES


def problem(rule: ErrorRule, detail: str, request_id: str) -> Problem:
    """One problem as the wire knows it."""
    return Problem(
        type=f"urn:binderlens:problem:{rule.code}",
        title=rule.title,
        status=rule.status,
        detail=detail,
        code=rule.code,
        request_id=request_id,
    )


def problem_response(body: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Renders a problem as ``application/problem+json``."""
    return Response(
        body.model_dump_json(), body.status, headers=dict(headers or {}), media_type=PROBLEM_MEDIA_TYPE
    )


def response_for_error(error: Exception, request_id: str) -> Response:
    """Renders any error; one the table does not know is logged and answered without details."""
    rule = rule_for(type(error))
    if rule is None:
        structlog.get_logger("app.api").error("unmapped_error", exc_info=error)
        detail = "something went wrong on our side; quote the request_id when you report it"
        return problem_response(problem(INTERNAL_ERROR, detail, request_id))
    return problem_response(problem(rule, str(error), request_id), _error_headers(error, rule))


def install_error_handlers(app: FastAPI) -> None:
    """Makes every error of the routes a problem. What escapes them is caught by the middleware."""
    app.add_exception_handler(BinderlensError, _handle_error)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_exception)


def request_id_of(request: Request) -> str:
    """The id that the middleware gave this request."""
    return str(request.state.request_id)


async def _handle_error(request: Request, error: Exception) -> Response:
    return response_for_error(error, request_id_of(request))


async def _handle_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    findings = error.errors()
    if any(finding["type"] == "json_invalid" for finding in findings):
        return response_for_error(MalformedRequest("the body is not valid JSON"), request_id_of(request))
    detail = "; ".join(dict.fromkeys(_sentence(finding) for finding in findings))
    return response_for_error(InvalidParameter(detail), request_id_of(request))


async def _handle_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    # The framework wraps whatever is raised while it reads a body; ours keeps its own meaning.
    if isinstance(error.__cause__, BinderlensError):
        return response_for_error(error.__cause__, request_id_of(request))
    rule, detail = _HTTP_RULES.get(
        error.status_code, (ErrorRule(error.status_code, "http_error", "HTTP error"), "refused")
    )
    headers = dict(error.headers or {})
    if rule is METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_of_path(request))
    return problem_response(problem(rule, detail, request_id_of(request)), headers)


def _methods_of_path(request: Request) -> list[str]:
    """All that a path knows (RFC 9110, 15.5.6); the framework names those of one of its routes alone."""
    routes: Sequence[Route] = request.app.state.routes
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in matching for method in route.methods or ()})


def _error_headers(error: Exception, rule: ErrorRule) -> dict[str, str]:
    headers = {}
    retry_after_s = error.retry_after_s if isinstance(error, BinderlensError) else None
    if (seconds := retry_after_s or rule.retry_after_s) is not None:
        # A crowd that was refused in one moment would else come back in one moment.
        spread = secrets.randbelow(seconds + 1) if isinstance(error, Busy | MemoryTight) else 0
        headers["Retry-After"] = str(seconds + spread)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="binderlens"'
    elif isinstance(error, ScopeMissing):
        headers["WWW-Authenticate"] = 'Bearer realm="binderlens", error="insufficient_scope"'
    return headers


def _sentence(finding: Mapping[str, object]) -> str:
    """One line for one finding of pydantic, without the value: it may be long, or a secret."""
    location = finding["loc"]
    assert isinstance(location, tuple)
    source, *path = (str(part) for part in location)
    message = str(finding["msg"]).removeprefix("Value error, ")
    if finding["type"] == "missing":
        message = "is missing"
    field = ".".join(path)
    return f"{source} {field}: {message}" if field else f"{source}: {message}"
