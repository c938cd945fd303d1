"""What the service says about itself on the wire."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.api.schemas.base import Problem, Strict
from app.domain.types import MemorySnapshot


class HealthModel(Strict):
    """The process works."""

    status: Literal["ok"]


class CheckModel(Strict):
    """One thing that must hold before a scan would be served."""

    name: str
    ok: bool
    detail: str


class ReadyModel(Strict):
    """Every check that was asked for holds."""

    ready: Literal[True]
    checks: list[CheckModel]


class NotReadyProblem(Problem):
    """A check fails; its detail says why."""

    checks: list[CheckModel]


class MemoryModel(Strict):
    """What the memory guard sees, and how often it worked."""

    resident_bytes: int
    anonymous_bytes: int = Field(description="what counts against the limit")
    file_backed_bytes: int = Field(description="mapped files such as weights; the kernel may drop them")
    peak_resident_bytes: int
    limit_bytes: int | None = Field(description="null where neither the settings nor a cgroup set one")
    batches: int
    releases: int
    refusals: int
    batch_size: int

    @classmethod
    def of(cls, snapshot: MemorySnapshot) -> MemoryModel:
        """From the domain."""
        return cls(
            resident_bytes=snapshot.rss_bytes,
            anonymous_bytes=snapshot.anonymous_bytes,
            file_backed_bytes=snapshot.file_bytes,
            peak_resident_bytes=snapshot.peak_rss_bytes,
            limit_bytes=snapshot.limit_bytes,
            batches=snapshot.batches,
            releases=snapshot.releases,
            refusals=snapshot.refusals,
            batch_size=snapshot.batch_size,
        )
