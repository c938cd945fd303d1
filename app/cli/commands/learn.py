"""``binderlens learn``."""

from __future__ import annotations

from rich.console import Console

from app.cli.wiring import load_settings, run_with_runtime
from app.domain.correction_types import CorrectionStatus
from app.services.learning.judging import LearningReport
from app.services.runtime import Runtime


def learn() -> None:
    """One run of the learning loop over the pending corrections."""

    async def work(runtime: Runtime) -> LearningReport:
        return await runtime.learning.run_once()

    report = run_with_runtime(work, load_settings())
    console = Console(highlight=False)
    console.print(f"{report.studied} corrections studied, {report.changed} stand otherwise than before")
    for status in (CorrectionStatus.LEARNED, CorrectionStatus.QUARANTINED, CorrectionStatus.REJECTED):
        console.print(f"{report.standing[status]} {status}")
