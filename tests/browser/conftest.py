"""A real browser before a real service. Debian's Chromium, or what CHROMIUM names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from app.main import open_runtime
from app.services.runtime import Runtime
from scripts.screenshots.browser import find_chromium, open_browser
from scripts.screenshots.service import served
from tests.browser.home import Home
from tests.database import TestServer
from tests.integration.conftest import client, filled_gallery, gallery_url, page, runtime
from tests.service import FilledGallery, offline_settings

__all__ = ["client", "filled_gallery", "gallery_url", "page", "runtime"]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Skips without Chromium, but fails where it must be there (CHROMIUM_REQUIRED, as in .ci/run)."""
    async with _opened_browser() as opened:
        yield opened


@pytest.fixture
async def base_url(runtime: Runtime) -> AsyncIterator[str]:
    """Where the service of this test listens."""
    async with served(runtime) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def home(
    database_server: TestServer, filled_gallery: FilledGallery, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Home]:
    """One browser and one service that learns, for all tests of the page: each has photos of its own."""
    dsn = await database_server.clone(filled_gallery.database)
    settings = offline_settings(dsn, tmp_path_factory.mktemp("home"))
    async with _opened_browser() as browser, open_runtime(settings) as runtime, served(runtime) as base_url:
        learning = asyncio.create_task(runtime.learning.keep_learning())
        yield Home(browser, base_url, runtime, filled_gallery)
        learning.cancel()
        with suppress(asyncio.CancelledError):
            await learning
    await database_server.drop(dsn)


@asynccontextmanager
async def _opened_browser() -> AsyncIterator[Browser]:
    chromium = find_chromium()
    if chromium is None:
        words = "no Chromium: apt-get install chromium, or set CHROMIUM to its path"
        if os.environ.get("CHROMIUM_REQUIRED"):
            pytest.fail(words)
        pytest.skip(words)
    async with open_browser(chromium) as opened:
        yield opened
