"""Which scans a filter keeps, as app/db decides it in SQL."""

from __future__ import annotations

from collections.abc import Collection

from app.domain.correction_types import Correction, CorrectionStatus
from app.domain.scan_filter import Judged, ScanFilter
from app.domain.types import Identification, ScanResult, Status, TemplateSource

OF_DETECTIONS = ("status", "set_id", "language", "card_id", "degraded", "learnt")
OF_DETECTIONS += ("confidence_from", "confidence_to")
OF_CORRECTIONS = ("right_card_id", "verdict", "correction", "reason", "corrected_since", "unknown_group")
OF_CORRECTIONS += ("judged",)


def keeps(chosen: ScanFilter, scan: ScanResult, corrections: Collection[Correction]) -> bool:
    """Whether a scan is like that; nothing in memory has an unknown group."""
    detections = {found.detection_id: found for found in scan.cards}
    said = [
        one
        for one in corrections
        if one.scan_id == scan.scan_id and _says(chosen, one, detections.get(one.detection_id))
    ]
    asks_for_words = any(getattr(chosen, name) is not None for name in OF_CORRECTIONS)
    asks_for_cards = any(getattr(chosen, name) is not None for name in OF_DETECTIONS)
    about = {one.detection_id for one in said}
    cards = [
        found
        for found in scan.cards
        if _shows(chosen, found) and (not asks_for_words or found.detection_id in about)
    ]
    return _made(chosen, scan) and bool(said or not asks_for_words) and bool(cards or not asks_for_cards)


def _made(chosen: ScanFilter, scan: ScanResult) -> bool:
    assert scan.created_at is not None
    return (
        (chosen.since is None or scan.created_at >= chosen.since)
        and (chosen.before is None or scan.created_at < chosen.before)
        and chosen.encoder in (None, scan.encoder.name)
        and (
            chosen.stage is None
            or chosen.slower_than_ms is None
            or scan.timings_ms.get(chosen.stage, 0.0) > chosen.slower_than_ms
        )
    )


def _shows(chosen: ScanFilter, found: Identification) -> bool:
    card = found.card
    learnt = bool(found.candidates) and found.candidates[0].template_source is TemplateSource.CORRECTION
    sure = found.confidence.printing
    return (
        chosen.status in (None, found.status)
        and chosen.set_id in (None, card and card.set_id)
        and chosen.language in (None, card and card.language)
        and chosen.card_id in (None, card and card.card_id)
        and (chosen.degraded is None or chosen.degraded in found.degraded)
        and chosen.learnt in (None, learnt)
        and (found.status is not Status.UNKNOWN or chosen.confidence_from is chosen.confidence_to is None)
        and (chosen.confidence_from is None or sure >= chosen.confidence_from)
        and (chosen.confidence_to is None or sure < chosen.confidence_to or sure == 1 == chosen.confidence_to)
    )


def _says(chosen: ScanFilter, one: Correction, found: Identification | None) -> bool:
    return (
        chosen.right_card_id in (None, one.card_id)
        and chosen.verdict in (None, one.verdict)
        and chosen.correction in (None, one.status)
        and chosen.reason in (None, one.reason)
        and (chosen.corrected_since is None or one.created_at >= chosen.corrected_since)
        and chosen.unknown_group is None
        and (chosen.judged is None or _judges(chosen.judged, one, found))
    )


def _judges(judged: Judged, one: Correction, found: Identification | None) -> bool:
    if found is None:
        return False
    named = None if found.status is Status.UNKNOWN or found.card is None else found.card.card_id
    if judged is Judged.DISPUTED:
        is_unproved = one.status is CorrectionStatus.QUARANTINED
        return is_unproved and found.status is Status.ACCEPTED and named != one.card_id
    if one.status is not CorrectionStatus.LEARNED:
        return False
    return judged is Judged.ANY or (judged is Judged.RIGHT) == (named == one.card_id)
