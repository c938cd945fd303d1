"""Turns what the driver raises into the product's errors, in one place.

What the driver says names hosts, ports, users and paths. The product's errors reach callers without a key, so
they say in general what is wrong; the driver's words go to the log and stay the error's cause.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import structlog

from app.domain.errors import DatabaseUnavailable, SearchTimeout
from app.domain.stopping import asked_to_stop

#: SQLSTATEs and classes (two characters) that say: not now. https://www.postgresql.org/docs/18/errcodes-appendix.html
_UNAVAILABLE_STATES = (
    "08",  # connection exceptions
    "25P03",  # idle_in_transaction_session_timeout
    "28",  # authorisation: a password that was rotated while we ran
    "3D000",  # the database is gone
    "25006",  # a standby, or a server that was made read-only
    "40",  # serialization failure, deadlock: another try may work
    "53",  # insufficient resources: disk, memory, connections
    "55P03",  # lock_timeout
    "57P",  # shutting down, crashed, starting
    "58",  # system errors: I/O
)


@contextmanager
def translated() -> Iterator[None]:
    """Wraps database work, the acquiring and releasing of its connection included.

    Violated constraints and other answers that a caller may expect pass through unchanged. A cancellation
    stays one: whoever is cancelled gives its connection back, and where the server is silent, what that
    raises takes the cancellation's place. Taken for a database that is away, loops would go on for ever.

    Raises:
        SearchTimeout: the statement was cancelled (57014), by statement_timeout or an administrator.
        DatabaseUnavailable: the server cannot be reached, does not answer in time, or cannot work now.
    """
    try:
        with _translated_whoever_asks():
            yield
    except (DatabaseUnavailable, SearchTimeout, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if asked_to_stop():
            raise asyncio.CancelledError from error
        raise


@contextmanager
def _translated_whoever_asks() -> Iterator[None]:
    try:
        yield
    except asyncpg.QueryCanceledError as error:
        raise SearchTimeout(f"the database cancelled a statement: {error}") from error
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "").startswith(_UNAVAILABLE_STATES):
            raise _unavailable("the database cannot do this now", error) from error
        raise
    except asyncpg.InterfaceError as error:
        # "connection is closed", "pool is closing", "has been released": no class of their own tells them
        # apart from wrong use of the driver.
        if "clos" in str(error) or "released" in str(error):
            raise _unavailable("the connection to the database was lost", error) from error
        raise
    except asyncpg.InternalClientError as error:
        # What releasing a connection raises whose server went away in the middle of a statement.
        raise _unavailable("the connection to the database was lost", error) from error
    except TimeoutError as error:
        raise _unavailable("the database does not answer in time", error) from error
    except OSError as error:
        raise _unavailable("the database cannot be reached", error) from error


def _unavailable(detail: str, error: Exception) -> DatabaseUnavailable:
    structlog.get_logger().warning(
        "database_unavailable", detail=detail, error=type(error).__name__, reason=str(error)
    )
    return DatabaseUnavailable(detail)
