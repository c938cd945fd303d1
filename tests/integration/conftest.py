"""A real service: real database, bundled encoder, a gallery of invented cards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from app.main import open_runtime
from app.services.runtime import Runtime
from app.synthesis.catalogue import invent_catalogue
from app.synthesis.folder import write_gallery
from app.synthesis.scenes import Scene, SceneKind
from tests.database import TestServer
from tests.service import (
    CARD_HEIGHT_PX,
    FilledGallery,
    client_of,
    import_manifest,
    offline_settings,
    photograph,
)

TEST_CATALOGUE_SEED = 4711
GALLERY_ARTWORKS = 45


@pytest.fixture(scope="session")
def filled_gallery(database_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> FilledGallery:
    """A gallery of invented cards, imported once for each test process."""
    folder = tmp_path_factory.mktemp("gallery")
    cards = invent_catalogue(TEST_CATALOGUE_SEED, GALLERY_ARTWORKS)
    manifest = write_gallery(cards, folder, CARD_HEIGHT_PX)

    async def fill() -> str:
        dsn = await database_server.clone()
        async with open_runtime(offline_settings(dsn, folder / "data")) as runtime:
            report = await import_manifest(runtime, manifest, folder)
        assert report.bad_rows == []
        return urlsplit(dsn).path[1:]

    return FilledGallery(asyncio.run(fill()), folder, manifest, tuple(cards))


@pytest.fixture
async def gallery_url(database_server: TestServer, filled_gallery: FilledGallery) -> AsyncIterator[str]:
    """DSN of a copy of the filled gallery, this test's own."""
    dsn = await database_server.clone(filled_gallery.database)
    yield dsn
    await database_server.drop(dsn)


@pytest.fixture
async def runtime(gallery_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runtime]:
    """The wired service over the filled gallery."""
    settings = offline_settings(gallery_url, tmp_path_factory.mktemp("data"))
    async with open_runtime(settings) as opened:
        yield opened


@pytest.fixture
async def client(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the real application around ``runtime``."""
    async with client_of(runtime) as opened:
        yield opened


@pytest.fixture(scope="session")
def page(filled_gallery: FilledGallery) -> Scene:
    """A photo of a binder page with the gallery's first nine cards."""
    return photograph(filled_gallery.cards[:9], SceneKind.PAGE_3X3)
