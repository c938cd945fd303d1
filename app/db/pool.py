"""Connections to PostgreSQL: limits on every session, versions checked, errors translated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import asyncpg
from pgvector.asyncpg import register_vector

from app.db.bounded import BoundedConnection, give_back, give_up_if_closed
from app.db.errors import translated
from app.db.queries import Queries
from app.db.unhurried import UnhurriedConnection
from app.domain.errors import ConfigurationError, DatabaseUnavailable, MigrationsMissing
from app.domain.operation_types import PoolUse
from app.settings import Settings

MIN_SERVER_VERSION = 150000
#: Iterative index scans came with 0.8; without them a filtered search silently finds too little.
MIN_VECTOR_VERSION = (0, 8)

_CONNECT_TIMEOUT_S = 10.0
#: Waiting for a free connection longer than this means that the pool is too small or the database hangs.
_ACQUIRE_TIMEOUT_S = 10.0
#: What the driver waits on top of statement_timeout before it takes the server for gone.
_COMMAND_GRACE_S = 10.0
_CLOSE_TIMEOUT_S = 10.0
_LIFT_ATTEMPTS = 5
#: No limit on statements, but no endless wait for a lock.
_MAINTENANCE_SETTINGS = (
    ("application_name", "binderlens maintenance"),
    ("statement_timeout", "0"),
    ("lock_timeout", "300000"),
    ("maintenance_work_mem", "256MB"),
    ("max_parallel_maintenance_workers", "0"),  # they need /dev/shm, 64 MB in a default container
    ("timezone", "UTC"),
)
#: pgvector's upper limit of hnsw.ef_search.
_EF_SEARCH_MAX = 1000
#: How many candidates the index keeps for each template asked for.
_EF_SEARCH_TIMES = 12


def session_settings(settings: Settings) -> dict[str, str]:
    """What every pooled session is limited to. At connect time, because releasing runs RESET ALL.

    ``hnsw.ef_search`` below the number of rows asked for silently returns fewer (its default, 40, lies under
    our top 50); twelve times that number finds over 99.9 % of the exact top 50 of 46,512 templates
    (docs/experiments.md, experiment 37). With a filter the index goes on past that, through
    ``max_scan_tuples`` templates at most.
    Plans are made anew each time: a plan for any LIMIT and filter would not know that the HNSW index pays.
    """
    timeout_ms = str(settings.statement_timeout_ms)
    ef_search = min(_EF_SEARCH_MAX, _EF_SEARCH_TIMES * settings.retrieval_topk)
    return {
        "application_name": "binderlens",
        "statement_timeout": timeout_ms,
        "lock_timeout": timeout_ms,
        "idle_in_transaction_session_timeout": "60000",
        "timezone": "UTC",
        "jit": "off",
        "plan_cache_mode": "force_custom_plan",
        "hnsw.ef_search": str(ef_search),
        "hnsw.iterative_scan": "relaxed_order",
        "hnsw.max_scan_tuples": "50000",
        "hnsw.scan_mem_multiplier": "4",
    }


@dataclass(slots=True)
class _Counts:
    """What happened to a pool since it was opened."""

    opened: int = 0
    failures: int = 0


class Database:
    """A pool of connections and the statements to run on them. Made by ``open``."""

    def __init__(
        self, pool: asyncpg.Pool, dsn: str, queries: Queries, vector_schema: str, counts: _Counts
    ) -> None:
        self._pool = pool
        self._counts = counts
        self._dsn = dsn
        self._vector_schema = vector_schema
        self._pairs = asyncio.Lock()
        self.queries = queries

    @classmethod
    async def open(cls, dsn: str, settings: Settings) -> Database:
        """Connects to a migrated database.

        Raises:
            ConfigurationError: the server or pgvector is too old, or the DSN is not one.
            MigrationsMissing: the extension is missing: the database was never migrated.
            DatabaseUnavailable: it cannot be reached.
        """
        queries, counts = Queries(), _Counts()
        with translated():
            async with maintenance_connection(dsn) as connection:
                vector_schema = await check_versions(connection, queries)
            if vector_schema is None:
                raise MigrationsMissing("the database has no tables yet; run: binderlens migrate")

            async def prepare(connection: asyncpg.Connection) -> None:
                # The driver's look at the catalogue is no search, and must not fail like one.
                await _lift_limits(connection, queries)
                await register_vector(connection, schema=vector_schema)
                await connection.execute(queries["reset_session"])
                counts.opened += 1

            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=settings.db_pool_size,
                timeout=_CONNECT_TIMEOUT_S,
                command_timeout=settings.statement_timeout_ms / 1000 + _COMMAND_GRACE_S,
                server_settings=session_settings(settings),
                init=prepare,
                connection_class=BoundedConnection,
            )
        return cls(pool, dsn, queries, vector_schema, counts)

    async def close(self) -> None:
        """Closes every connection; those still busy after ten seconds are cut off."""
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the pool, with errors translated (see ``translated``)."""
        with self._translated():
            connection = await self._pool.acquire(timeout=_ACQUIRE_TIMEOUT_S)
            try:
                yield connection
            finally:
                give_up_if_closed(connection)
                await give_back(self._pool, connection)

    @asynccontextmanager
    async def transaction(
        self, *, limit_statements: bool = True, one_view: bool = False
    ) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the pool inside a transaction.

        Args:
            limit_statements: Whether STATEMENT_TIMEOUT_MS holds, which is made for searches: writing may
                take longer, and wait longer for a lock. Whoever lifts it bounds the work otherwise.
            one_view: Every statement sees what the first one saw, and none may write.
        """
        async with self.connection() as connection:
            if not limit_statements:
                await _lift_limits(connection, self.queries)
            isolation = "repeatable_read" if one_view else None
            async with connection.transaction(isolation=isolation, readonly=one_view):
                yield connection if limit_statements else UnhurriedConnection(connection)

    @asynccontextmanager
    async def views(self) -> AsyncIterator[Sequence[asyncpg.Connection]]:
        """Two connections that see one moment, for reading side by side; one where the pool has no more."""
        if self._pool.get_max_size() < 2:
            async with self.transaction(one_view=True) as only:
                yield (only,)
            return
        # One pair at a time: of many, each might hold one connection and wait for another for ever.
        async with self._pairs, self.transaction(one_view=True) as first:
            snapshot = await first.fetchval(self.queries["export_snapshot"])
            async with self.transaction(one_view=True) as second:
                await second.execute(self.queries.with_snapshot("take_snapshot", snapshot))
                yield first, second

    @asynccontextmanager
    async def maintenance(
        self, longest_statement_s: float | None = None
    ) -> AsyncIterator[asyncpg.Connection]:
        """A connection of its own without time limits, for work of minutes such as building an index.

        Args:
            longest_statement_s: After this the server is taken for gone; None waits as long as it takes.
        """
        with self._translated():
            async with maintenance_connection(self._dsn, longest_statement_s) as connection:
                await register_vector(connection, schema=self._vector_schema)
                yield connection

    def use(self) -> PoolUse:
        """How many connections there are, and how often the database was away."""
        return PoolUse(
            size=self._pool.get_size(),
            idle=self._pool.get_idle_size(),
            limit=self._pool.get_max_size(),
            opened=self._counts.opened,
            failures=self._counts.failures,
        )

    async def check(self) -> str:
        """Asks for a sign of life. Raises DatabaseUnavailable or SearchTimeout where there is none."""
        started = time.perf_counter()
        async with self.connection() as connection:
            await connection.execute(self.queries["sign_of_life"])
        waited_ms = (time.perf_counter() - started) * 1000.0
        use = self.use()
        return f"answers in {waited_ms:.0f} ms; {use.size - use.idle} of {use.limit} connections busy"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """``translated``, and counts how often the database was away."""
        try:
            with translated():
                yield
        except DatabaseUnavailable:
            self._counts.failures += 1
            raise


async def _lift_limits(connection: asyncpg.Connection, queries: Queries) -> None:
    """Lifts the server's time limits until the connection is released, which runs RESET ALL.

    Outside a transaction, where it can be tried again: a limit of a few milliseconds may cut off even this.
    """
    for _ in range(_LIFT_ATTEMPTS - 1):
        with suppress(asyncpg.QueryCanceledError):
            await connection.execute(queries["lift_time_limits"])
            return
    await connection.execute(queries["lift_time_limits"])


@asynccontextmanager
async def maintenance_connection(
    dsn: str, longest_statement_s: float | None = None
) -> AsyncIterator[asyncpg.Connection]:
    """A single connection without a statement timeout, closed at the end. Errors are not translated.

    Args:
        dsn: Of the database.
        longest_statement_s: What the driver waits for one statement; None: as long as it takes.

    Raises:
        ConfigurationError: ``dsn`` cannot be read as one.
    """
    try:
        connection = await asyncpg.connect(
            dsn,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=longest_statement_s,
            server_settings=dict(_MAINTENANCE_SETTINGS),
            connection_class=BoundedConnection,
        )
    except (ValueError, asyncpg.exceptions.ClientConfigurationError):
        # Not the driver's words: what it takes for a port may be part of the password, and /ready shows this.
        raise ConfigurationError(
            "DATABASE_URL cannot be read as a PostgreSQL URL (postgresql://USER:PASSWORD@HOST/DATABASE); "
            "special characters in the password, such as / @ : # and %, must be percent-encoded"
        ) from None
    try:
        yield connection
    finally:
        await connection.close()


async def check_versions(connection: asyncpg.Connection, queries: Queries) -> str | None:
    """Refuses servers that are too old; returns the schema of the extension, None before it is created.

    Raises:
        ConfigurationError: PostgreSQL before 15, or pgvector missing or before 0.8.
    """
    found = await connection.fetchrow(queries["server_versions"])
    if found["server_version_num"] < MIN_SERVER_VERSION:
        raise ConfigurationError(f"PostgreSQL {found['server_version']} is too old: 15 or newer is needed")
    version = found["vector_version"] or found["vector_available"]
    if version is None:
        raise ConfigurationError("the database server has no pgvector: install version 0.8 or newer there")
    if tuple(int(part) for part in version.split(".")[:2]) < MIN_VECTOR_VERSION:
        raise ConfigurationError(f"pgvector {version} is too old: 0.8 or newer is needed")
    schema: str | None = found["vector_schema"]
    return schema
