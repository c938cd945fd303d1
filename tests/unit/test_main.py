"""What the application keeps in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from app import main
from app.api.security import Scope
from app.domain.errors import EncoderNotFound
from app.settings import Settings


async def test_keys_are_forgotten_once_their_hashes_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: asyncio.Future[Settings] = asyncio.get_running_loop().create_future()

    @asynccontextmanager
    async def open_nothing(settings: Settings) -> AsyncIterator[None]:
        opened.set_result(settings)
        raise EncoderNotFound("enough")
        yield

    monkeypatch.setattr(main, "open_runtime", open_nothing)
    settings = Settings(_env_file=None, api_keys=SecretStr("shop:identify:hunter2"), port=8100)
    app = main.create_app(settings)
    async with app.router.lifespan_context(app):
        for kept in (await opened, app.state.settings):
            assert kept.api_keys.get_secret_value() == ""
            assert kept.port == 8100
    assert app.state.key_ring.authorise("hunter2", Scope.IDENTIFY) == "shop"
