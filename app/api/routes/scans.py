"""What was seen, and how to forget it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from app.api.deps import KeyIdDep, RuntimeDep
from app.api.limits import Counted, KeyLimits
from app.api.pictures import picture_response
from app.api.responses import CHANGE_ERRORS, READ_ERRORS, picture, problems, text
from app.api.routing import scoped_router
from app.api.scan_query import ScanFilterDep
from app.api.schemas.scans import DetectionModel, ScanListModel, ScanModel, ScanSummaryModel
from app.api.security import Scope
from app.domain.errors import Busy, MemoryTight, NotFound, RateLimited
from app.domain.types import ScanResult
from app.services.runtime import Runtime
from app.services.scan_csv import scan_as_csv

router = scoped_router("scans", Scope.IDENTIFY)
#: Forgetting cannot be undone, and scans have no owner: that takes more than a key to look at them.
admin_router = scoped_router("scans", Scope.ADMIN)


@router.get(
    "/scans",
    operation_id="list_scans",
    summary="Scans, newest first",
    response_model=ScanListModel,
    responses=problems(*READ_ERRORS),
)
async def list_scans(
    runtime: RuntimeDep,
    chosen: ScanFilterDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ScanListModel:
    """Pass ``next_before`` as ``before``, with all else the same, for the next page.

    What is asked of a card and of a correction holds for one and the same card of a scan.
    """
    # One more than asked for tells whether there is another page.
    found = await runtime.scans.list(chosen, limit + 1)
    page = [ScanSummaryModel.of(summary) for summary in found[:limit]]
    return ScanListModel(scans=page, next_before=page[-1].created_at if len(found) > limit else None)


@router.get(
    "/scans/{scan_id}",
    operation_id="get_scan",
    summary="The reply as it was given",
    response_model=ScanModel,
    response_model_exclude_unset=True,
    responses=problems(*READ_ERRORS, NotFound),
)
async def get_scan(scan_id: UUID, runtime: RuntimeDep) -> ScanModel:
    """The same JSON as ``POST /identify`` without ``explain``."""
    return ScanModel.of(await _scan(runtime, scan_id), explain=False)


@router.get(
    "/scans/{scan_id}/image",
    operation_id="get_scan_image",
    summary="The picture of a scan",
    response_class=Response,
    responses=picture("the picture") | problems(*READ_ERRORS, NotFound, MemoryTight),
)
async def get_scan_image(
    request: Request,
    scan_id: UUID,
    runtime: RuntimeDep,
    height_px: Annotated[
        int | None, Query(ge=64, le=1024, description="a small copy of this height, for lists")
    ] = None,
) -> Response:
    """The right way up; without ``height_px`` in the pixels that ``quad`` speaks of."""
    if height_px is not None:
        return picture_response(request, await runtime.small_copies.of_scan(scan_id, height_px))
    image = await runtime.scans.scan_image(scan_id)
    if image is None:
        raise NotFound(f"no scan {scan_id}, or its picture has been deleted")
    return picture_response(request, image)


@router.get(
    "/scans/{scan_id}/cards.csv",
    operation_id="get_scan_csv",
    summary="The page as a list",
    response_class=Response,
    responses=text("text/csv", "one line a card") | problems(*READ_ERRORS, NotFound),
)
async def get_scan_csv(scan_id: UUID, runtime: RuntimeDep) -> Response:
    """Reading order; opens in a spreadsheet."""
    table = scan_as_csv(await _scan(runtime, scan_id))
    disposition = f'attachment; filename="cards-{scan_id}.csv"'
    return Response(table, media_type="text/csv", headers={"Content-Disposition": disposition})


@router.get(
    "/detections/{detection_id}",
    operation_id="get_detection",
    summary="One card of a scan, with the evidence",
    response_model=DetectionModel,
    response_model_exclude_unset=True,
    responses=problems(*READ_ERRORS, NotFound, RateLimited, Busy, MemoryTight),
)
async def get_detection(
    request: Request,
    detection_id: UUID,
    runtime: RuntimeDep,
    key_id: KeyIdDep,
    explain: Annotated[
        bool,
        Query(
            description="add the evidence, as ``POST /identify`` does; that takes a scan's permit and counts "
            "as a scan"
        ),
    ] = False,
) -> DetectionModel:
    """The same JSON as in ``cards`` of ``POST /identify``."""
    found = await runtime.scans.detection(detection_id)
    if found is None:
        raise NotFound(f"no detection {detection_id}")
    if explain:
        limits: KeyLimits = request.app.state.limits
        limit = limits.of(Counted.SCANS)
        with limit.held(limit.take(key_id)):
            found = await runtime.identify.explain(found)
    return DetectionModel.of(found, explain=explain)


@router.get(
    "/detections/{detection_id}/image",
    operation_id="get_detection_image",
    summary="One card of a scan, rectified and the right way up",
    response_class=Response,
    responses=picture("the card") | problems(*READ_ERRORS, NotFound),
)
async def get_detection_image(request: Request, detection_id: UUID, runtime: RuntimeDep) -> Response:
    """What the encoder saw."""
    image = await runtime.scans.detection_image(detection_id)
    if image is None:
        raise NotFound(f"no detection {detection_id}, or its picture has been deleted")
    return picture_response(request, image)


@admin_router.delete(
    "/scans/{scan_id}",
    operation_id="delete_scan",
    summary="Forget a scan with its pictures",
    status_code=204,
    responses=problems(*CHANGE_ERRORS, NotFound),
)
async def delete_scan(scan_id: UUID, runtime: RuntimeDep) -> None:
    """What corrections learnt from it stays."""
    if not await runtime.scans.delete(scan_id):
        raise NotFound(f"no scan {scan_id}")


async def _scan(runtime: Runtime, scan_id: UUID) -> ScanResult:
    result = await runtime.scans.get(scan_id)
    if result is None:
        raise NotFound(f"no scan {scan_id}")
    return result
