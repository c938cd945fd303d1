"""What schemathesis leaves out of its requests; it imports this by SCHEMATHESIS_HOOKS, alone."""

from __future__ import annotations

from typing import Any

import schemathesis


def filter_query(_context: object, query: dict[str, Any] | None) -> bool:
    """No single value in place of a list of sets: ``set_id=true`` is a list of one, and nothing is wrong.

    schemathesis takes it for a violation, since the document says that ``set_id`` is a list or null; a query
    has no way to tell.
    """
    return not isinstance((query or {}).get("set_id"), bool | int | float | str)


# Called, not written above it: for mypy a decorator of a package that is not installed has no type.
schemathesis.hook(filter_query)
