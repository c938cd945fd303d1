"""Puts the HTTP layer together; what it serves is set as ``app.state.runtime`` by the lifespan."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from app.api.browsers import OwnPagesMiddleware
from app.api.description import describe
from app.api.errors import install_error_handlers
from app.api.middleware import DeadlineMiddleware, RequestContextMiddleware
from app.api.routes import cards, corrections, identify, ops, pages, quality, scans
from app.api.security import KeyRing
from app.obs.metrics import Metrics
from app.services.runtime import StartUp
from app.settings import Settings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class Application(FastAPI):
    """FastAPI with our description of itself."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, built once."""
        if self.openapi_schema is None:
            self.openapi_schema = describe(self, api_routers())
        return self.openapi_schema


def build_application(settings: Settings, lifespan: Lifespan) -> FastAPI:
    """Builds the application.

    Every scan gets 503 until ``lifespan`` has set ``app.state.runtime``; ``app.state.startup`` says
    why there is none yet.

    Raises:
        ConfigurationError: ``API_KEYS`` cannot be read.
    """
    metrics = Metrics()
    key_ring = KeyRing.from_settings(settings)
    # Only with keys may others come in: their names and pages are then no way round the loopback address.
    own_pages_only = [Middleware(OwnPagesMiddleware, host=settings.host)] if key_ring.is_empty else []
    app = Application(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(RequestContextMiddleware, metrics=metrics),
            *own_pages_only,
            Middleware(DeadlineMiddleware, timeout_ms=settings.request_timeout_ms),
        ],
    )
    app.state.runtime = None
    app.state.startup = StartUp()
    app.state.settings = settings.without_keys()
    app.state.metrics = metrics
    app.state.key_ring = key_ring
    install_error_handlers(app)
    for router in api_routers():
        app.include_router(router)
    app.include_router(ops.head_router)
    app.mount("/static", pages.static_files(), name="static")
    return app


def api_routers() -> tuple[APIRouter, ...]:
    """Every router, in the order of the documentation."""
    return (
        identify.router,
        corrections.router,
        cards.router,
        scans.router,
        scans.admin_router,
        quality.router,
        ops.open_ops_router,
        ops.router,
        pages.router,
    )
