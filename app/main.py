"""Builds and wires the service: the only place, with ``app.cli``, that knows every adapter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import structlog
from fastapi import FastAPI

from app.api.application import build_application
from app.db.connect import open_database, running_server
from app.db.gallery import PostgresGallery
from app.db.learning import PostgresLearning
from app.db.login import login_secret
from app.db.migrate import migrate
from app.db.pool import Database
from app.db.quality import PostgresQuality
from app.db.references import PostgresReferences
from app.db.scans import PostgresScanStore
from app.domain.calibration import Calibrations
from app.domain.calibration_file import load_calibrations
from app.domain.errors import (
    BinderlensError,
    DatabaseUnavailable,
    MemoryTight,
    MigrationsMissing,
    SearchTimeout,
)
from app.domain.fitted import choose_calibrations, fitted_path
from app.domain.learning_types import LearningLimits
from app.domain.stopping import asked_to_stop
from app.domain.types import EncoderInfo
from app.inference.allocator import limit_arenas_and_thresholds
from app.inference.catalogue import resolve_encoder
from app.inference.finder import FINDER_FOLDER, FinderGraph
from app.inference.loading import load_encoder
from app.inference.memory import ProcessMemoryGuard
from app.inference.process_memory import find_limit
from app.inference.runner import EncoderRunner
from app.inference.text_reader import load_text_reader
from app.obs.logging import configure_logging
from app.services.admission import Admission
from app.services.corrections import CorrectionService
from app.services.identify import IdentifyService
from app.services.learning.loop import LearningLoop
from app.services.learning.study import Student
from app.services.retention import keep_purging
from app.services.runtime import Readiness, Runtime, StartUp
from app.services.small_copies import SmallCopies
from app.settings import Settings

#: Pause before start-up is tried again while the database is away: the order of starting must not matter.
STARTUP_RETRY_S = 2.0
#: In DATA_DIR: graphs as OpenVINO transformed them for this processor. It may be deleted at any time.
COMPILED_FOLDER = "openvino-cache"


def create_app(settings: Settings, when_ready: Callable[[], None] = lambda: None) -> FastAPI:
    """The ASGI application. It answers ``/health`` at once and everything else when start-up is done.

    Args:
        settings: Of the service.
        when_ready: Called each time start-up is done, before the first scan is let in.

    Raises:
        ConfigurationError: settings that must not be used.
    """
    # The application keeps the hashes of the keys; nothing that lives as long as it does needs the keys.
    kept = settings.without_keys()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_start_and_hold(app, kept, when_ready), name="startup")]
        if app.state.key_file is not None:
            tasks.append(asyncio.create_task(app.state.key_file.keep_looking(), name="keys"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    return build_application(settings, lifespan)


async def _start_and_hold(app: FastAPI, settings: Settings, when_ready: Callable[[], None]) -> None:
    """Opens the runtime, shows it to the application, and closes it when cancelled.

    A database that is away, too slow just now to open a session within STATEMENT_TIMEOUT_MS, or not migrated
    yet is waited for; anything else that is wrong (an encoder that is not what its manifest says) stays for
    ``/ready`` to tell, because trying again would not mend it.
    """
    log = structlog.get_logger()
    while True:
        try:
            async with open_runtime(settings) as runtime:
                when_ready()
                app.state.runtime = runtime
                info = runtime.encoder.info
                log.info("ready", encoder=info.name, precision=info.precision, because=info.precision_reason)
                try:
                    await _run_background_tasks(runtime)
                finally:
                    app.state.runtime = None
        except (DatabaseUnavailable, SearchTimeout) as error:
            if asked_to_stop():
                # Closing failed on the way out. To wait and open again would make the service unstoppable.
                raise asyncio.CancelledError from error
            # Not the error's own words: a server that does not start names folders of the host.
            app.state.startup = StartUp("waiting for the database")
            log.warning("waiting_for_database", reason=str(error))
            await asyncio.sleep(STARTUP_RETRY_S)
        except MigrationsMissing as error:
            app.state.startup = StartUp(str(error))
            log.warning("waiting_for_migrations", reason=str(error))
            await asyncio.sleep(STARTUP_RETRY_S)
        except BinderlensError as error:
            app.state.startup = StartUp(str(error), failed=True)
            log.error("startup_failed", reason=str(error))
            return
        except Exception:
            # Our own fault, and nobody awaits this task: without a word it would look like a slow start.
            app.state.startup = StartUp("start-up failed on our side; the log says why", failed=True)
            log.exception("startup_failed")
            return


async def _run_background_tasks(runtime: Runtime) -> None:
    """What the service does by itself beside answering, until it is stopped."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_purging(runtime.scans, runtime.settings.scan_retention_days), name="retention")
        if runtime.settings.learning:
            tasks.create_task(runtime.learning.keep_learning(), name="learning")


