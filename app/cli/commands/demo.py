"""``binderlens demo``: the whole service on invented cards, with nothing to set up."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from app.cli.wiring import load_settings, progress_bar
from app.domain.errors import BinderlensError
from app.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.api.schemas.scans import ScanModel
    from app.cli.demo_files import DemoFiles
    from app.services.runtime import Runtime

#: How long start-up may take before the demo gives up; a fresh database needs about two seconds.
START_TIMEOUT_S = 120.0
REQUEST_TIMEOUT_S = 60.0
#: What suits another encoder or another database may not suit the demo's.
_AS_BY_DEFAULT = ("models_dir", "encoder_precision", "encoder_runtime", "db_pool_size")


def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit instead of serving on.")] = False,
    port: Annotated[int | None, typer.Option(help="TCP port to listen on (PORT).")] = None,
) -> None:
    """Build the demo gallery once, serve, identify a sample page and print what was found."""
    settings = _demo_settings(port)
    from app.cli.server import open_listener
    from app.main import prepare_process

    listener = open_listener(settings)
    prepare_process(settings, quiet=True)
    files = _prepare(settings.data_dir / "cards")
    # The server has shut down in good order by the time it passes the interrupt on.
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(settings, files, listener, once))


def _demo_settings(port: int | None) -> Settings:
    """A database of the demo's own beside the real one, open on loopback alone."""
    base = load_settings()
    return load_settings(
        port=base.port if port is None else port,
        host="127.0.0.1",
        data_dir=base.data_dir / "demo",
        database_url=None,
        api_keys="",
        api_keys_file=None,
        encoder="compact",
        **{name: Settings.model_fields[name].default for name in _AS_BY_DEFAULT},
    )


def _prepare(folder: Path) -> DemoFiles:
    from app.cli.demo_files import prepare_demo

    with progress_bar(Console()) as progress:
        task = progress.add_task("drawing invented cards", total=None, visible=False)
        return prepare_demo(
            folder, lambda done, total: progress.update(task, completed=done, total=total, visible=True)
        )


async def _run(settings: Settings, files: DemoFiles, listener: socket.socket, once: bool) -> None:
    from app.cli.server import build_server
    from app.inference.collector import spare_what_is_loaded
    from app.main import create_app

    application = create_app(settings, when_ready=spare_what_is_loaded)
    server = build_server(application, settings)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        runtime = await _wait_for_runtime(application, serving)
        await _import(runtime, settings, files)
        reply = await _identify(settings, files)
        right = _print_page(reply, files)
        url = f"http://{settings.host}:{settings.port}"
        console = Console(highlight=False)
        console.print(f"{right} of {len(files.card_ids)} cards named rightly. The sample page: {files.page}")
        if right < len(files.card_ids):
            raise BinderlensError("the demo did not name every card of its sample page")
        if not once:
            console.print(f"Serving on {url} - API docs: {url}/docs - stop with Ctrl+C", soft_wrap=True)
            await serving
    finally:
        server.should_exit = True
        await serving


async def _wait_for_runtime(application: FastAPI, serving: asyncio.Task[None]) -> Runtime:
    """Waits until start-up has wired the service; says why where it cannot."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while application.state.runtime is None:
        if serving.done() or application.state.startup.failed or time.monotonic() > deadline:
            raise BinderlensError(f"the service did not start: {application.state.startup.detail}")
        await asyncio.sleep(0.05)
    runtime: Runtime = application.state.runtime
    return runtime


async def _import(runtime: Runtime, settings: Settings, files: DemoFiles) -> None:
    from app.services.gallery_import import GalleryImporter
    from app.services.manifest import read_manifest

    manifest = read_manifest(files.manifest, files.images)
    importer = GalleryImporter(settings, runtime.encoder, runtime.gallery, runtime.references)
    with progress_bar(Console()) as progress:
        task = progress.add_task("building the demo gallery", total=len(manifest.cards))
        await importer.run(manifest, lambda done: progress.advance(task, done))


async def _identify(settings: Settings, files: DemoFiles) -> ScanModel:
    """Sends the sample page to the running service, as any program would."""
    from app.api.schemas.scans import ScanModel

    async with httpx.AsyncClient(timeout=REQUEST_TIMEOUT_S, trust_env=False) as client:
        answer = await client.post(
            f"http://{settings.host}:{settings.port}/identify",
            files={"image": (files.page.name, files.page.read_bytes(), "image/jpeg")},
        )
    if answer.status_code != httpx.codes.OK:
        raise BinderlensError(f"the sample page was answered with {answer.status_code}: {answer.text}")
    return ScanModel.model_validate_json(answer.content)


def _print_page(reply: ScanModel, files: DemoFiles) -> int:
    """Prints what was found; returns how many cards are right."""
    table = Table(title=f"sample page, {reply.timings_ms.total:.0f} ms", title_justify="left")
    for column in ("row", "column", "card", "name", "status", "picture", "printing"):
        table.add_column(column)
    for found in reply.cards:
        table.add_row(
            str(found.grid.row + 1) if found.grid else "-",
            str(found.grid.column + 1) if found.grid else "-",
            found.card.card_id if found.card else "-",
            found.card.name if found.card else "-",
            found.status.value,
            f"{found.confidence.card:.1%}",
            f"{found.confidence.printing:.1%}",
        )
    Console().print(table)
    answered = [found.card.card_id if found.card else None for found in reply.cards]
    if len(answered) != len(files.card_ids):
        return 0
    return sum(given == true for given, true in zip(answered, files.card_ids, strict=True))
