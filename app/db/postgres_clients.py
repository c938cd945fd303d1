"""Finds and runs ``pg_dump`` and ``pg_restore``: those on PATH where they fit the server, else our own.

Those on PATH come first because the bundled PostgreSQL is built without TLS, which many servers ask for.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from app.db.postgres_files import binaries_dir
from app.domain.errors import ConfigurationError, DatabaseUnavailable

#: Far above what a million pictures take; only a server that hangs takes longer.
_TIMEOUT_S = 4 * 3600.0
_ERROR_MAX_CHARS = 400
#: ``pg_restore`` of 17 and newer sets ``transaction_timeout``, which older servers do not know.
_TRANSACTION_TIMEOUT_SINCE = 17
_VERSION = re.compile(r"\) (\d+)")


async def find_client(name: str, server_major: int, *, restoring: bool = False) -> Path:
    """The program to use with a server of this major version.

    Args:
        name: ``pg_dump`` or ``pg_restore``.
        server_major: An older program cannot read a newer server.
        restoring: Whether it writes to that server, which a newer program may be unable to.

    Raises:
        ConfigurationError: neither PATH nor the bundled PostgreSQL has one that fits.
    """
    found = []
    for program in _candidates(name):
        major = await _major_of(program)
        if major is None:
            continue
        too_new = restoring and major >= _TRANSACTION_TIMEOUT_SINCE > server_major
        if major >= server_major and not too_new:
            return program
        found.append(f"{program} is version {major}")
    raise ConfigurationError(
        f"no {name} here fits the server, PostgreSQL {server_major} ({'; '.join(found) or 'there is none'}); "
        f"put the {name} of PostgreSQL {server_major} on PATH"
    )


def _candidates(name: str) -> list[Path]:
    on_path = shutil.which(name)
    return [*([Path(on_path)] if on_path else []), binaries_dir() / name]


async def _major_of(program: Path) -> int | None:
    """Major version; None for what does not say it, like Debian's wrapper where no version is installed."""
    try:
        match = _VERSION.search(await run_client(program, "--version"))
    except DatabaseUnavailable:
        return None
    return int(match[1]) if match else None


async def run_client(
    program: Path, *args: str, dsn: str | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Runs a program and returns what it printed; it is killed when the caller is cancelled.

    Args:
        program: Path of the program.
        args: Its arguments.
        dsn: The database; its password goes through the environment, as arguments are for everyone to see.
        environment: Variables on top of this process's own.

    Raises:
        DatabaseUnavailable: it failed, with the reason it gave, or hangs.
    """
    variables = {**os.environ, "LC_ALL": "C", **(environment or {})}
    if dsn is not None:
        url, password = split_password(dsn)
        args = ("--dbname", url, *args)
        if password is not None:
            variables["PGPASSWORD"] = password
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        program, *args, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=variables
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            output, errors = await process.communicate()
    except TimeoutError as error:
        raise DatabaseUnavailable(f"{program.name} took longer than {_TIMEOUT_S / 3600:.0f} h") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        reason = " ".join(errors.decode(errors="replace").split())[:_ERROR_MAX_CHARS]
        raise DatabaseUnavailable(f"{program.name} failed: {reason or process.returncode}")
    return output.decode(errors="replace")


def split_password(dsn: str) -> tuple[str, str | None]:
    """A connection URL without its password, and the password; None where it has none."""
    parts = urlsplit(dsn)
    query = parse_qsl(parts.query, keep_blank_values=True)
    in_query = [value for key, value in query if key == "password"]
    kept = urlencode([(key, value) for key, value in query if key != "password"], quote_via=quote)
    userinfo, at, host = parts.netloc.rpartition("@")
    user, _, quoted = userinfo.partition(":")
    url = f"{parts.scheme}://{user}{at}{host}{parts.path}{'?' if kept else ''}{kept}"
    return url, in_query[-1] if in_query else (unquote(quoted) or None)
