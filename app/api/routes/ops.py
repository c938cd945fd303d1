"""What the service says about itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import Request, Response

from app.api.deps import MetricsDep, RuntimeDep, startup_detail
from app.api.errors import ERROR_RULES, problem, problem_response, request_id_of
from app.api.key_file import KeyFile
from app.api.responses import KEYED_ERRORS, OPEN_ERRORS, PROCESS_ERRORS, problems, text
from app.api.routing import open_router, scoped_router
from app.api.schemas.ops import CheckModel, HealthModel, MemoryModel, NotReadyProblem, ReadyModel
from app.api.security import Scope
from app.domain.errors import DeadlineExceeded, NotReady
from app.obs.state import ProcessState
from app.services.runtime import ReadinessCheck, Runtime

open_ops_router = open_router("operations")
#: HEAD answers what GET does, without the body; not in the documentation, since it says nothing new.
head_router = open_router("operations")
router = scoped_router("operations", Scope.IDENTIFY)


@open_ops_router.get(
    "/health",
    operation_id="get_health",
    summary="200 while the process works",
    response_model=HealthModel,
    responses=problems(*OPEN_ERRORS),
)
async def get_health() -> HealthModel:
    """Never touches the database: a restart would not mend one that is away."""
    return HealthModel(status="ok")


@open_ops_router.get(
    "/ready",
    operation_id="get_ready",
    summary="200 when a scan would be served, else 503 and which check fails",
    response_model=ReadyModel,
    responses=problems(*OPEN_ERRORS, NotReady, DeadlineExceeded),
)
async def get_ready(request: Request) -> ReadyModel | Response:
    """Runs every check, each on its own."""
    return _answer(request, await _checks(request))


@open_ops_router.get(
    "/ready/startup",
    operation_id="get_ready_startup",
    summary="200 once start-up has finished, else 503",
    response_model=ReadyModel,
    responses=problems(*OPEN_ERRORS, NotReady),
)
async def get_ready_startup(request: Request) -> ReadyModel | Response:
    """Whatever became of gallery and database since: for what puts a release in the place of another one."""
    return _answer(request, [_startup(request)])


@head_router.head("/health", include_in_schema=False)
async def head_health() -> Response:
    """For load balancers that ask by HEAD."""
    return Response()


@head_router.head("/ready", include_in_schema=False)
async def head_ready(request: Request) -> Response:
    """For load balancers that ask by HEAD."""
    return _without_body(await get_ready(request))


@head_router.head("/ready/startup", include_in_schema=False)
async def head_ready_startup(request: Request) -> Response:
    """For load balancers that ask by HEAD."""
    return _without_body(await get_ready_startup(request))


@router.get(
    "/memory",
    operation_id="get_memory",
    summary="What the memory guard sees",
    response_model=MemoryModel,
    responses=problems(*PROCESS_ERRORS),
)
async def get_memory(runtime: RuntimeDep) -> MemoryModel:
    """Bytes, and how often the guard worked since the start."""
    return MemoryModel.of(runtime.guard.snapshot())


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Prometheus",
    response_class=Response,
    responses=text("text/plain", "Prometheus' text format") | problems(*KEYED_ERRORS),
)
async def get_metrics(request: Request, metrics: MetricsDep) -> Response:
    """Requests, scans, stages and memory of this process; before start-up has finished, what there is."""
    ready = {check.name: check.ok for check in await _checks(request)}
    runtime: Runtime | None = request.app.state.runtime
    ready["startup"] = runtime is not None
    key_file: KeyFile | None = request.app.state.key_file
    current = None if key_file is None else key_file.is_current
    if runtime is None:
        metrics.set_state(ProcessState(ready, key_file_is_current=current))
    else:
        memory = runtime.guard.snapshot()
        metrics.set_memory(
            {
                "resident": memory.rss_bytes,
                "anonymous": memory.anonymous_bytes,
                "file_backed": memory.file_bytes,
                "peak_resident": memory.peak_rss_bytes,
            },
            {"batch": memory.batches, "release": memory.releases, "refusal": memory.refusals},
        )
        metrics.set_state(_state(runtime, ready, memory.limit_bytes, current))
    return Response(metrics.render(), media_type=metrics.content_type)


def _state(
    runtime: Runtime, ready: Mapping[str, bool], memory_limit_bytes: int | None, key_file: bool | None
) -> ProcessState:
    admission, pool, encoder = runtime.admission, runtime.connections.use(), runtime.encoder.info
    return ProcessState(
        ready,
        permits={"taken": admission.taken, "limit": admission.permits, "uploads": admission.uploads},
        connections={"busy": pool.size - pool.idle, "idle": pool.idle, "limit": pool.limit},
        connections_opened=pool.opened,
        database_failures=pool.failures,
        memory_limit_bytes=memory_limit_bytes,
        encoder={
            "name": encoder.name,
            "precision": encoder.precision,
            "fingerprint": encoder.fingerprint,
        },
        key_file_is_current=key_file,
    )


def _answer(request: Request, checks: Sequence[ReadinessCheck]) -> ReadyModel | Response:
    models = [CheckModel(name=check.name, ok=check.ok, detail=check.detail) for check in checks]
    if all(check.ok for check in checks):
        return ReadyModel(ready=True, checks=models)
    failing = "; ".join(f"{check.name}: {check.detail}" for check in checks if not check.ok)
    plain = problem(ERROR_RULES[NotReady], failing, request_id_of(request))
    body = NotReadyProblem(**plain.model_dump(), checks=models)
    return problem_response(body, {"Retry-After": str(NotReady.retry_after_s)})


def _without_body(answer: ReadyModel | Response) -> Response:
    if isinstance(answer, ReadyModel):
        return Response()
    return Response(status_code=answer.status_code, headers={"Retry-After": answer.headers["Retry-After"]})


async def _checks(request: Request) -> Sequence[ReadinessCheck]:
    runtime: Runtime | None = request.app.state.runtime
    return [_startup(request)] if runtime is None else await runtime.readiness.checks()


def _startup(request: Request) -> ReadinessCheck:
    if request.app.state.runtime is None:
        return ReadinessCheck("startup", False, startup_detail(request))
    return ReadinessCheck("startup", True, "start-up has finished")
