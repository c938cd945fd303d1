"""How the embedded PostgreSQL is configured."""

from __future__ import annotations

from collections.abc import Mapping

from app.settings import EMBEDDED_MAX_CONNECTIONS

#: The whole of postgresql.conf, besides where the socket is. Sized for two cores and 100,000 templates.
SERVER_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",  # the Unix socket alone; who may enter its folder may connect
    "unix_socket_permissions": "0700",
    "max_connections": str(EMBEDDED_MAX_CONNECTIONS),
    "shared_buffers": "128MB",
    "effective_cache_size": "512MB",
    "work_mem": "16MB",
    "autovacuum_work_mem": "32MB",
    "max_parallel_workers_per_gather": "0",  # a search must not take the encoder's cores
    "jit": "off",  # compiling costs more than any of our statements
    "io_method": "sync",  # no I/O worker processes beside a gallery that fits in memory
    "random_page_cost": "1.1",  # solid-state or cached
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",  # what a statement did wrong is told to its client, not kept in a file
    "log_checkpoints": "off",
}


def configuration_text(settings: Mapping[str, str]) -> str:
    """The text of a postgresql.conf that says this."""
    lines = (f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items())
    return "# Written at every start; see app/db/postgres_settings.py\n" + "".join(lines)
