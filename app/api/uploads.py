"""Reads the picture out of a multipart body that may hold nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.types import Message, Receive

from app.domain.errors import EmptyUpload, InvalidParameter, MalformedRequest, UnsupportedFormat

IMAGE_FIELD: Final = "image"
#: A few more parts than are allowed, so that an unknown one can be named.
_MAX_PARTS: Final = 8


@asynccontextmanager
async def received_upload(request: Request, came: Callable[[int], None]) -> AsyncIterator[UploadFile]:
    """Takes in the body and yields the field ``image``; the route has already bounded the body.

    Above a megabyte the picture lies on disk until it is read. ``came`` is told the bytes of each part.

    Raises:
        UnsupportedFormat: the body is no form at all.
        MalformedRequest: the form cannot be decoded.
        InvalidParameter: the field is missing, repeated or not a file, or there are others.
        EmptyUpload: a file without bytes.
        UploadTooLarge: more bytes than ``MAX_UPLOAD_MB`` allows.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in ("", "multipart/form-data", "application/x-www-form-urlencoded"):
        raise UnsupportedFormat(
            f"send multipart/form-data with the picture in the field '{IMAGE_FIELD}', not {content_type}"
        )
    request = Request(request.scope, _telling(request.receive, came))
    async with AsyncExitStack() as stack:
        try:
            form = await stack.enter_async_context(request.form(max_files=_MAX_PARTS, max_fields=_MAX_PARTS))
        except UnicodeError as error:
            # The caller chooses the charset, and some of Python's codecs refuse whatever they are given.
            raise MalformedRequest("the form's field names cannot be read in the charset it names") from error
        picture = _only_file(form)
        if not picture.size:
            raise EmptyUpload(f"the file in the field '{IMAGE_FIELD}' has no bytes")
        yield picture


def _telling(receive: Receive, came: Callable[[int], None]) -> Receive:
    async def told() -> Message:
        message = await receive()
        came(len(message.get("body", b"")))
        return message

    return told


def _only_file(form: FormData) -> UploadFile:
    if unknown := sorted({name for name, _ in form.multi_items() if name != IMAGE_FIELD}):
        names = ", ".join(map(repr, unknown))
        raise InvalidParameter(f"unknown form field {names}; allowed: {IMAGE_FIELD}")
    parts = form.getlist(IMAGE_FIELD)
    if not parts:
        raise InvalidParameter(f"the form field '{IMAGE_FIELD}' is missing: send the picture in it")
    if len(parts) > 1:
        raise InvalidParameter(f"the form field '{IMAGE_FIELD}' came {len(parts)} times; send one picture")
    if not isinstance(parts[0], UploadFile):
        raise InvalidParameter(f"the form field '{IMAGE_FIELD}' must be a file with a name, not text")
    return parts[0]
