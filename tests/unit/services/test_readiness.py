"""Readiness: every check on its own, each within its time."""

from __future__ import annotations

import asyncio

from app.domain.errors import GalleryEmpty
from app.services.runtime import Readiness


async def fine() -> str:
    return "fine"


async def empty() -> str:
    raise GalleryEmpty("no templates")


async def hangs() -> str:
    await asyncio.sleep(60)
    return "never"


async def test_each_check_says_what_it_found() -> None:
    checks = await Readiness([("one", fine), ("two", empty), ("three", fine)]).checks()
    assert [(check.name, check.ok) for check in checks] == [("one", True), ("two", False), ("three", True)]
    assert checks[1].detail == "no templates"


async def test_a_check_that_hangs_fails_and_the_others_are_still_asked() -> None:
    first, second = await Readiness([("slow", hangs), ("quick", fine)], timeout_s=0.01).checks()
    assert (first.ok, first.detail) == (False, "does not answer within 0.01 s")
    assert second.ok
