"""What people say a detection really is."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from app.api.deps import IdempotencyKey, KeyIdDep, KeyRingDep, RuntimeDep
from app.api.limits import Counted
from app.api.responses import (
    CHANGE_ERRORS,
    CORRECTION_ERRORS,
    READ_ERRORS,
    REPLAYED_HEADER,
    problems,
    replayable,
)
from app.api.routing import scoped_router
from app.api.schemas.corrections import CorrectionListModel, CorrectionModel, CorrectionRequest
from app.api.security import Scope
from app.domain.errors import NotFound

router = scoped_router("corrections", Scope.CORRECT, counted=Counted.CORRECTIONS)


@router.post(
    "/corrections",
    operation_id="submit_correction",
    summary="Say what a detection really is, or name a card that was missed",
    status_code=202,
    response_model=CorrectionModel,
    responses=replayable(202) | problems(*CORRECTION_ERRORS),
)
async def submit_correction(
    correction: CorrectionRequest,
    response: Response,
    runtime: RuntimeDep,
    key_id: KeyIdDep,
    idempotency_key: IdempotencyKey = None,
) -> CorrectionModel:
    """Stored at once, judged later. Confirming a right answer is a correction too: it is evidence."""
    stored, is_new = await runtime.corrections.submit(correction.to_domain(key_id, idempotency_key))
    response.headers["Location"] = f"/corrections/{stored.correction_id}"
    if not is_new:
        response.headers[REPLAYED_HEADER] = "true"
    return CorrectionModel.of(stored)


@router.get(
    "/corrections/{correction_id}",
    operation_id="get_correction",
    summary="What became of a correction, and why",
    response_model=CorrectionModel,
    responses=problems(*READ_ERRORS, NotFound),
)
async def get_correction(correction_id: UUID, runtime: RuntimeDep) -> CorrectionModel:
    """``pending``, ``learned``, ``quarantined``, ``rejected`` or ``undone``."""
    return CorrectionModel.of(await runtime.corrections.get(correction_id))


@router.delete(
    "/corrections/{correction_id}",
    operation_id="undo_correction",
    summary="Take a correction back, with everything it changed",
    response_model=CorrectionModel,
    responses=problems(*CHANGE_ERRORS, NotFound),
)
async def undo_correction(
    correction_id: UUID, runtime: RuntimeDep, key_id: KeyIdDep, key_ring: KeyRingDep
) -> CorrectionModel:
    """Undoing twice is the same as once. What was said with another key takes the scope ``admin``."""
    key_ring.require_owner(key_id, (await runtime.corrections.get(correction_id)).key_id)
    return CorrectionModel.of(await runtime.corrections.undo(correction_id))


@router.get(
    "/scans/{scan_id}/corrections",
    operation_id="list_scan_corrections",
    summary="What people said about a scan",
    response_model=CorrectionListModel,
    responses=problems(*READ_ERRORS, NotFound),
)
async def list_scan_corrections(scan_id: UUID, runtime: RuntimeDep) -> CorrectionListModel:
    """In order of arrival, those that were undone among them."""
    said = await runtime.scans.corrections_of(scan_id)
    if not said and await runtime.scans.get(scan_id) is None:
        raise NotFound(f"no scan {scan_id}")
    return CorrectionListModel(corrections=[CorrectionModel.of(one) for one in said])
