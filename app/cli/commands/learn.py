"""``binderlens learn``."""

from __future__ import annotations

from app.domain.errors import ConfigurationError


def learn() -> None:
    """One run of the learning loop over the pending corrections."""
    raise ConfigurationError(
        "this version stores corrections as pending and does not learn from them yet; nothing was changed"
    )
