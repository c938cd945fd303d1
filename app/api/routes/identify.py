"""``POST /identify``: the main thing."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import structlog
from fastapi import Query, Request, Response

from app.api.deps import IdempotencyKey, KeyIdDep, MetricsDep, RuntimeDep
from app.api.limits import Counted
from app.api.responses import IDENTIFY_ERRORS, REPLAYED_HEADER, problems, replayable
from app.api.routing import UploadRoute, scoped_router
from app.api.schemas.base import Name
from app.api.schemas.scans import ScanModel
from app.api.security import Scope
from app.api.uploads import IMAGE_FIELD, received_upload
from app.domain.types import CardFilter, ScanResult, Status
from app.obs.metrics import Metrics
from app.services.identify import IdentifyOptions

router = scoped_router("identify", Scope.IDENTIFY, UploadRoute, Counted.SCANS)

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [IMAGE_FIELD],
                    "additionalProperties": False,
                    "properties": {
                        IMAGE_FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "JPEG, PNG, WebP, TIFF or HEIC",
                        }
                    },
                }
            }
        },
    }
}


@router.post(
    "/identify",
    operation_id="identify",
    summary="Find every card in a picture and say which printing it is",
    response_model=ScanModel,
    response_model_exclude_unset=True,
    responses=replayable(200) | problems(*IDENTIFY_ERRORS),
    openapi_extra=_BODY,
)
async def identify(
    request: Request,
    response: Response,
    runtime: RuntimeDep,
    metrics: MetricsDep,
    key_id: KeyIdDep,
    idempotency_key: IdempotencyKey = None,
    candidates: Annotated[int, Query(ge=1, le=25, description="how many to list for each card")] = 5,
    game: Annotated[Name | None, Query(description="only cards of this game")] = None,
    set_id: Annotated[list[Name] | None, Query(max_length=100, description="only these sets")] = None,
    language: Annotated[Name | None, Query(description="only cards in this language")] = None,
    explain: Annotated[
        bool,
        Query(
            description="add the evidence behind each candidate, and for each card the patches that match "
            "and where its printings differ; that takes longer, which timings_ms does not count"
        ),
    ] = False,
) -> ScanModel:
    """The reply lists the cards in reading order; a picture without a card gets an empty list."""
    options = IdentifyOptions(
        candidates=candidates,
        card_filter=CardFilter(game=game, set_ids=tuple(set_id or ()), language=language),
        explain=explain,
    )
    # The permit comes when the picture is there: two senders that say nothing would take every permit else.
    async with (
        runtime.identify.upload() as upload,
        received_upload(request, upload.came) as picture,
        runtime.identify.admission(),
    ):
        upload.arrived()
        data = await picture.read()
        result, is_new = await runtime.identify.identify(
            data, options, key_id=key_id, idempotency_key=idempotency_key
        )
    if is_new:
        _count(metrics, result)
        _log(result)
    else:
        response.headers[REPLAYED_HEADER] = "true"
    return ScanModel.of(result, explain=explain)


def _log(result: ScanResult) -> None:
    """Ties the request's id to the scan's, and says where the time went."""
    degraded = Counter(reason.value for found in result.cards for reason in found.degraded)
    structlog.get_logger("app.api").info(
        "scan",
        scan_id=str(result.scan_id),
        cards=len(result.cards),
        accepted=sum(found.status is Status.ACCEPTED for found in result.cards),
        degraded=dict(degraded),
        timings_ms={stage: round(duration_ms, 1) for stage, duration_ms in result.timings_ms.items()},
    )


def _count(metrics: Metrics, result: ScanResult) -> None:
    metrics.observe_scan(
        result.timings_ms,
        statuses=[found.status.value for found in result.cards],
        degraded=[reason.value for found in result.cards for reason in found.degraded],
    )
