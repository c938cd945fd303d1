from __future__ import annotations

import pytest
from starlette.types import Message

from app.api.routing import bounded, refuse_declared_length
from app.domain.errors import UploadTooLarge


def incoming(*bodies: bytes):
    messages = iter([{"type": "http.request", "body": body, "more_body": True} for body in bodies])

    async def receive() -> Message:
        return next(messages)

    return receive


async def test_a_body_within_its_limit_passes_unchanged() -> None:
    receive = bounded(incoming(b"ab", b"", b"cd"), 4)
    assert [(await receive())["body"] for _ in range(3)] == [b"ab", b"", b"cd"]


async def test_the_byte_beyond_the_limit_is_refused() -> None:
    receive = bounded(incoming(b"ab", b"cd", b"e"), 4)
    await receive()
    await receive()
    with pytest.raises(UploadTooLarge, match="4 bytes"):
        await receive()


@pytest.mark.parametrize(("declared", "refused"), [("5", True), ("4", False), (None, False), ("-5", False)])
def test_a_declared_length_is_believed_only_to_refuse(declared: str | None, refused: bool) -> None:
    if refused:
        with pytest.raises(UploadTooLarge):
            refuse_declared_length(declared, 4)
    else:
        refuse_declared_length(declared, 4)
