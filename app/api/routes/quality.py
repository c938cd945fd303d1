"""How well cards are named, over time."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from app.api.deps import RuntimeDep
from app.api.responses import READ_ERRORS, problems
from app.api.routing import scoped_router
from app.api.schemas.base import Moment, SearchText
from app.api.schemas.quality import QualityModel
from app.api.security import Scope
from app.domain.quality_types import QualityFilter

router = scoped_router("quality", Scope.IDENTIFY)


@router.get(
    "/quality",
    operation_id="get_quality",
    summary="How well cards are named, over time",
    response_model=QualityModel,
    responses=problems(*READ_ERRORS),
)
async def get_quality(
    runtime: RuntimeDep,
    since: Annotated[Moment | None, Query(description="only scans made at this moment or later")] = None,
    until: Annotated[Moment | None, Query(description="only scans made before this moment")] = None,
    set_id: Annotated[SearchText | None, Query(description="only cards answered to be of this set")] = None,
    encoder: Annotated[SearchText | None, Query(description="only answers of this encoder")] = None,
) -> QualityModel:
    """Accuracy comes from corrections and confirmations; a picture never speaks for itself."""
    chosen = QualityFilter(since, until, set_id or None, encoder or None)
    return QualityModel.of(await runtime.quality.figures(chosen), runtime.guard.snapshot())
