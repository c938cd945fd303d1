"""What the application keeps in memory, and how its start and its end take errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from app import main
from app.api.security import Scope
from app.domain.calibration import UNCALIBRATED, Calibration, Calibrations
from app.domain.calibration_file import save_calibrations
from app.domain.errors import (
    BinderlensError,
    DatabaseUnavailable,
    EncoderNotFound,
    MigrationsMissing,
    SearchTimeout,
)
from app.domain.fitted import fitted_path, save_fitted
from app.domain.types import EncoderInfo
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


async def test_an_error_while_closing_does_not_open_the_service_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = 0

    @asynccontextmanager
    async def open_what_fails_to_close(settings: Settings) -> AsyncIterator[SimpleNamespace]:
        nonlocal opened
        opened += 1
        info = SimpleNamespace(name="tiny", precision="fp32", precision_reason="as asked")
        try:
            yield SimpleNamespace(
                encoder=SimpleNamespace(info=info),
                scans=None,
                settings=settings,
                learning=SimpleNamespace(keep_learning=purge_for_ever),
            )
        finally:
            raise DatabaseUnavailable("the folder's lock is held")

    async def purge_for_ever(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(main, "STARTUP_RETRY_S", 0.0)
    monkeypatch.setattr(main, "open_runtime", open_what_fails_to_close)
    monkeypatch.setattr(main, "keep_purging", purge_for_ever)
    seen_when_ready = []
    app = main.create_app(
        Settings(_env_file=None), when_ready=lambda: seen_when_ready.append(app.state.runtime)
    )
    async with asyncio.timeout(20):
        async with app.router.lifespan_context(app):
            while app.state.runtime is None:
                await asyncio.sleep(0.001)
    assert opened == 1
    assert seen_when_ready == [None], "called once, before the first scan is let in"


@pytest.mark.parametrize(
    "error", [DatabaseUnavailable("away"), SearchTimeout("57014"), MigrationsMissing("missing: 0001")]
)
async def test_a_database_that_is_away_slow_or_not_migrated_yet_is_tried_again(
    error: BinderlensError, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    @asynccontextmanager
    async def open_in_vain(settings: Settings) -> AsyncIterator[None]:
        nonlocal tries
        tries += 1
        raise error
        yield

    monkeypatch.setattr(main, "STARTUP_RETRY_S", 0.001)
    monkeypatch.setattr(main, "open_runtime", open_in_vain)
    app = main.create_app(Settings(_env_file=None))
    async with asyncio.timeout(20):
        async with app.router.lifespan_context(app):
            while tries < 3 and not app.state.startup.failed:
                await asyncio.sleep(0.001)
    assert tries >= 3
    assert not app.state.startup.failed


@pytest.mark.parametrize(("fingerprint", "is_used"), [("f1", True), ("f2", False)])
def test_fitted_confidences_are_used_by_their_encoder_alone_and_the_log_says_which(
    tmp_path: Path, fingerprint: str, is_used: bool
) -> None:
    constants = Calibration(-8.0, 20.0, 6.0, 0.02, 0.98, 0.9, 0.2)
    shipped = Calibrations(constants, UNCALIBRATED)
    fitted = replace(shipped, plain=replace(constants, bias=-6.0))
    folder = tmp_path / "compact"
    folder.mkdir()
    save_calibrations(shipped, folder)
    path = fitted_path(tmp_path, "compact")
    save_fitted(fitted, shipped, path, "compact", "f1")
    settings = Settings(_env_file=None, data_dir=tmp_path)
    encoder = EncoderInfo("compact", "fp32", fingerprint, 256)
    with capture_logs() as lines:
        assert main._calibrations(settings, folder, encoder, use_fitted=True) == (
            fitted if is_used else shipped
        )
    events = {line["event"]: line for line in lines}
    assert events["confidences"]["of"] == (str(path) if is_used else "encoder")
    assert ("fitted_confidences_ignored" in events) is not is_used
    assert main._calibrations(settings, folder, encoder, use_fitted=False) == shipped
