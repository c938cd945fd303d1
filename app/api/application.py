"""Puts the HTTP layer together; what it serves is set as ``app.state.runtime`` by the lifespan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from app.api.browsers import OwnPagesMiddleware
from app.api.description import describe
from app.api.errors import FAILURE_STATUSES, install_error_handlers
from app.api.key_file import KeyFile
from app.api.limits import KeyLimits
from app.api.middleware import (
    UNMATCHED_ROUTE,
    DeadlineMiddleware,
    ProblemMiddleware,
    RequestContextMiddleware,
)
from app.api.responses import REPLAYED_HEADER
from app.api.routes import cards, corrections, identify, login, ops, pages, quality, scans
from app.api.security import KeyRing
from app.domain.types import Degraded, Status
from app.obs.metrics import Metrics
from app.services.runtime import StartUp
from app.settings import Settings

#: What pages of ``CORS_ORIGINS`` may send and read. No cookies: a login is for our own pages alone.
_CORS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "allow_methods": ("GET", "POST", "DELETE"),
        "allow_headers": ("Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", "X-Request-ID"),
        "expose_headers": ("Location", "Retry-After", "X-Request-ID", REPLAYED_HEADER),
    }
)

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
        ConfigurationError: ``API_KEYS`` or ``API_KEYS_FILE`` cannot be read.
    """
    metrics = Metrics()
    key_ring = KeyRing.from_settings(settings)
    key_file = None if settings.api_keys_file is None else KeyFile(settings.api_keys_file, key_ring)
    if key_file is not None:
        key_file.read()
    app = Application(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(RequestContextMiddleware, metrics=metrics),
            *_for_browsers(settings, needs_keys=not key_ring.is_empty),
            Middleware(DeadlineMiddleware, timeout_ms=settings.request_timeout_ms),
        ],
    )
    app.state.runtime = None
    app.state.startup = StartUp()
    app.state.settings = settings.without_keys()
    app.state.metrics = metrics
    app.state.key_ring = key_ring
    app.state.key_file = key_file
    app.state.limits = KeyLimits(settings)
    install_error_handlers(app)
    routers = (*api_routers(), ops.head_router)
    for router in routers:
        app.include_router(router)
    app.state.routes = tuple(route for router in routers for route in router.routes)
    metrics.start_from_zero(_failures_of(app.state.routes), Status, Degraded)
    app.mount("/static", pages.static_files(), name="static")
    return app


def _failures_of(routes: Iterable[Route]) -> Iterator[tuple[str, str, int]]:
    """Method, route and status of every request that may fail through no fault of its sender."""
    asked = [(method, route.path_format) for route in routes for method in sorted(route.methods or ())]
    for method, path in [*asked, ("GET", UNMATCHED_ROUTE), ("POST", UNMATCHED_ROUTE)]:
        for status in FAILURE_STATUSES:
            yield method, path, status


def _for_browsers(settings: Settings, *, needs_keys: bool) -> list[Middleware]:
    """What other sites' pages may do. Problems lie between, so that those pages may read them too."""
    origins = settings.allowed_origins
    chosen = [Middleware(ProblemMiddleware)]
    if origins:
        chosen.insert(0, Middleware(CORSMiddleware, allow_origins=origins, **_CORS))
    if not needs_keys:
        # With keys a foreign name gets nowhere, and what a login cookie allows is guarded by each route.
        guard = Middleware(
            OwnPagesMiddleware, host=settings.host, any_host=settings.allow_open_access, origins=origins
        )
        chosen.append(guard)
    return chosen


def api_routers() -> tuple[APIRouter, ...]:
    """Every router, in the order of the documentation."""
    return (
        identify.router,
        corrections.router,
        cards.router,
        scans.router,
        scans.admin_router,
        quality.router,
        login.router,
        ops.open_ops_router,
        ops.router,
        pages.router,
    )
