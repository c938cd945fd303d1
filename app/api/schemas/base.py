"""What every model of the wire shares: strictness, the form of an error, common types."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from app.domain.types import Quad

#: Text without control characters: PostgreSQL refuses NUL, and no name needs the others.
PRINTABLE = r"^[^\x00-\x1f\x7f]+$"

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE)]
#: What a search form sends: empty means no limit.
SearchText = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Probability = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[float, Field(ge=0)]
Pixels = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1_000_000, le=1_000_000)]
Point = Annotated[list[Pixels], Field(min_length=2, max_length=2)]


#: The beginning of RFC 3339's date-time; pydantic judges the rest.
_DATE_AND_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")


def _in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; one that falls outside of years 1 to 9999 there is refused."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside of the years 1 to 9999 in UTC") from None


def _is_written_out(moment: object) -> object:
    """Lets no mere number through, which would be taken for seconds since 1970."""
    if isinstance(moment, str) and not _DATE_AND_TIME.match(moment):
        raise ValueError("must be a date and a time with an offset, such as 2026-11-26T20:19:00Z")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_is_written_out), AfterValidator(_in_utc)]
QuadPoints = Annotated[
    list[Point],
    Field(
        min_length=4,
        max_length=4,
        description="corners [x, y] in pixels, from the card's own top left, clockwise",
    ),
]


class Strict(BaseModel):
    """Refuses fields it does not know, and says which it does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_fields(cls, data: object) -> object:
        if isinstance(data, Mapping) and (unknown := sorted(set(map(str, data)) - set(cls.model_fields))):
            known = ", ".join(sorted(cls.model_fields))
            raise ValueError(f"unknown field {', '.join(map(repr, unknown))}; allowed: {known}")
        return data


class Problem(Strict):
    """An error (RFC 9457)."""

    type: str = Field(description="URN of the class of problem; ends with the code")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="what happened this time, for people")
    code: str = Field(description="stable name of the problem, for programs")
    request_id: str = Field(description="the same as the header X-Request-ID")


def score(value: float) -> float:
    """A share of one to six decimals: more would be noise."""
    return round(float(value), 6)


def points(quad_px: Quad) -> list[list[float]]:
    """Corners to a hundredth of a pixel."""
    rows: Sequence[Sequence[float]] = quad_px.tolist()
    return [[round(x, 2), round(y, 2)] for x, y in rows]
