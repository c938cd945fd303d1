"""What routes ask for, as ``Annotated`` dependencies."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from app.api.security import KeyRing
from app.domain.errors import NotReady
from app.obs.metrics import Metrics
from app.services.runtime import Runtime, StartUp


def get_runtime(request: Request) -> Runtime:
    """The wired service.

    Raises:
        NotReady: start-up has not finished, or failed.
    """
    runtime: Runtime | None = request.app.state.runtime
    if runtime is None:
        raise NotReady(startup_detail(request))
    return runtime


def startup_detail(request: Request) -> str:
    """Why there is no runtime yet."""
    startup: StartUp = request.app.state.startup
    return startup.detail


def get_metrics(request: Request) -> Metrics:
    """Where this application counts."""
    metrics: Metrics = request.app.state.metrics
    return metrics


def get_key_id(request: Request) -> str | None:
    """Whose request this is; None where no keys are set."""
    key_id: str | None = request.state.key_id
    return key_id


def get_key_ring(request: Request) -> KeyRing:
    """Who may do what."""
    key_ring: KeyRing = request.app.state.key_ring
    return key_ring


RuntimeDep = Annotated[Runtime, Depends(get_runtime)]
MetricsDep = Annotated[Metrics, Depends(get_metrics)]
KeyIdDep = Annotated[str | None, Depends(get_key_id)]
KeyRingDep = Annotated[KeyRing, Depends(get_key_ring)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="a repeated request with the same key and body gets the first one's answer",
    ),
]
