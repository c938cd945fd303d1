"""The query of ``GET /scans``: which scans somebody asks for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field, StringConstraints

from app.api.schemas.base import PRINTABLE, Milliseconds, Moment, Name, Probability
from app.domain.correction_types import CorrectionStatus, Verdict
from app.domain.errors import InvalidParameter
from app.domain.scan_filter import Judged, ScanFilter, Stage
from app.domain.types import Degraded, Status


def says(text: str) -> object:
    """A description for the documentation."""
    return Query(description=text)


_Words = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=PRINTABLE)]
_Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
_Since = Annotated[Moment | None, says("only scans made at this moment or later")]
_Before = Annotated[Moment | None, says("only scans made before this moment")]
_Encoder = Annotated[Name | None, says("only scans that the encoder of this name answered")]
_Stage = Annotated[Stage | None, says("together with slower_than_ms: which stage took that long")]
_Slower = Annotated[Milliseconds | None, says("only scans of which the stage took longer, in milliseconds")]
_Status = Annotated[Status | None, says("only scans with at least one such card")]
_Set = Annotated[Name | None, says("... answered to be of this set")]
_Language = Annotated[Name | None, says("... answered to be of this language")]
_Card = Annotated[Name | None, says("... answered to be this card")]
_Degraded = Annotated[Degraded | None, says("... of which this was skipped or cut")]
_Learnt = Annotated[bool | None, says("... of which a learnt template decided the answer, or did not")]
_From = Annotated[Probability | None, says("... that is named, sure of its printing to at least this")]
_To = Annotated[Probability | None, says("... and of less than this; 1 includes 1")]
_Right = Annotated[Name | None, says("... of which a correction says that it is this card")]
_Verdict = Annotated[Verdict | None, says("... with a correction of this verdict")]
_Correction = Annotated[CorrectionStatus | None, says("... with a correction that stands so")]
_Reason = Annotated[_Words | None, says("... with a correction that stands so for this very reason")]
_Corrected = Annotated[Moment | None, says("... with a correction made at this moment or later")]
_Group = Annotated[_Number | None, says("... of the unknown card of this number")]
_Judged = Annotated[
    Judged | None,
    says("... whose answer, as it was given, people judged: the first correction that was learned counts"),
]


def scan_filter(
    since: _Since = None,
    before: _Before = None,
    encoder: _Encoder = None,
    stage: _Stage = None,
    slower_than_ms: _Slower = None,
    status: _Status = None,
    set_id: _Set = None,
    language: _Language = None,
    card_id: _Card = None,
    degraded: _Degraded = None,
    learnt: _Learnt = None,
    confidence_from: _From = None,
    confidence_to: _To = None,
    right_card_id: _Right = None,
    verdict: _Verdict = None,
    correction: _Correction = None,
    reason: _Reason = None,
    corrected_since: _Corrected = None,
    unknown_group: _Group = None,
    judged: _Judged = None,
) -> ScanFilter:
    """What was asked for.

    Raises:
        InvalidParameter: no scan can be like that.
    """
    chosen = ScanFilter(**locals())
    if (words := chosen.contradiction()) is not None:
        raise InvalidParameter(f"query: {words}")
    return chosen


ScanFilterDep = Annotated[ScanFilter, Depends(scan_filter)]
