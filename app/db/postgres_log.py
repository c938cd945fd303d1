"""Why a server did not start, from the log that all of its starts write to."""

from __future__ import annotations

from pathlib import Path

#: What clients hear while a server starts or stops: no reason why it does not start.
_TO_CLIENTS = "the database system is "
#: A server that does not get as far as its own log settings says why in two or three bare lines.
_BARE_LINES = 3


def end_of_log(log: Path) -> int:
    """Where the next start will write, in bytes; 0 where there is no log yet."""
    return log.stat().st_size if log.exists() else 0


def reason_since(log: Path, start_bytes: int) -> str:
    """Why the server gave up, of what it wrote from ``start_bytes`` on; empty where it does not say.

    What stands before that is of an older start, or of a client that was refused, and would mislead.
    """
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(start_bytes)
        lines = file.read().decode(errors="replace").splitlines()
    for severity in ("PANIC:", "FATAL:"):
        said = [line.partition(severity)[2].strip() for line in lines if severity in line]
        reasons = [text for text in said if not text.startswith(_TO_CLIENTS)]
        if reasons:
            return reasons[-1]
    if any("LOG:" in line for line in lines):
        return ""
    return " ".join(lines[-_BARE_LINES:])
