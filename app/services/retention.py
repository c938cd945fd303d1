"""Deletes scans when their time is over."""

from __future__ import annotations

import asyncio

import structlog

from app.domain.errors import BinderlensError
from app.domain.ports import ScanStore
from app.domain.stopping import asked_to_stop

#: Retention counts in days, so looking once an hour is often enough.
PURGE_INTERVAL_S = 3600.0


async def keep_purging(scans: ScanStore, retention_days: int) -> None:
    """Runs until cancelled; with ``retention_days`` 0 scans are kept, only pictures without a use go."""
    log = structlog.get_logger()
    while True:
        try:
            deleted = await scans.purge(retention_days)
            if deleted:
                log.info("scans_purged", deleted=deleted, older_than_days=retention_days)
        except Exception as error:
            if asked_to_stop():  # it took the cancellation's place on the way out
                raise asyncio.CancelledError from error
            if isinstance(error, BinderlensError):
                # Tried again next time: the database may be away for a while.
                log.warning("purge_failed", reason=str(error))
            else:
                # A fault in the housekeeping must not take the service down with it.
                log.exception("purge_failed")
        await asyncio.sleep(PURGE_INTERVAL_S)
