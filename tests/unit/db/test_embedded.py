"""Watching over the embedded server ends when it is told to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.db.embedded import EmbeddedPostgres


async def test_watching_ends_although_it_is_cancelled_in_the_turn_in_which_the_server_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answered = asyncio.Event()

    async def answer_and_cancel(_path: str) -> tuple[None, SimpleNamespace]:
        watch.cancel()
        answered.set()
        return None, SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(asyncio, "open_unix_connection", answer_and_cancel)
    watch = asyncio.create_task(EmbeddedPostgres(tmp_path).supervise(poll_interval_s=0.001))
    await answered.wait()
    await asyncio.wait({watch}, timeout=0.2)
    ended = watch.done()
    watch.cancel()
    assert ended
