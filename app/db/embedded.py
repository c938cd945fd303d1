"""The embedded PostgreSQL in ``DATA_DIR/postgres``: started by its first user, stopped by its last.

Two kernel locks make that safe. ``postgres.lock`` is held while anybody starts or stops the server.
``postgres.users`` is held, shared, by every process that uses it; whoever leaves and can then have it alone
was the last, and stops the server. The kernel drops both when a process is killed: nothing is left stuck. A
server that outlives its only user, killed, is taken over by the next one and stopped by that.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import structlog

from app.db import postgres_files as files
from app.db.locks import exclusive, open_lock_file, share, try_exclusive
from app.db.postgres_log import end_of_log, reason_since
from app.db.postgres_settings import SERVER_SETTINGS, configuration_text
from app.domain.errors import ConfigurationError, DatabaseUnavailable

_SOCKET_NAME = ".s.PGSQL.5432"
#: Room for a socket's path in ``sockaddr_un``: 108 bytes on Linux, 104 on macOS, one for the closing zero.
_SOCKET_PATH_MAX_BYTES = 103
_LOCK_TIMEOUT_S = 120.0
_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 30
#: How long the backends of a killed server may take to notice and leave.
_LEFTOVERS_TIMEOUT_S = 15.0
_LOG_MAX_BYTES = 1_000_000

#: Those of this process that have begun to start and not left; each with the descriptor of its share.
_in_use: dict[EmbeddedPostgres, int | None] = {}


def abandon_all() -> None:
    """Has every server that this process alone uses shut itself down, for a process that ends at once."""
    for server, descriptor in tuple(_in_use.items()):
        server.abandon(descriptor)


def has_cluster(data_dir: Path) -> bool:
    """Whether an embedded database has ever been started in DATA_DIR."""
    return (data_dir.expanduser() / "postgres" / "PG_VERSION").is_file()


class EmbeddedPostgres:
    """One data directory's server, as seen by one user of it.

    Args:
        data_dir: DATA_DIR; the cluster lies in its subfolder ``postgres``.
        extra_settings: Server settings on top of SERVER_SETTINGS, for whoever starts it.
    """

    def __init__(self, data_dir: Path, extra_settings: Mapping[str, str] | None = None) -> None:
        self._data_dir = data_dir.expanduser().resolve()
        self._cluster_dir = self._data_dir / "postgres"
        self._lock_path = self._data_dir / "postgres.lock"
        self._users_path = self._data_dir / "postgres.users"
        self._log_path = self._cluster_dir / "server.log"
        self._settings = {**SERVER_SETTINGS, **(extra_settings or {})}
        self._users_descriptor: int | None = None

    @property
    def dsn(self) -> str:
        """Connection string of the server's only database, over its Unix socket. Call after ``start``."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._socket_dir()), safe='')}"

    def start(self) -> None:
        """Makes sure the server runs and counts this object among its users. Blocks for about a second.

        Raises:
            ConfigurationError: the folder cannot be used, or was made by another major version.
            DatabaseUnavailable: the server does not come up.
        """
        if self._users_descriptor is not None:
            return
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"cannot make DATA_DIR {self._data_dir}: {error.strerror}") from error
        _in_use[self] = None
        with exclusive(self._lock_path, _LOCK_TIMEOUT_S):
            self._refuse_other_major()
            account = files.account_for(self._cluster_dir)
            if account is not None:
                self._open_the_way()
            if not (self._cluster_dir / "PG_VERSION").exists():
                self._create_cluster(account)
            self._ensure_running(account)
            descriptor = open_lock_file(self._users_path)
            share(descriptor)
            self._users_descriptor = _in_use[self] = descriptor

    def stop(self) -> None:
        """Leaves; stops the server if nobody else uses it. Harmless when not started."""
        if self._users_descriptor is None:
            _in_use.pop(self, None)
            return
        descriptor, self._users_descriptor = self._users_descriptor, None
        try:
            with exclusive(self._lock_path, _LOCK_TIMEOUT_S):
                if try_exclusive(descriptor):
                    self._shut_down()
                    self._remove_socket_dir()
        finally:
            _in_use.pop(self, None)
            os.close(descriptor)

    def abandon(self, descriptor: int | None) -> None:
        """Leaves without waiting, from the middle of ``start`` or ``stop`` too: the process ends now."""
        with suppress(OSError, ConfigurationError):
            if try_exclusive(open_lock_file(self._users_path) if descriptor is None else descriptor):
                files.interrupt_server(self._cluster_dir)

    def revive(self) -> bool:
        """Starts the server again where it no longer answers; returns whether that was needed.

        Does nothing once this object has left: nobody would stop what it starts.

        Raises:
            DatabaseUnavailable: it does not come up again.
        """
        with exclusive(self._lock_path, _LOCK_TIMEOUT_S):
            if self._users_descriptor is None:
                return False
            return self._ensure_running(files.account_for(self._cluster_dir))

    async def supervise(self, poll_interval_s: float = 1.0) -> None:
        """Watches the server until cancelled and starts it again when it died."""
        log = structlog.get_logger()
        while True:
            await asyncio.sleep(poll_interval_s)
            if await self._listens():
                continue
            try:
                if await asyncio.to_thread(self.revive):
                    log.warning("embedded_postgres_restarted", cluster_dir=str(self._cluster_dir))
            except (DatabaseUnavailable, ConfigurationError, OSError) as error:
                log.error("embedded_postgres_is_down", reason=str(error))

    async def _listens(self) -> bool:
        # No ``asyncio.wait_for``: Python 3.11's forgets being cancelled in the turn in which the connection
        # is there (https://github.com/python/cpython/issues/86296), and this would watch for ever.
        try:
            async with asyncio.timeout(5):
                _, writer = await asyncio.open_unix_connection(str(self._socket_dir() / _SOCKET_NAME))
        except OSError:
            return False
        writer.close()
        return True

    def _refuse_other_major(self) -> None:
        try:
            found = (self._cluster_dir / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return
        if found != str(files.POSTGRES_MAJOR):
            raise ConfigurationError(
                f"{self._cluster_dir} was made by PostgreSQL {found}, this version carries "
                f"{files.POSTGRES_MAJOR}: dump it with the old version and restore it, "
                "or choose another DATA_DIR"
            )

    def _open_the_way(self) -> None:
        """As root: the server's account must reach its programs and its data."""
        files.let_enter(self._data_dir)
        root = files.binaries_dir().parent
        files.let_enter(root)
        files.let_read(root)

    def _create_cluster(self, account: files.Account | None) -> None:
        """Runs initdb beside the final place and renames: a killed one leaves nothing that looks complete."""
        fresh = self._data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if account is not None:
            os.chown(fresh, account.uid, account.gid)
        code, output = files.run_tool(
            *("initdb", "--pgdata", str(fresh), "--username=postgres", "--auth=trust", "--encoding=UTF8"),
            # The locale comes from PostgreSQL itself: the same order and case folding on every host.
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            account=account,
            timeout_s=_START_TIMEOUT_S,
        )
        if code != 0:
            raise DatabaseUnavailable(f"initdb failed: {' '.join(output.splitlines()[-3:])}")
        fresh.rename(self._cluster_dir)

    def _ensure_running(self, account: files.Account | None) -> bool:
        if self._wait_until_accepting(account):
            return False
        self._remove_stale_lock_files()
        self._prepare_socket_dir(account)
        self._write_configuration(account)
        if self._log_path.exists() and self._log_path.stat().st_size > _LOG_MAX_BYTES:
            self._log_path.replace(self._log_path.with_suffix(".log.1"))
        log_start_bytes = end_of_log(self._log_path)
        code, output = files.run_tool(
            *("pg_ctl", "start", "--wait", "--timeout", str(_START_TIMEOUT_S), "--silent"),
            *("--pgdata", str(self._cluster_dir), "--log", str(self._log_path)),
            account=account,
            timeout_s=_START_TIMEOUT_S + 5,
        )
        if code != 0:
            reason = reason_since(self._log_path, log_start_bytes) or " ".join(output.split())
            raise DatabaseUnavailable(f"PostgreSQL does not start: {reason}; see {self._log_path}")
        return True

    def _wait_until_accepting(self, account: files.Account | None) -> bool:
        """True once the server takes connections, False when none listens."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            code, _ = files.run_tool(
                "pg_isready", "--host", str(self._socket_dir()), "--quiet", account=account, timeout_s=10
            )
            if code == 0:
                return True
            if code != 1:  # 1: it listens but refuses, as while it recovers
                return False
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"PostgreSQL still refuses connections after {_START_TIMEOUT_S} s")
            time.sleep(0.1)

    def _remove_stale_lock_files(self) -> None:
        """Removes the files a dead server left, once none of its processes is there to write to the data.

        PostgreSQL would do so itself, but takes a zombie or a foreign process of the same id for the server.
        """
        if not Path("/proc/self/stat").exists():
            return  # no way to look; PostgreSQL's own check has to do
        deadline = time.monotonic() + _LEFTOVERS_TIMEOUT_S
        while leftovers := files.processes_in(self._cluster_dir):
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"PostgreSQL processes {leftovers} do not answer yet hold {self._cluster_dir}; end them"
                )
            time.sleep(0.05)
        (self._cluster_dir / "postmaster.pid").unlink(missing_ok=True)
        (self._socket_dir() / f"{_SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _prepare_socket_dir(self, account: files.Account | None) -> None:
        socket_dir = self._socket_dir()
        if socket_dir == self._cluster_dir:
            return
        socket_dir.mkdir(mode=0o700, exist_ok=True)
        if account is not None and socket_dir.stat().st_uid == 0:
            os.chown(socket_dir, account.uid, account.gid)
        # In a folder of somebody else's, somebody else could answer in the server's place.
        if socket_dir.stat().st_uid != (os.geteuid() if account is None else account.uid):
            raise ConfigurationError(f"{socket_dir} belongs to another account; remove it")

    def _write_configuration(self, account: files.Account | None) -> None:
        settings = {**self._settings, "unix_socket_directories": str(self._socket_dir())}
        # Made outside and moved in: root must not write through a link that the server's account put there.
        fresh = self._data_dir / "postgresql.conf.new"
        fresh.write_text(configuration_text(settings))
        if account is not None:
            os.chown(fresh, account.uid, account.gid)
        fresh.replace(self._cluster_dir / "postgresql.conf")

    def _remove_socket_dir(self) -> None:
        if self._socket_dir() != self._cluster_dir:
            with suppress(OSError):  # still in use, or never made
                self._socket_dir().rmdir()

    def _socket_dir(self) -> Path:
        """The cluster's own folder, or one in /tmp where that path is too long.

        Not TMPDIR: it may differ between the processes that share the server.
        """
        if len(os.fsencode(self._cluster_dir / _SOCKET_NAME)) <= _SOCKET_PATH_MAX_BYTES:
            return self._cluster_dir
        digest = hashlib.sha256(os.fsencode(self._cluster_dir)).hexdigest()[:16]
        return Path("/tmp") / f"binderlens-{digest}"  # noqa: S108

    def _shut_down(self) -> None:
        account = files.account_for(self._cluster_dir)
        for mode in ("fast", "immediate"):
            try:
                code, _ = files.run_tool(
                    *("pg_ctl", "stop", "--wait", "--mode", mode, "--timeout", str(_STOP_TIMEOUT_S)),
                    *("--silent", "--pgdata", str(self._cluster_dir)),
                    account=account,
                    timeout_s=_STOP_TIMEOUT_S + 5,
                )
            except DatabaseUnavailable:
                continue
            if code == 0 or not files.processes_in(self._cluster_dir):
                return
