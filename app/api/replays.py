"""Whether a request repeats one that was answered, which is known before its body is read."""

from __future__ import annotations

from typing import Final

from fastapi import Request

from app.api.limits import Counted
from app.domain.errors import IdempotencyConflict, SearchTimeout, Unavailable
from app.domain.ports import ScanStore
from app.domain.types import RequestKey
from app.services.runtime import Runtime

#: The hash of no body at all: whatever a key stands for, it is another one.
_NO_BODY: Final = ""
#: What the header may have at most; longer ones are refused later.
_MAX_KEY_CHARS: Final = 255


async def was_answered(request: Request, counted: Counted) -> bool:
    """Whether the ``Idempotency-Key`` of this caller stands for something stored, with whatever body.

    False also where the database cannot say: then nobody knows the answer to repeat either.
    """
    key, runtime = request.headers.get("idempotency-key"), request.app.state.runtime
    if not key or len(key) > _MAX_KEY_CHARS or runtime is None:
        return False
    try:
        return await _is_stored(runtime, counted, key, request.state.key_id)
    except (Unavailable, SearchTimeout):
        return False


async def _is_stored(runtime: Runtime, counted: Counted, key: str, key_id: str | None) -> bool:
    scans: ScanStore = runtime.scans
    try:
        if counted is Counted.SCANS:
            return await scans.find_idempotent(RequestKey(key, _NO_BODY), key_id) is not None
        return await scans.find_correction(key, key_id, _NO_BODY) is not None
    except IdempotencyConflict:
        return True
