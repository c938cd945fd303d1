from __future__ import annotations

from pathlib import Path

from app.db.postgres_log import end_of_log, reason_since

STAMP = "2026-01-01 00:00:00.000 UTC [7]"


def test_what_clients_heard_meanwhile_is_no_reason(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text(
        f"{STAMP} LOG:  starting PostgreSQL\n"
        f"{STAMP} FATAL:  could not open a file\n"
        f"{STAMP} FATAL:  the database system is starting up\n"
    )
    assert reason_since(log, 0) == "could not open a file"


def test_a_start_that_wrote_nothing_about_it_has_no_reason(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    assert (end_of_log(log), reason_since(log, 0)) == (0, "")
    log.write_text(f"{STAMP} FATAL:  of an older start\n")
    start_bytes = end_of_log(log)
    assert reason_since(log, start_bytes) == ""
    with log.open("a") as file:
        file.write(f"{STAMP} LOG:  redo in progress\n")
    assert reason_since(log, start_bytes) == ""
