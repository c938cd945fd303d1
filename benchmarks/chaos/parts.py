"""Every part of the suite, in the order in which it runs."""

from __future__ import annotations

from benchmarks.chaos import (
    contract,
    crashes,
    database,
    disk,
    fetching,
    hostile,
    limited,
    long_run,
    overload,
    pictures,
    proxy,
    silent,
    silent_readers,
)
from benchmarks.chaos.dose import Part
from benchmarks.random_clip import obstacle_to_int8

PARTS: tuple[Part, ...] = (
    Part("database-killed", "PostgreSQL is ended by SIGKILL under load", database.killed, 180),
    Part("database-restarted", "PostgreSQL is restarted under load", database.restarted, 60, 5),
    Part("database-slow", "tables are locked: statements end in 57014", database.slow, 45),
    Part("pool-exhausted", "one connection for sixteen clients", database.pool_exhausted, 45),
    Part("connections-cut", "connections to PostgreSQL end in mid-reply", proxy.cut_connections, 60),
    Part(
        "database-silent", "every process of PostgreSQL is stopped for a while", silent.falls_silent, 120, 3
    ),
    Part("disk-full", "the disk under DATA_DIR runs full and gets room again", disk.full, 60),
    Part("service-killed", "SIGKILL during scans, imports and learning", crashes.killed, 240),
    Part("pictures-decoded", "broken pictures through decode", pictures.decoded, 300, 10_000),
    Part("pictures-served", "broken pictures through the whole service", pictures.served, 600, 3_000),
    Part("contract", "every operation fuzzed by schemathesis", contract.fuzzed, 240, 30),
    Part("overload", "two hundred clients", overload.overloaded, 60),
    Part("long-run", "two thousand scans in a row", long_run.scans_in_a_row, 900, 2_000),
    Part("hostile", "slow, silent and endless senders, idle connections", hostile.clients, 60),
    Part(
        "silent-readers", "a hundred that take nothing of a picture", silent_readers.ask_and_take_nothing, 70
    ),
    Part("fetch", "five hundred cards from a server that misbehaves", fetching.fetched, 600, 500),
    Part("memory-limit", "pages under a hard limit of 1 GB", limited.pages, 600),
    Part(
        "memory-limit-large",
        "ViT-L-14 in int8 under a hard limit of 1.5 GB",
        limited.large_encoder_pages,
        600,
        obstacle=obstacle_to_int8,
    ),
)
