"""``binderlens evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.fitting import fit_confidences, forget_fit
from app.cli.wiring import error_console, load_settings, progress_bar, run_with_runtime, write_text
from app.domain.errors import ConfigurationError
from app.domain.statistics import wilson_interval
from app.domain.types import EncoderInfo
from app.services.evaluate import EvaluateService, EvaluationReport
from app.services.runtime import Runtime

Labels = Annotated[list[Path] | None, typer.Argument(help="Label files (JSON), or folders of them.")]


def evaluate(
    labels: Labels = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
    fit: Annotated[bool, typer.Option("--fit", help="Also fit the confidences on these labels.")] = False,
    forget: Annotated[
        bool, typer.Option("--forget-fit", help="Go back to the confidences the encoder came with.")
    ] = False,
) -> None:
    """Score labelled scans: detection, card, printing, calibration, unknowns, time, memory."""
    settings = load_settings()
    if forget:
        if labels or fit or json_file:
            raise typer.BadParameter("--forget-fit stands alone")
        forget_fit(settings)
        return
    if not labels:
        raise typer.BadParameter("name label files (JSON), or folders of them")
    files = _label_files(labels)
    console = error_console()

    async def work(runtime: Runtime) -> tuple[EvaluationReport, EncoderInfo]:
        service = EvaluateService(runtime.identify, runtime.gallery, runtime.guard)
        with progress_bar(console) as progress:
            task = progress.add_task("scans", total=len(files))
            report = await service.run(files, lambda: progress.advance(task))
        return report, runtime.encoder.info

    # A fit starts from what came with the encoder, so that the same labels fitted twice count once.
    report, encoder = run_with_runtime(work, settings, use_fitted=not fit)
    print_report(report, Console())
    if json_file is not None:
        write_text(json_file, json.dumps(report.as_json(), indent=2) + "\n")
    if fit:
        fit_confidences(report.scores, settings, encoder, Console())


def _label_files(paths: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        files.extend(sorted(path.glob("*.json")) if path.is_dir() else [path])
    if not files:
        raise ConfigurationError(f"no label files (*.json) in {', '.join(map(str, paths))}")
    return files


def print_report(report: EvaluationReport, console: Console) -> None:
    """Prints every figure as a table with Wilson 95 % intervals."""
    table = Table(title=f"{report.scans} scans", title_justify="left")
    table.add_column("figure")
    table.add_column("share", justify="right")
    table.add_column("Wilson 95 %", justify="right")
    table.add_column("of", justify="right")
    for share in report.shares:
        low, high = wilson_interval(share.hits, share.of)
        value = "-" if share.value is None else f"{share.value:.2%}"
        interval = "-" if share.value is None else f"{low:.2%} - {high:.2%}"
        table.add_row(share.name, value, interval, f"{share.hits} / {share.of}")
    console.print(table)
    for name, figure, unit in (
        ("mean IoU of the found", report.mean_iou, ""),
        ("calibration error of the card", report.ece_card, ""),
        ("calibration error of the printing", report.ece_printing, ""),
        ("time of a scan, median", report.total_ms_p50, " ms"),
        ("time of a scan, 95th percentile", report.total_ms_p95, " ms"),
    ):
        console.print(f"{name}: {'-' if figure is None else f'{figure:.4g}'}{unit}")
    console.print(f"anonymous memory: {report.anonymous_bytes / 1e6:.0f} MB")
    console.print(f"peak resident memory: {report.peak_rss_bytes / 1e6:.0f} MB")
