"""Serves stored pictures so that a browser asks for each only once."""

from __future__ import annotations

import hashlib
from typing import Final

from fastapi import Request, Response

from app.domain.types import StoredImage

#: A day, and not in shared caches: whoever may see a picture needed a key. Not longer, since a scan that is
#: deleted should be forgotten.
_CACHE_CONTROL: Final = "private, max-age=86400"
#: Whatever a stored file claims to be, only these are shown by a browser under our address.
_SHOWN_MEDIA_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/webp"})


def picture_response(request: Request, image: StoredImage) -> Response:
    """Answers with a picture, or 304 where the caller has it already."""
    etag = f'"{hashlib.sha256(image.data).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": _CACHE_CONTROL}
    if _matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    if image.media_type not in _SHOWN_MEDIA_TYPES:
        headers["Content-Disposition"] = "attachment"
    return Response(image.data, headers=headers, media_type=image.media_type)


def _matches(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    offered = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in offered or etag in offered
