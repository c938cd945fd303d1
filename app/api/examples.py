"""A good answer of each operation, for the documentation; a test holds them to the schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_SCAN_ID = "3f2c1a90-5b7e-4d21-9a66-0c8d5e1f7b34"
_DETECTION_ID = "b8e0a4d6-2c1f-4e53-8f97-6d2a90c31e75"
_CORRECTION_ID = "c0d4f6a2-7e13-4b58-9a2d-5f81e6b09c47"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_CARD_ID = "em1-017"
#: What the examples call things, by the names that paths have for them.
EXAMPLE_IDS: Final[Mapping[str, str]] = {
    "scan_id": _SCAN_ID,
    "detection_id": _DETECTION_ID,
    "correction_id": _CORRECTION_ID,
    "card_id": _CARD_ID,
}
_CARD: dict[str, Any] = {
    "card_id": _CARD_ID,
    "name": "Lantern Heron",
    "set_id": "em1",
    "set_name": "Ember Marsh",
    "number": "017/120",
    "rarity": "rare",
    "language": "en",
    "game": "invented",
}
_QUAD = [[412.5, 388.0], [1290.25, 401.75], [1278.0, 1627.5], [399.0, 1611.25]]
_IMAGE = {"width": 3456, "height": 4608, "sha256": _SHA256}
_MOMENT = "2026-01-15T09:30:00.123456Z"


def success_examples() -> Mapping[str, tuple[int, str, object]]:
    """Operation id to (status, media type, example)."""
    json = "application/json"
    return {
        "identify": (200, json, scan_example()),
        "get_scan": (200, json, scan_example()),
        "list_scans": (200, json, {"scans": [_summary()], "next_before": None}),
        "list_scan_corrections": (200, json, {"corrections": [correction_example()]}),
        "get_detection": (200, json, _detection()),
        "get_scan_csv": (200, "text/csv", _csv()),
        "find_cards": (200, json, {"cards": [_CARD]}),
        "get_card": (200, json, _CARD),
        "submit_correction": (202, json, correction_example()),
        "get_correction": (200, json, correction_example()),
        "undo_correction": (200, json, correction_example() | {"status": "undone"}),
        "get_quality": (200, json, _quality()),
        "get_health": (200, json, {"status": "ok"}),
        "get_ready": (200, json, {"ready": True, "checks": [ready_check()]}),
        "get_ready_startup": (200, json, {"ready": True, "checks": [startup_check()]}),
        "get_memory": (200, json, _memory()),
        "get_metrics": (200, "text/plain", "binderlens_scans_total 42.0\n"),
    }


def _quality() -> dict[str, Any]:
    share = {"part": 118, "whole": 120, "low": 0.9413, "high": 0.9954}
    counts = {"accepted": 171, "review": 6, "unknown": 3}
    other = _CARD | {"card_id": "em2-017", "set_id": "em2", "set_name": "Ember Coast"}
    return {
        "days": [{"day": "2026-01-15", "scans": 20, "cards": counts}],
        "accuracy": {
            "judged": 124,
            "left_out": 0,
            "card": share,
            "printing": share,
            "accepted": share,
            "unknown": {"part": 4, "whole": 4, "low": 0.5101, "high": 1.0},
            "calibration": [
                {
                    "confidence_from": 0.9,
                    "confidence_to": 1.0,
                    "mean_confidence": 0.985,
                    "right": 118,
                    "answers": 120,
                }
            ],
            "calibration_error": 0.012,
            "gained": 7,
            "lost": 0,
            "wrong": [{"scan_id": _SCAN_ID, "detection_id": _DETECTION_ID}],
            "disputed": 1,
            "accepted_at_worst": {"part": 118, "whole": 121, "low": 0.9297, "high": 0.9915},
            "disputed_answers": [{"scan_id": _SCAN_ID, "detection_id": _DETECTION_ID}],
        },
        "confused": [{"answered": _CARD, "right": other, "times": 3}],
        "sets": [{"key": "em1", "name": "Ember Marsh", "cards": counts}],
        "languages": [{"key": "en", "name": "en", "cards": counts}],
        "corrections": {"learned": 124, "quarantined": 2},
        "reasons": [
            {
                "status": "learned",
                "reason": "its crop is a template of this card now",
                "corrections": 98,
            }
        ],
        "more_reasons": 0,
        "learnt_templates": 98,
        "learnt": [
            {
                "correction_id": _CORRECTION_ID,
                "card": _CARD,
                "scan_id": _SCAN_ID,
                "detection_id": _DETECTION_ID,
                "learnt_at": _MOMENT,
                "decided": 5,
                "gained": [{"scan_id": _SCAN_ID, "detection_id": _DETECTION_ID}],
                "lost": [],
            }
        ],
        "unknown_groups": [
            {"number": 41, "seen": 14, "last_seen": _MOMENT, "detection_ids": [_DETECTION_ID]}
        ],
        "stages": [{"stage": "total", "p50_ms": 412.0, "p95_ms": 530.5}],
        "degraded": {"verification_skipped": 1},
        "anonymous_bytes": 207691776,
        "review": [
            {
                "detection_id": _DETECTION_ID,
                "scan_id": _SCAN_ID,
                "status": "review",
                "first": _CARD,
                "confidence": 0.52,
                "reason": "the answer hangs in the balance",
            }
        ],
        "encoders": ["compact"],
    }


def request_examples() -> Mapping[str, Mapping[str, object]]:
    """Operation id to named examples of its JSON body."""
    return {
        "log_in": {"key": {"key": "CHOOSE-A-KEY"}},
        "submit_correction": {
            "wrong_card": {"detection_id": _DETECTION_ID, "verdict": "card", "card_id": "em2-017"},
            "not_a_card": {"detection_id": _DETECTION_ID, "verdict": "not_a_card", "note": "a coaster"},
            "missed_card": {"scan_id": _SCAN_ID, "quad": _QUAD, "verdict": "card", "card_id": "em1-017"},
        },
    }


def ready_check(*, ok: bool = True) -> dict[str, object]:
    """One readiness check."""
    detail = "11,424 templates" if ok else "the gallery has no templates of this encoder"
    return {"name": "gallery", "ok": ok, "detail": detail}


def startup_check(*, ok: bool = True) -> dict[str, object]:
    """The check that start-up has finished."""
    return {"name": "startup", "ok": ok, "detail": f"start-up has {'' if ok else 'not '}finished"}


def _detection() -> dict[str, object]:
    candidate = {
        "card": _CARD,
        "confidence": 0.981,
        "similarity": 0.914,
        "inliers": 143,
        "template_source": "official",
    }
    return {
        "detection_id": _DETECTION_ID,
        "quad": _QUAD,
        "rotation": 0,
        "grid": {"row": 0, "column": 0},
        "status": "accepted",
        "card": _CARD,
        "confidence": {"card": 0.998, "printing": 0.981},
        "candidates": [candidate],
        "ambiguous_with": ["em2-017"],
        "quality": {"sharpness": 0.8, "glare": 0.1, "height_px": 1226, "advice": []},
        "degraded": [],
    }


def scan_example() -> dict[str, object]:
    """A page with one card of two printings."""
    timings_ms = {
        "decode": 61.2,
        "detect": 214.0,
        "embed": 88.4,
        "search": 12.9,
        "verify": 40.3,
        "total": 447.1,
    }
    return {
        "scan_id": _SCAN_ID,
        "image": _IMAGE,
        "cards": [_detection()],
        "timings_ms": timings_ms,
        "encoder": {"name": "compact", "precision": "fp32", "fingerprint": _SHA256[:16]},
    }


def correction_example() -> dict[str, object]:
    """A correction that waits to be judged."""
    return {
        "correction_id": _CORRECTION_ID,
        "status": "pending",
        "reason": None,
        "verdict": "card",
        "detection_id": _DETECTION_ID,
        "scan_id": _SCAN_ID,
        "quad": None,
        "card_id": "em2-017",
        "note": None,
        "key_id": "kiosk",
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
    }


def _summary() -> dict[str, object]:
    return {
        "scan_id": _SCAN_ID,
        "created_at": _MOMENT,
        "image": _IMAGE,
        "cards": 1,
        "accepted": 1,
        "review": 0,
        "unknown": 0,
    }


def _memory() -> dict[str, object]:
    mebibyte = 1024 * 1024
    return {
        "resident_bytes": 612 * mebibyte,
        "anonymous_bytes": 384 * mebibyte,
        "file_backed_bytes": 228 * mebibyte,
        "peak_resident_bytes": 701 * mebibyte,
        "limit_bytes": 1024 * mebibyte,
        "batches": 118,
        "releases": 31,
        "refusals": 0,
        "batch_size": 3,
    }


def _csv() -> str:
    columns = "position,row,column,status,card_id,name,set_id,set_name,number,rarity,language,game"
    columns += ",confidence_card,confidence_printing,ambiguous_with"
    line = (
        "1,1,1,accepted,em1-017,Lantern Heron,em1,Ember Marsh,017/120,rare,en,invented,0.9980,0.9810,em2-017"
    )
    return f"{columns}\n{line}\n"
