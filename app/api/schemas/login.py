"""How somebody logs in, on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from app.api.schemas.base import Strict


class LoginRequest(Strict):
    """A key, to be exchanged for a cookie."""

    key: Annotated[SecretStr, Field(min_length=1, max_length=1000, description="one of API_KEYS")]
