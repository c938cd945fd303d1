"""One service over in-memory fakes for every test of the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.settings import Settings
from tests.fakes.service import FakeService, fake_service, page_png

Json = dict[str, Any]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, max_upload_mb=2, max_image_megapixels=20)


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[FakeService]:
    async with fake_service(settings) as running:
        yield running


@pytest.fixture
async def client(service: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    async with service.client() as opened:
        yield opened


@pytest.fixture
async def scan(client: httpx.AsyncClient) -> Json:
    """The reply to a page of three cards, the last one of two printings."""
    response = await client.post("/identify", files={"image": ("page.png", page_png(1, 2, 5))})
    assert response.status_code == 200, response.text
    return response.json()
