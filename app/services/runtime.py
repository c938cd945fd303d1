"""Everything a request may need, built once by ``app.main`` and handed to the API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from app.domain.errors import BinderlensError
from app.domain.operation_types import ConnectionPool
from app.domain.ports import Encoder, Gallery, MemoryGuard, QualityStore, References, ScanStore
from app.services.admission import Admission
from app.services.corrections import CorrectionService
from app.services.identify import IdentifyService
from app.services.learning.loop import LearningLoop
from app.services.small_copies import SmallCopies
from app.settings import Settings

#: A check that takes longer fails: who asks whether a scan would be served does not wait as long as a scan.
CHECK_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class ReadinessCheck:
    """One thing that must hold before a scan would be served."""

    name: str
    ok: bool
    detail: str


class Readiness:
    """Runs every check, each on its own, so that one line says exactly what is missing."""

    def __init__(
        self, checks: Sequence[tuple[str, Callable[[], Awaitable[str]]]], timeout_s: float = CHECK_TIMEOUT_S
    ) -> None:
        """Takes named checks; each returns a detail, or raises a BinderlensError that says what is wrong."""
        self._checks = tuple(checks)
        self._timeout_s = timeout_s

    async def checks(self) -> list[ReadinessCheck]:
        """The result of every check, in order."""
        results = []
        for name, check in self._checks:
            try:
                async with asyncio.timeout(self._timeout_s):
                    results.append(ReadinessCheck(name, True, await check()))
            except BinderlensError as error:
                results.append(ReadinessCheck(name, False, str(error)))
            except TimeoutError:
                results.append(ReadinessCheck(name, False, f"does not answer within {self._timeout_s:g} s"))
        return results


@dataclass(frozen=True, slots=True)
class StartUp:
    """How far start-up has come; ``failed`` means that trying again would not mend it."""

    detail: str = "start-up has not finished"
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Runtime:
    """The wired service."""

    settings: Settings
    encoder: Encoder
    identify: IdentifyService
    corrections: CorrectionService
    learning: LearningLoop
    scans: ScanStore
    small_copies: SmallCopies
    quality: QualityStore
    gallery: Gallery
    references: References
    guard: MemoryGuard
    admission: Admission
    connections: ConnectionPool
    readiness: Readiness
    #: What login cookies are sealed with, 32 bytes.
    login_secret: bytes = field(repr=False)
