"""Loads the named statements of ``sql/queries``; no SQL is written anywhere else."""

from __future__ import annotations

import re
from pathlib import Path

from app.settings import PROJECT_ROOT

QUERIES_DIR = PROJECT_ROOT / "sql" / "queries"

_HEADING = re.compile(r"^-- name: (?P<name>\w+)\s*$", re.MULTILINE)
_SNAPSHOT = re.compile(r"[0-9A-F]+(-[0-9A-F]+)+")
_NUMBER = re.compile(r"\{(\w+)\}")


class Queries:
    """Statements by name, from blocks that start with ``-- name: some_name``.

    Args:
        folder: Where the ``.sql`` files lie.

    Raises:
        ValueError: a name occurs twice, or text stands before the first heading of a file.
    """

    def __init__(self, folder: Path = QUERIES_DIR) -> None:
        self._statements: dict[str, str] = {}
        for path in sorted(folder.glob("*.sql")):
            self._load(path)

    def _load(self, path: Path) -> None:
        preamble, *blocks = _HEADING.split(path.read_text(encoding="utf-8"))
        if any(line and not line.startswith("--") for line in preamble.splitlines()):
            raise ValueError(f"{path}: SQL before the first '-- name:' line")
        for name, statement in zip(blocks[::2], blocks[1::2], strict=True):
            if name in self._statements:
                raise ValueError(f"{path}: the statement {name} is defined twice")
            self._statements[name] = statement.strip()

    def __getitem__(self, name: str) -> str:
        """The statement of that name.

        Raises:
            KeyError: there is none.
        """
        return self._statements[name]

    def with_numbers(self, name: str, **numbers: int) -> str:
        """The statement with ``{placeholders}`` replaced by whole numbers.

        For what PostgreSQL wants literally: a type modifier, a name, the value in an index predicate.

        Raises:
            TypeError: a value is not a whole number; anything else could carry SQL.
            KeyError: no such statement, or a placeholder without a value.
        """
        for key, value in numbers.items():
            if type(value) is not int:
                raise TypeError(f"{key} must be an int, not {type(value).__name__}")
        return _NUMBER.sub(lambda match: str(numbers[match[1]]), self._statements[name])

    def with_snapshot(self, name: str, snapshot: str) -> str:
        """The statement with ``{snapshot}`` replaced by the name of one that a transaction has exported.

        Raises:
            ValueError: it is not like the names that PostgreSQL gives; anything else could carry SQL.
            KeyError: no such statement.
        """
        if _SNAPSHOT.fullmatch(snapshot) is None:
            raise ValueError(f"{snapshot!r} is no name of a snapshot")
        return self._statements[name].replace("{snapshot}", snapshot)