@asynccontextmanager
async def open_runtime(settings: Settings, *, use_fitted: bool = True) -> AsyncIterator[Runtime]:
    """The wired service: database, encoder, guard and services; closed in reverse order.

    Args:
        settings: Of the service.
        use_fitted: False answers with the constants that came with the encoder, whatever was fitted since.

    Raises:
        ConfigurationError: constants of confidences that cannot be read.
        EncoderError: the encoder is not there or not what its manifest says.
        DatabaseUnavailable: the database cannot be reached.
        MigrationError: the database's tables are not what this version needs.
    """
    async with AsyncExitStack() as stack:
        guard = ProcessMemoryGuard(find_limit(settings.memory_limit_bytes))
        folder = resolve_encoder(settings.models_dir, settings.encoder)
        database = await stack.enter_async_context(open_database(settings))
        encoder = EncoderRunner(
            lambda: load_encoder(
                folder,
                precision=settings.encoder_precision,
                threads=settings.encoder_threads,
                runtime=settings.encoder_runtime,
                cache_dir=settings.data_dir / COMPILED_FOLDER,
            ),
            guard,
        )
        close_threads = [encoder.close]
        stack.push_async_callback(_side_by_side, close_threads)
        await encoder.start()
        gallery, references = PostgresGallery(database, encoder.info), PostgresReferences(database)
        scans = PostgresScanStore(database)
        admission = Admission(settings.max_concurrent_scans, guard)
        finder = await asyncio.to_thread(FinderGraph, FINDER_FOLDER, settings.encoder_threads)
        calibrations = _calibrations(settings, folder, encoder.info, use_fitted=use_fitted)
        identify = IdentifyService(
            settings,
            encoder,
            gallery,
            scans,
            calibrations,
            admission,
            references,
            finder,
            await asyncio.to_thread(
                load_text_reader, settings, calibrations, settings.data_dir / COMPILED_FOLDER
            ),
        )
        close_threads.append(identify.close)
        learning = _learning_loop(settings, database, encoder, gallery, references, calibrations)
        yield Runtime(
            settings=settings,
            encoder=encoder,
            identify=identify,
            corrections=CorrectionService(scans, gallery, admission, settings.max_image_pixels, learning),
            learning=learning,
            scans=scans,
            small_copies=SmallCopies(scans, admission),
            quality=PostgresQuality(database),
            gallery=gallery,
            references=references,
            guard=guard,
            admission=admission,
            connections=database,
            readiness=_readiness(encoder, database, gallery, guard),
            login_secret=await login_secret(database),
        )


async def _side_by_side(closing: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Closes what has threads at work; each waits for its own, and together that takes no longer than one."""
    await asyncio.gather(*(close() for close in closing))


def _learning_loop(
    settings: Settings,
    database: Database,
    encoder: EncoderRunner,
    gallery: PostgresGallery,
    references: PostgresReferences,
    calibrations: Calibrations,
) -> LearningLoop:
    store = PostgresLearning(database, encoder.info)
    student = Student(settings, encoder, gallery, references, calibrations, store)
    return LearningLoop(store, student, LearningLimits(corrections_per_day=settings.corrections_per_day))


def _calibrations(
    settings: Settings, folder: Path, encoder: EncoderInfo, *, use_fitted: bool
) -> Calibrations:
    """The constants fitted on somebody's own labels, where they are of this encoder; the log says which."""
    shipped = load_calibrations(folder)
    if not use_fitted:
        return shipped
    path = fitted_path(settings.data_dir, folder.name)
    chosen = choose_calibrations(shipped, path, encoder.fingerprint)
    log = structlog.get_logger()
    if chosen.ignored is not None:
        log.warning("fitted_confidences_ignored", reason=chosen.ignored)
    log.info("confidences", of=str(path) if chosen.fitted else "encoder", encoder=encoder.name)
    return chosen.calibrations


def _readiness(
    encoder: EncoderRunner, database: Database, gallery: PostgresGallery, guard: ProcessMemoryGuard
) -> Readiness:
    async def check_encoder() -> str:
        info = encoder.info
        return f"{info.name} {info.precision} {info.fingerprint} ({info.precision_reason})"

    async def check_gallery() -> str:
        await gallery.check()
        return "has templates of this encoder"

    async def check_memory() -> str:
        if not guard.has_room():
            raise MemoryTight("memory is tight: no room for another scan")
        return f"{guard.snapshot().anonymous_bytes // 1_000_000} MB anonymous"

    return Readiness(
        (
            ("encoder", check_encoder),
            ("database", database.check),
            ("gallery", check_gallery),
            ("memory", check_memory),
        )
    )


async def migrate_database(settings: Settings) -> list[str]:
    """Applies the migrations; returns the names of those that were missing."""
    async with running_server(settings) as dsn:
        return await migrate(dsn)


def prepare_process(settings: Settings, *, quiet: bool = False) -> None:
    """Sets up what belongs to the process: the allocator and the log.

    Args:
        settings: Level and form of the log.
        quiet: For commands whose output people read, and whose failure is one line: only errors are logged.
    """
    limit_arenas_and_thresholds()
    level = "error" if quiet and settings.log_level == "info" else settings.log_level
    configure_logging(level, settings.log_format)
