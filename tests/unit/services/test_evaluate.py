"""The shares that ``evaluate`` and the benchmark of whole scans print."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from app.cli.commands.evaluate import print_report
from app.domain.labels import LabelledCard, LabelledScan, write_labels
from app.domain.types import ScanResult, Status
from app.services.evaluate import EvaluateService
from app.services.identify import IdentifyOptions
from app.settings import Settings
from tests.fakes.service import fake_service, page_png


class Doubting:
    """In the place of the identify service: its first answer is given as unknown, the others stand."""

    def __init__(self, identify: object) -> None:
        self._identify = identify

    async def identify(
        self, data: bytes, options: IdentifyOptions, *, store: bool
    ) -> tuple[ScanResult, bool]:
        result, is_new = await self._identify.identify(data, options, store=store)
        first, *others = result.cards
        doubted = replace(first, status=Status.UNKNOWN, card=None)
        return replace(result, cards=(doubted, *others)), is_new


async def test_what_is_answered_and_what_only_led_the_candidates_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(page_png(1, 2))
    cards = tuple(LabelledCard(f"em1-00{number}", f"Heron {number}", None, True) for number in (1, 2))
    write_labels(tmp_path / "page.json", LabelledScan("page.png", cards))
    async with fake_service(Settings(_env_file=None, data_dir=tmp_path)) as service:
        runtime = service.runtime
        evaluating = EvaluateService(Doubting(runtime.identify), runtime.gallery, runtime.guard)
        report = await evaluating.run([tmp_path / "page.json"])
    shares = {share.name: (share.hits, share.of) for share in report.shares}
    assert (shares["artwork right"], shares["printing right"]) == ((1, 2), (1, 2))
    assert shares["first candidate: artwork right"] == (2, 2)
    assert shares["first candidate: printing right"] == (2, 2)
    console = Console(record=True, width=120)
    print_report(report, console)
    printed = console.export_text()
    assert "first candidate: artwork right" in printed
    assert "1 / 2" in printed
