"""Prints the OpenAPI document: ``python -m app.api.openapi > docs/openapi.json``."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.api.application import build_application
from app.settings import Settings


def openapi_text() -> str:
    """The document as it is committed. It does not depend on any setting."""
    document = build_application(Settings(_env_file=None), _no_lifespan).openapi()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


@asynccontextmanager
async def _no_lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield


if __name__ == "__main__":
    sys.stdout.write(openapi_text())
