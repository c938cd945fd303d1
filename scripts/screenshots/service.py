"""A service on this machine with a gallery of invented cards, to be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from app.api.application import build_application
from app.cli.server import build_server, open_listener
from app.main import open_runtime
from app.services.gallery_import import GalleryImporter
from app.services.manifest import read_manifest
from app.services.runtime import Runtime
from app.settings import Settings
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.folder import write_gallery
from benchmarks.service import running_service

GALLERY_SEED = 7
GALLERY_ARTWORKS = 60
_CARD_HEIGHT_PX = 400


@asynccontextmanager
async def served(runtime: Runtime) -> AsyncIterator[str]:
    """The wired service behind a free port of this machine; yields its address."""
    listener = open_listener(runtime.settings.model_copy(update={"port": 0}))
    app = build_application(runtime.settings, _wired_already)
    app.state.runtime = runtime
    server = build_server(app, runtime.settings)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def served_apart(settings: Settings) -> AsyncIterator[str]:
    """Another service over the same data, in a process of its own; yields its address."""
    environment = {"ENCODER_THREADS": str(settings.encoder_threads), "LEARNING": "false"}
    service = running_service(settings.data_dir, environment)
    running = await asyncio.to_thread(service.__enter__)
    try:
        yield str(running.client.base_url)
    finally:
        await asyncio.to_thread(service.__exit__, None, None, None)


@asynccontextmanager
async def invented_service(folder: Path) -> AsyncIterator[tuple[Runtime, list[InventedCard]]]:
    """A wired service with a database of its own below ``folder``, and the cards of its gallery."""
    settings = Settings(_env_file=None, data_dir=folder, encoder_threads=1, learning=False)
    cards = invent_catalogue(GALLERY_SEED, GALLERY_ARTWORKS)
    manifest = await asyncio.to_thread(write_gallery, cards, folder / "cards", _CARD_HEIGHT_PX)
    async with open_runtime(settings, use_fitted=False) as runtime:
        importer = GalleryImporter(settings, runtime.encoder, runtime.gallery, runtime.references)
        await importer.run(read_manifest(manifest, folder / "cards"))
        yield runtime, cards


@asynccontextmanager
async def _wired_already(_: FastAPI) -> AsyncIterator[None]:
    yield
