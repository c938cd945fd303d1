"""Logs are events with fields, one a line; never picture bytes, never secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog
from structlog.typing import Processor

#: Fields that would hold a secret if somebody logged them by mistake.
SECRET_FIELDS = frozenset({"authorization", "api_key", "api_keys", "x_api_key", "password", "database_url"})


def configure_logging(level: str, log_format: Literal["console", "json"]) -> None:
    """Sends every log line of the process, also those of libraries, through one formatter to standard error.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        log_format: ``console`` for people, ``json`` for programs.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets_and_bytes,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # On debug it prints the tags of every picture: who took it, and with what.
    logging.getLogger("PIL").setLevel(max(logging.INFO, root.level))


def hide_secrets_and_bytes(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replaces secrets, and bytes by their number: a picture in a log is a leak and a flood."""
    for field, value in event.items():
        if field.lower() in SECRET_FIELDS:
            event[field] = "[hidden]"
        elif isinstance(value, bytes | bytearray | memoryview):
            event[field] = f"[{len(value)} bytes]"
    return event


def _rendering(log_format: Literal["console", "json"]) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # Plain tracebacks: the renderer's rich ones would print local variables, and so pictures and keys.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
