"""Every part of the suite, in the order in which it runs."""

from __future__ import annotations

from benchmarks.chaos import crashes, database, proxy
from benchmarks.chaos.dose import Part

PARTS: tuple[Part, ...] = (
    Part("database-killed", "PostgreSQL is ended by SIGKILL under load", database.killed, 180),
    Part("database-restarted", "PostgreSQL is restarted under load", database.restarted, 60, 5),
    Part("database-slow", "tables are locked: statements end in 57014", database.slow, 45),
    Part("pool-exhausted", "one connection for sixteen clients", database.pool_exhausted, 45),
    Part("connections-cut", "connections to PostgreSQL end in mid-reply", proxy.cut_connections, 60),
    Part("service-killed", "SIGKILL during scans, imports and learning", crashes.killed, 240),
)
