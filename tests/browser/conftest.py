"""A real browser before a real service. Debian's Chromium, or what CHROMIUM names."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from app.services.runtime import Runtime
from scripts.screenshots.browser import find_chromium, open_browser
from scripts.screenshots.service import served
from tests.integration.conftest import client, filled_gallery, gallery_url, page, runtime

__all__ = ["client", "filled_gallery", "gallery_url", "page", "runtime"]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Skips without Chromium, but fails where it must be there (CHROMIUM_REQUIRED, as in .ci/run)."""
    chromium = find_chromium()
    if chromium is None:
        words = "no Chromium: apt-get install chromium, or set CHROMIUM to its path"
        if os.environ.get("CHROMIUM_REQUIRED"):
            pytest.fail(words)
        pytest.skip(words)
    async with open_browser(chromium) as opened:
        yield opened


@pytest.fixture
async def base_url(runtime: Runtime) -> AsyncIterator[str]:
    """Where the service of this test listens."""
    async with served(runtime) as url:
        yield url
