"""How the documentation speaks of errors: every status an operation may answer, each with its examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.api.errors import ERROR_RULES, INTERNAL_ERROR, PROBLEM_MEDIA_TYPE, ErrorRule, problem
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
    UnsupportedFormat,
    UploadTooLarge,
)

#: A reference; ``app.api.openapi`` adds what it refers to.
PROBLEM_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}

REPLAYED_HEADER: Final = "Idempotency-Replayed"

EXAMPLE_REQUEST_ID: Final = "7f3a9c5e2b1d4f60a8e7c6b5d4f3a210"

#: What the service says in each case, as it goes out.
_DETAILS: Final[Mapping[type[BinderlensError], str]] = {
    MalformedRequest: "the body is not valid JSON",
    InvalidParameter: "query candidates: Input should be less than or equal to 25",
    InvalidInput: "the JPEG has more than 100 scans; save it anew",
    EmptyUpload: "the file in the field 'image' has no bytes",
    BrokenImage: "the JPEG is truncated",
    UploadTooLarge: "the body is larger than the 40,065,536 bytes accepted here",
    UnsupportedFormat: "not a JPEG, PNG, WebP, TIFF or HEIC picture",
    Unauthenticated: "send a key as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'",
    ScopeMissing: "key 'kiosk' lacks the scope 'correct'",
    HostNotAllowed: "without API_KEYS this service answers only to localhost, 127.0.0.1, [::1] and HOST",
    CrossSiteRequest: "without API_KEYS this service takes nothing from pages of other sites",
    NotFound: "no scan 3f2c1a90-5b7e-4d21-9a66-0c8d5e1f7b34",
    IdempotencyConflict: "this Idempotency-Key was used with another body",
    RateLimited: "key 'kiosk' has had its 60 scans of this minute",
    LoginsLimited: "address '192.0.2.7' has had its 10 wrong keys of this minute",
    Busy: "all 2 scans that may run at once are running; try again shortly",
    MemoryTight: "900 MB of anonymous memory of 1000 MB allowed are in use",
    DatabaseUnavailable: "the database cannot be reached",
    GalleryEmpty: "the gallery has no templates of this encoder; run 'binderlens gallery import'",
    GalleryMismatch: "the gallery's templates belong to another encoder",
    NotReady: "start-up has not finished",
    SearchTimeout: "the database cancelled the statement",
    DeadlineExceeded: "the request was not done within 30000 ms",
}

_BASIC: Final = (InvalidParameter, HostNotAllowed)
_STORED: Final = (NotReady, DatabaseUnavailable, SearchTimeout, DeadlineExceeded)
_SECURED: Final = (Unauthenticated, ScopeMissing)

#: Errors of any operation that needs a key and reads what is stored.
READ_ERRORS: Final = (*_BASIC, *_SECURED, *_STORED)
#: Errors of an operation that needs a key and nothing else.
KEYED_ERRORS: Final = (*_BASIC, *_SECURED)
#: Errors of any operation that needs a key and looks at the process alone.
PROCESS_ERRORS: Final = (*_BASIC, *_SECURED, NotReady)
#: Errors of an operation that needs no key.
OPEN_ERRORS: Final = _BASIC
#: Errors of any operation that changes what is stored.
CHANGE_ERRORS: Final = (*READ_ERRORS, CrossSiteRequest)
#: Errors of ``POST /login``.
LOGIN_ERRORS: Final = (
    *_BASIC,
    CrossSiteRequest,
    Unauthenticated,
    MalformedRequest,
    UploadTooLarge,
    LoginsLimited,
    NotReady,
)
#: Errors of ``POST /logout``.
LOGOUT_ERRORS: Final = (*_BASIC, CrossSiteRequest)
#: Errors of ``POST /corrections``.
CORRECTION_ERRORS: Final = (
    *CHANGE_ERRORS,
    MalformedRequest,
    NotFound,
    IdempotencyConflict,
    RateLimited,
    UploadTooLarge,
    Busy,
    MemoryTight,
)
#: Errors of ``POST /identify``.
IDENTIFY_ERRORS: Final = (
    *CHANGE_ERRORS,
    MalformedRequest,
    InvalidInput,
    EmptyUpload,
    BrokenImage,
    UploadTooLarge,
    UnsupportedFormat,
    IdempotencyConflict,
    RateLimited,
    Busy,
    MemoryTight,
    GalleryEmpty,
    GalleryMismatch,
)


def problems(*errors: type[BinderlensError]) -> dict[int | str, dict[str, Any]]:
    """The error part of an operation's ``responses``, with one example for each error class, and 500."""
    documented: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        _document(documented, ERROR_RULES[error], _DETAILS[error])
    _document(
        documented,
        INTERNAL_ERROR,
        "something went wrong on our side; quote the request_id when you report it",
    )
    return dict(sorted(documented.items(), key=lambda item: int(item[0])))


def replayable(status: int) -> dict[int | str, dict[str, Any]]:
    """What the success part of an operation with an ``Idempotency-Key`` has on top of its body."""
    replayed = {
        "description": "true where the key had been answered before; absent where this request was worked on",
        "schema": {"type": "string", "enum": ["true"]},
    }
    return {status: {"headers": {REPLAYED_HEADER: replayed}}}


def cookie(description: str) -> dict[int | str, dict[str, Any]]:
    """The success part of an operation that answers with a cookie alone."""
    header = {"description": description, "schema": {"type": "string"}}
    return {204: {"description": "done", "headers": {"Set-Cookie": header}}}


def picture(description: str) -> dict[int | str, dict[str, Any]]:
    """The success part of an operation that answers with a picture, and 304 where the caller has it."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        200: {
            "description": description,
            "content": {"image/jpeg": binary, "image/png": binary, "image/webp": binary},
            "headers": {"ETag": {"schema": {"type": "string"}}},
        },
        304: {"description": "not changed since the ETag in If-None-Match"},
    }


def text(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """The success part of an operation that answers with text."""
    return {200: {"description": description, "content": {media_type: {"schema": {"type": "string"}}}}}


def _document(documented: dict[int | str, dict[str, Any]], rule: ErrorRule, detail: str) -> None:
    entry = documented.setdefault(
        rule.status,
        {"description": "", "content": {PROBLEM_MEDIA_TYPE: {"schema": PROBLEM_SCHEMA, "examples": {}}}},
    )
    entry["description"] = f"{entry['description']}; {rule.title}".removeprefix("; ")
    entry["content"][PROBLEM_MEDIA_TYPE]["examples"][rule.code] = {
        "summary": rule.title,
        "value": problem(rule, detail, EXAMPLE_REQUEST_ID).model_dump(mode="json"),
    }
    if rule.status in (429, 503):
        entry["headers"] = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}}
    if rule.status == 401:
        entry["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
