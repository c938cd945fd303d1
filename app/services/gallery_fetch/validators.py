"""What a server names a version of a picture by, so that only another one is sent (RFC 9110, 8.8 and 13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: Longer ones are nobody's, and would be kept for every picture.
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Validators:
    """What came with a picture, to be sent back as it came; empty where the server sent none."""

    etag: str = ""
    last_modified: str = ""

    @classmethod
    def of_reply(cls, headers: Mapping[str, str]) -> Validators:
        """Those in a reply's headers, which may hold anything: what cannot be sent back is left out."""
        return cls(_usable(headers.get("ETag", "")), _usable(headers.get("Last-Modified", "")))

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)

    def as_conditions(self) -> dict[str, str]:
        """Headers of a request that is answered by 304 where the server still has this version."""
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in conditions.items() if value}


NO_VALIDATORS = Validators()


def _usable(value: str) -> str:
    return value if value.isascii() and value.isprintable() and len(value) <= _LONGEST else ""
