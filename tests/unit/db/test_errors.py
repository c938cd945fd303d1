from __future__ import annotations

import asyncpg
import pytest
from structlog.testing import capture_logs

from app.db.errors import translated
from app.domain.errors import DatabaseUnavailable, NotFound, SearchTimeout


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "refused"),
        FileNotFoundError(2, "no socket"),
        TimeoutError(),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.AdminShutdownError("shutting down"),
        asyncpg.CrashShutdownError("crashed"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle"),
        asyncpg.TooManyConnectionsError("too many"),
        asyncpg.DiskFullError("full"),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.LockNotAvailableError("lock timeout"),
        asyncpg.IdleInTransactionSessionTimeoutError("idle"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InterfaceError("pool is closing"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
    ],
    ids=lambda error: f"{type(error).__name__}: {error}",
)
def test_what_may_work_later_is_unavailable(error: Exception) -> None:
    with pytest.raises(DatabaseUnavailable) as raised, translated():
        raise error
    assert raised.value.__cause__ is error
    assert raised.value.retry_after_s is not None


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "Connect call failed ('10.0.0.7', 5432)"),
        asyncpg.InvalidPasswordError('password authentication failed for user "10.0.0.7"'),
        asyncpg.InterfaceError("connection to 10.0.0.7 is closed"),
        asyncpg.InternalClientError("10.0.0.7 sent something else"),
        TimeoutError("10.0.0.7"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_where_the_database_is_goes_to_the_log_and_not_to_callers(error: Exception) -> None:
    with capture_logs() as lines, pytest.raises(DatabaseUnavailable) as raised, translated(), translated():
        raise error
    assert "10.0.0.7" not in str(raised.value)
    (line,) = lines
    assert line["log_level"] == "warning"
    assert "10.0.0.7" in line["reason"]


def test_a_cancelled_statement_is_a_search_timeout() -> None:
    with pytest.raises(SearchTimeout), translated():
        raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("twice"),
        asyncpg.ForeignKeyViolationError("gone"),
        asyncpg.UndefinedTableError("a mistake of ours"),
        asyncpg.InterfaceError("another operation is in progress"),
        NotFound("no card"),
        ValueError("shape"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_everything_else_passes_through_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, translated():
        raise error
    assert raised.value is error
