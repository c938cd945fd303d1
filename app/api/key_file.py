"""``API_KEYS_FILE``, read again while the service runs, so that keys are rotated without a restart.

The file is looked at every two seconds instead of upon a signal: a secret that an orchestrator mounts changes
by itself, and nobody has to find the process or a shell beside it. Its bytes are compared, not its time: a
mounted secret is a link that is moved, whose time may lie in the past.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from app.api.security import ApiKey, KeyRing, parse_keys
from app.domain.errors import ConfigurationError

POLL_S: Final = 2.0
#: Some ten thousand keys; what is larger is another file.
_MAX_BYTES: Final = 1_000_000


class KeyFile:
    """Keeps a ring of keys as the file says.

    Args:
        path: The file.
        ring: Has the keys of ``API_KEYS``, which hold beside those of the file.
    """

    def __init__(self, path: Path, ring: KeyRing) -> None:
        self._path = path
        self._ring = ring
        self._fixed = ring.keys
        self._last: tuple[bytes | None, str | None] = (None, None)
        #: Whether the keys that hold are those of the file as it is now.
        self.is_current = False

    def read(self) -> None:
        """Takes the keys of the file.

        Raises:
            ConfigurationError: it cannot be read, or has no keys: an empty file must not open the service.
        """
        content = self._content()
        self._take(content)
        self._last = (content, None)

    def look(self) -> None:
        """Takes the keys of the file where it has changed; a broken one is logged, and the old keys hold."""
        log = structlog.get_logger("app.api")
        before = self._ring.keys
        content, trouble = None, None
        try:
            content = self._content()
            if (content, None) == self._last:
                self.is_current = True
                return
            self._take(content)
        except ConfigurationError as error:
            self.is_current, trouble = False, str(error)
            if (content, trouble) != self._last:
                log.error("api_keys_kept", reason=trouble, keys=len(before))
        else:
            log.info("api_keys_read", keys=len(self._ring.keys), **_changes(before, self._ring.keys))
        self._last = (content, trouble)

    async def keep_looking(self) -> None:
        """Looks until it is cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await asyncio.to_thread(self.look)
            except Exception:
                # Who rotates keys relies on this going on, whatever went wrong once.
                structlog.get_logger("app.api").exception("api_keys_kept")

    def _content(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise ConfigurationError(f"API_KEYS_FILE {self._path}: {error.strerror}") from error
        if len(content) > _MAX_BYTES:
            raise ConfigurationError(f"API_KEYS_FILE {self._path} is larger than {_MAX_BYTES:,} bytes")
        return content

    def _take(self, content: bytes) -> None:
        try:
            text = content.decode()
        except UnicodeDecodeError:
            # Without its cause, which holds the bytes: they are keys.
            raise ConfigurationError(f"API_KEYS_FILE {self._path} is not UTF-8 text") from None
        keys = parse_keys(text, "API_KEYS_FILE")
        if not keys:
            raise ConfigurationError(f"API_KEYS_FILE {self._path} has no keys")
        self._ring.replace((*self._fixed, *keys))
        self.is_current = True


def _changes(before: Sequence[ApiKey], after: Sequence[ApiKey]) -> dict[str, list[str]]:
    """The ids that got a key and those that lost one; hashes are not for logs either."""
    return {
        "came": sorted({key.key_id for key in set(after) - set(before)}),
        "went": sorted({key.key_id for key in set(before) - set(after)}),
    }
