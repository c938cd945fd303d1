"""Keys: who may do what. Only SHA-256 hashes are kept, and every comparison takes the same time."""

from __future__ import annotations

import enum
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.errors import ConfigurationError, ScopeMissing, Unauthenticated
from app.settings import Settings

_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SHA256_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_HASH_PREFIX: Final = "sha256="


class Scope(enum.StrEnum):
    """What a key may do; ``admin`` implies the others."""

    IDENTIFY = "identify"
    CORRECT = "correct"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key without the key itself: ``key_sha256`` is the hash (32 bytes) of what a caller sends."""

    key_id: str
    scopes: frozenset[Scope]
    key_sha256: bytes

    def may(self, scope: Scope) -> bool:
        """Whether the key carries the scope, directly or by being an admin's."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def require(self, scope: Scope) -> None:
        """Lets pass who carries the scope.

        Raises:
            ScopeMissing: the key lacks it.
        """
        if not self.may(scope):
            raise ScopeMissing(f"key {self.key_id!r} lacks the scope {scope.value!r}")


class KeyRing:
    """Every key that is known. Without any, the service is open (and listens on loopback only)."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._keys = _consistent(keys)

    @classmethod
    def from_settings(cls, settings: Settings) -> KeyRing:
        """Reads ``API_KEYS``; see ``app.api.key_file`` for those of ``API_KEYS_FILE``.

        Raises:
            ConfigurationError: an entry that is not ``ID:SCOPES:KEY``. The message never holds a key.
        """
        return cls(parse_keys(settings.api_keys.get_secret_value(), "API_KEYS"))

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """Every key, as its hash."""
        return self._keys

    def replace(self, keys: Sequence[ApiKey]) -> None:
        """Takes these keys instead; requests that were let in go on.

        Raises:
            ConfigurationError: they do not go together. The old ones stay.
        """
        self._keys = _consistent(keys)

    @property
    def is_empty(self) -> bool:
        """Whether no keys are set, so that nobody needs one."""
        return not self._keys

    def authorise(self, presented: str | None, scope: Scope) -> str | None:
        """Says whose request this is.

        Args:
            presented: The key that came with the request, if one did.
            scope: What the request needs.

        Returns:
            The id of the key; None where no keys are set.

        Raises:
            Unauthenticated: no key, or one that is not known.
            ScopeMissing: a known key without the scope.
        """
        if self.is_empty:
            return None
        if presented is None:
            raise Unauthenticated("send a key as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'")
        key = self.recognise(presented)
        key.require(scope)
        return key.key_id

    def require_owner(self, key_id: str | None, owner: str | None) -> None:
        """Lets pass whoever changes what they have made, and admins.

        Args:
            key_id: Of the key that was let in; None where no keys are set.
            owner: Of what is to be changed; None where it was made without a key.

        Raises:
            ScopeMissing: it is another's.
        """
        if key_id is None or key_id == owner:
            return
        if not any(one.key_id == key_id and one.may(Scope.ADMIN) for one in self._keys):
            raise ScopeMissing(
                f"key {key_id!r} may change what was made with it; this was not, so it takes the scope "
                f"{Scope.ADMIN.value!r}"
            )

    def recognise(self, presented: str) -> ApiKey:
        """The key that somebody presents.

        Raises:
            Unauthenticated: it is not known.
        """
        key = self._find(presented)
        if key is None:
            raise Unauthenticated("this key is not known")
        return key

    def _find(self, presented: str) -> ApiKey | None:
        digest = _sha256(presented)
        found = None
        # Every key is compared, so that the time tells neither which one matched nor how far.
        for key in self._keys:
            if hmac.compare_digest(key.key_sha256, digest):
                found = key
        return found


def presented_key(authorization: str | None, x_api_key: str | None) -> str | None:
    """The key among a request's headers; ``Authorization: Bearer`` goes before ``X-API-Key``."""
    if authorization is not None:
        scheme, _, credentials = authorization.strip().partition(" ")
        if scheme.lower() == "bearer" and credentials.strip():
            return credentials.strip()
    return x_api_key.strip() if x_api_key else None


def parse_keys(text: str, source: str) -> list[ApiKey]:
    """Reads entries ``ID:SCOPES:KEY``, separated by commas or by the ends of lines; ``#`` starts a remark.

    Args:
        text: The entries.
        source: The setting they come from, for messages.

    Raises:
        ConfigurationError: an entry that is not one. The message never holds a key.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    entries = [entry.strip() for entry in ",".join(lines).split(",")]
    return [_parse_entry(entry, place, source) for place, entry in enumerate(entries, 1) if entry]


def refuse_unsafe_listen(settings: Settings) -> None:
    """Refuses to listen beyond loopback while anybody may do anything, unless that was asked for.

    Raises:
        ConfigurationError: no keys are set, and ``HOST`` is not a loopback address.
    """
    has_keys = settings.api_keys_file is not None or not KeyRing.from_settings(settings).is_empty
    if not (has_keys or settings.allow_open_access or _is_loopback(settings.host)):
        raise ConfigurationError(
            f"HOST is {settings.host!r}, which others can reach: set API_KEYS or API_KEYS_FILE first, or "
            "listen on 127.0.0.1; where everybody who reaches it may do everything, "
            "say ALLOW_OPEN_ACCESS=true"
        )


def _consistent(keys: Sequence[ApiKey]) -> tuple[ApiKey, ...]:
    """The keys, where one id always has the same scopes and one key always the same id.

    Several keys for one id are how a key is rotated: both hold until the old one is taken out.
    """
    scopes: dict[str, frozenset[Scope]] = {}
    ids: dict[bytes, str] = {}
    for key in keys:
        if scopes.setdefault(key.key_id, key.scopes) != key.scopes:
            raise ConfigurationError(f"the keys of {key.key_id!r} have different scopes")
        if ids.setdefault(key.key_sha256, key.key_id) != key.key_id:
            raise ConfigurationError("one key is given to several ids")
    return tuple(keys)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _sha256(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _parse_entry(entry: str, place: int, source: str) -> ApiKey:
    key_id, *rest = (part.strip() for part in entry.split(":", 2))
    # Where a part is missing, or the first does not look like an id, it may be the key: not to be shown.
    if len(rest) != 2 or not _KEY_ID.fullmatch(key_id):
        raise ConfigurationError(f"entry {place} of {source} is not ID:SCOPES:KEY")
    scopes, key = rest
    named = f"entry {key_id!r} of {source}"
    return ApiKey(key_id, _parse_scopes(scopes, named), _parse_key(key, named))


def _parse_scopes(text: str, named: str) -> frozenset[Scope]:
    try:
        return frozenset(Scope(name.strip()) for name in text.split("+"))
    except ValueError:
        known = ", ".join(Scope)
        raise ConfigurationError(f"{named}: scopes are some of {known}, joined by +") from None


def _parse_key(text: str, named: str) -> bytes:
    if not text:
        raise ConfigurationError(f"{named} has no key")
    if not text.startswith(_HASH_PREFIX):
        return _sha256(text)
    digest = text.removeprefix(_HASH_PREFIX)
    if not _SHA256_HEX.fullmatch(digest):
        raise ConfigurationError(f"{named}: sha256= takes 64 hexadecimal digits")
    return bytes.fromhex(digest)
